#include "watch.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "ringpost/shard/await.hpp"

#include "names.hpp"
#include "remotes.hpp"

namespace ringpost::simulator {

namespace {

constexpr double kDelayMax = 60;  // seconds from arrival to delivery when nothing goes wrong
// Ready mail, no slot asked for, no connection: a lookup and all tries to connect are over by then.
constexpr Duration kHungerMax = std::chrono::hours{2};

// What a life of the server has done that nobody outside sees: the name of the figure, and what it is called here.
constexpr std::pair<std::string_view, std::string_view> kDone[] = {
    {"store_repeated", "store: a delivery again, not stored again"},
    {"store_snapshots", "store: a snapshot"},
    {"store_moved", "store: a record moved to another segment"},
    {"spool_moved", "spool: a message moved to another segment"},
    {"spool_moved_cold", "spool: a message moved to a cold segment"},
    {"spool_refused_disk", "spool: refused for want of disk"},
    {"spool_refused_memory", "spool: refused for want of memory"},
    {"spool_damaged", "spool: a message could not be read back"},
    {"journal_segments_freed", "spool: a segment freed"},
    {"journal_segments_emptied", "spool: a segment emptied"},
    {"journal_write_errors", "spool: a frame or header could not be written"},
    {"journal_no_room", "spool: no room for a record"},
    {"journal_scrubbed_bytes", "spool: bytes scrubbed"},
    {"journal_rotten", "spool: rot found by the scrub"},
    {"deliver_slots_granted_late", "deliver: a slot came after a wait"},
    {"deliver_connections_reused", "deliver: a connection used again"},
    {"deliver_jobs_put_off", "deliver: put off with its destination"},
    {"deliver_lost", "deliver: a connection lost in a message"},
    {"intake_streamed", "receive: a body in pieces"},
    {"receive_timeouts", "receive: a client was silent too long"},
    {"receive_refused_connections", "receive: a connection turned away"},
    {"receive_early_talkers", "receive: a client spoke too early"},
    {"core_accept_pauses", "receive: accepting paused"},
    {"core_connections_handed_over", "receive: a connection handed to another core"},
};

}  // namespace

using observe::EventKey;
using observe::EventType;

Watch::Watch(Machine& machine, const Profile& profile, io::SimWorld& world, Ledger& ledger,
             Coverage& coverage)
    : machine_(machine), profile_(profile), world_(world), ledger_(ledger), coverage_(coverage) {}

void Watch::look() {
  if (machine_.phase() < Machine::Phase::starting) return;
  for (unsigned i = 0; i < machine_.count(); ++i) {
    machine_.core(i).events().drain([&](const observe::EventView& event) { hear(i, event); });
    ask(i);
    look_at_memory(i);
  }
}

void Watch::hear(unsigned core, const observe::EventView& event) {
  coverage_.note("server: " + std::string(observe::to_string(event.type)));
  const bool failed = event.type == EventType::bounced || event.type == EventType::expired;
  const std::string recipient(event.get(EventKey::recipient));
  const std::string domain = recipient.substr(recipient.find('@') + 1);
  if (event.type == EventType::delivered) note_overtaking(core, domain);
  if (event.type == EventType::delivered || event.type == EventType::deferred || failed)
    hungry_.erase(std::pair(core, domain));  // this core has done something about it
  if (event.type != EventType::delivered && !failed) return;
  const auto id = parse_message_id(event.get(EventKey::queue_id));
  if (!id) return ledger_.violate("an event without a queue id");
  ++heard_[core][failed ? "failed" : "delivered"];
  if (!profile_.faults) coverage_.note("oracle: time to a delivery when nothing goes wrong");
  if (!profile_.faults && std::strtod(std::string(event.get(EventKey::delay)).c_str(), nullptr) > kDelayMax)
    ledger_.violate(fmt::format("nothing goes wrong, and core {} took {} s to deliver {}", core,
                                event.get(EventKey::delay), to_string(*id)));
  ledger_.end(*id, recipient, failed);
  ends_[core].waiting.push_back({*id, recipient});
}

// One question at a time; what ends meanwhile is in the next.
void Watch::ask(unsigned core) {
  Ends& ends = ends_[core];
  if (ends.waiting.empty() || !ends.asked.empty() || machine_.phase() == Machine::Phase::stopping) return;
  ends.asked.swap(ends.waiting);
  machine_.core(core).spawn(flush(machine_.core(core), machine_.services(core).spool()));
}

// A crash ends this without a word.
Task<void> Watch::flush(shard::Core& core, spool::Spool& spool) {
  const auto done = co_await spool.flush();
  Ends& ends = ends_[core.index()];
  if (done) {
    coverage_.note("oracle: an end became durable", ends.asked.size());
    for (const Ended& each : ends.asked) ledger_.end_durably(each.id, each.recipient);
  } else {
    coverage_.note("oracle: an end had to wait for the disk", ends.asked.size());
    ends.waiting.insert(ends.waiting.begin(), ends.asked.begin(), ends.asked.end());
    co_await shard::Sleep(core, std::chrono::milliseconds{200});
  }
  ends.asked.clear();
}

void Watch::forget() {
  heard_.clear();
  hungry_.clear();
  ends_.clear();
  ledger_.crash(world_.now());
}

void Watch::settle() {
  heard_.clear();
  hungry_.clear();
  for (auto& [core, ends] : ends_) {
    for (const Ended& each : ends.asked) ledger_.end_durably(each.id, each.recipient);
    for (const Ended& each : ends.waiting) ledger_.end_durably(each.id, each.recipient);
  }
  ends_.clear();
}

std::map<std::uint64_t, unsigned> Watch::queue() {
  std::map<std::uint64_t, unsigned> queue;
  for (unsigned i = 0; i < machine_.count(); ++i)
    for (const MessageId id : machine_.services(i).spool().ids({}, ~std::size_t{0})) ++queue[id.value];
  return queue;
}

std::size_t Watch::queued() {
  std::size_t count = 0;
  for (unsigned i = 0; i < machine_.count(); ++i) count += machine_.services(i).spool().message_count();
  return count;
}

bool Watch::has_moved() {
  std::int64_t moved = 0;
  for (unsigned i = 0; i < machine_.count(); ++i) moved += figure(i, "spool_moved");
  return std::exchange(moved_, moved) < moved;
}

bool Watch::passes() {
  bool any = false;
  for (unsigned i = 0; i < machine_.count(); ++i) any = any || figure(i, "intake_through_open") != 0;
  return any;
}

bool Watch::drained() {
  for (unsigned i = 0; i < machine_.count(); ++i) {
    server::CoreServices& services = machine_.services(i);
    if (figure(i, "deliver_messages") != 0) return false;
    if (services.spool().message_count() != 0 && !profile_.lying_disk()) return false;
  }
  if (!profile_.lying_disk()) return true;
  const auto left = queue();
  if (!std::ranges::all_of(left, [&](const auto& each) { return ledger_.excused({each.first}); }))
    return false;
  if (!left.empty()) coverage_.note("oracle: a ruined message stays in the queue");
  return true;
}

std::int64_t Watch::figure(unsigned core, std::string_view name) {
  for (const auto& entry : machine_.core(core).figures().entries()) {
    if (entry.name != name) continue;
    return entry.counter != nullptr ? static_cast<std::int64_t>(entry.counter->value())
                                    : entry.gauge->value();
  }
  ledger_.violate("there is no figure " + std::string(name));
  return 0;
}

void Watch::recount(bool idle) {
  if (machine_.phase() != Machine::Phase::running) return;
  coverage_.note(idle ? "oracle: figures counted again when idle" : "oracle: figures counted again");
  for (unsigned i = 0; i < machine_.count(); ++i) recount_core(i, idle);
  count_connections();
}

void Watch::recount_core(unsigned core, bool idle) {
  const auto check = [&](std::string_view what, std::int64_t is, std::int64_t counted) {
    if (is != counted)
      ledger_.violate(fmt::format("core {}: {} says {}, and there are {}", core, what, is, counted));
  };
  server::CoreServices& services = machine_.services(core);
  look_at_memory(core);
  const auto& buffers = machine_.core(core).buffers();
  const auto refusing = services.spool().refusing();
  if (refusing != spool::Refusal::none && refusing != spool::Refusal::closing)
    coverage_.note(fmt::format("spool: refuses, for {}", spool::to_string(refusing)));
  check("the spool's count", static_cast<std::int64_t>(services.spool().message_count()),
        static_cast<std::int64_t>(services.spool().ids({}, ~std::size_t{0}).size()));
  check("receive_connections_open", figure(core, "receive_connections_open"),
        static_cast<std::int64_t>(services.receive().open_connections()));
  const deliver::QueueSummary summary = services.deliver().recount();
  check("deliver_messages", figure(core, "deliver_messages"), static_cast<std::int64_t>(summary.messages));
  std::int64_t waiting = 0;
  for (const std::string_view place : {"ready", "active", "deferred", "held"})
    waiting += figure(core, "deliver_recipients_" + std::string(place));
  const std::int64_t counted = std::accumulate(
      summary.recipients.begin(), summary.recipients.end(), std::int64_t{0},
      [](std::int64_t sum, std::uint64_t each) { return sum + static_cast<std::int64_t>(each); });
  if (waiting > counted)  // one that is being settled is in none of the four for a moment
    ledger_.violate(fmt::format("core {}: the gauges of the queue say {} recipients, and there are {}", core,
                                waiting, counted));
  look_for_hunger(core, summary);
  if (!idle) return;
  check("deliver_recipients_delivered", figure(core, "deliver_recipients_delivered"),
        heard_[core]["delivered"]);
  // What could not be read until it was too old ends without an event for each recipient.
  if (!profile_.lying_disk())
    check("deliver_recipients_bounced and _expired",
          figure(core, "deliver_recipients_bounced") + figure(core, "deliver_recipients_expired"),
          heard_[core]["failed"]);
  check("recipients that wait", waiting, 0);
  check("deliver_connections", figure(core, "deliver_connections"), 0);
  check("deliver_flows", figure(core, "deliver_flows"), 0);
  check("the messages of the queue", static_cast<std::int64_t>(summary.messages), 0);
  if (services.spool().message_count() == 0 && !profile_.store_mailboxes)  // those that the disk ruined stay
    check("live bytes", static_cast<std::int64_t>(services.spool().log().space().live_bytes), 0);
  check("receive_connections_open", figure(core, "receive_connections_open"), 0);
  check("intake_through_open", figure(core, "intake_through_open"), 0);
  check("buffers in use", static_cast<std::int64_t>(buffers.in_use().count), 0);
}

void Watch::look_at_memory(unsigned core) {
  const auto& buffers = machine_.core(core).buffers();
  if (!buffers.tight()) return;
  coverage_.note("oracle: memory looked at when it is tight");
  const auto frames = static_cast<std::uint64_t>(figure(core, "core_frame_bytes"));
  if (buffers.in_use() > buffers.budget() || buffers.in_use().count + frames > profile_.memory.count)
    ledger_.violate(fmt::format("core {}: {} bytes of buffers and {} of coroutines are in use", core,
                                buffers.in_use().count, frames));
}

// First come, first served over cores: before a core that waits has its slot, each that has one now or stands before it may
// end the connection that it opens, and no more.
std::uint64_t Watch::overtaken_max() const {
  return std::uint64_t{profile_.connection_limit + machine_.count()} * profile_.messages_per_connection *
         profile_.recipients_per_transaction;
}

void Watch::look_for_hunger(unsigned core, const deliver::QueueSummary& summary) {
  std::set<std::string> still;
  if (!stands_still(core))
    for (const deliver::DestinationSummary& destination : summary.destinations) {
      const auto count = [&](deliver::JobState state) {
        return destination.recipients[static_cast<std::size_t>(state)];
      };
      if (count(deliver::JobState::ready) == 0 || count(deliver::JobState::active) != 0 ||
          destination.connections != 0 || destination.paused_until != WallTime{})
        continue;
      still.insert(destination.name);
      note_hunger(core, destination);
    }
  std::erase_if(hungry_, [&](const auto& each) {
    return each.first.first == core && !still.contains(each.first.second);
  });
}

void Watch::note_hunger(unsigned core, const deliver::DestinationSummary& destination) {
  Hunger& hunger = hungry_[{core, destination.name}];
  if (hunger.since == Instant{} || hunger.in_line != destination.waits_for_slot)
    hunger = {.since = world_.now(), .in_line = destination.waits_for_slot};
  if (hunger.in_line) coverage_.note("oracle: a core waits for a slot that others have");
  if (!hunger.in_line && world_.now() - hunger.since > kHungerMax)
    ledger_.violate(
        fmt::format("core {} has mail for {}, and does nothing about it", core, destination.name));
}

// The core has delivered something there.
void Watch::note_overtaking(unsigned core, std::string_view destination) {
  std::erase_if(hungry_, [&](const auto& each) { return stands_still(each.first.first); });
  for (auto& [who, hunger] : hungry_) {
    if (who.second != destination || who.first == core || !hunger.in_line) continue;
    coverage_.note("oracle: one core went before another that waits");
    if (++hunger.overtaken > overtaken_max())
      ledger_.violate(
          fmt::format("core {} starves: it waits for a connection to {}, and others delivered {} times",
                      who.first, destination, hunger.overtaken));
  }
}

void Watch::note_figures() {
  for (unsigned i = 0; i < machine_.count(); ++i)
    for (const auto& [name, what] : kDone) coverage_.note(what, static_cast<std::uint64_t>(figure(i, name)));
}

// Slots are of the machine: what the sockets say, not what the server does.
void Watch::count_connections() {
  if (profile_.names.lie != 0) return;  // a host then has mail of several destinations
  for (unsigned i = 0; i <= profile_.domains; ++i) {
    const IpAddress host = i == profile_.domains ? Names::home_host() : Names::host(i);
    const std::size_t open = world_.connections_to({host, 25}, Machine::kHost);
    if (open > 0) coverage_.note("oracle: connections to a host counted");
    if (open == profile_.connection_limit) coverage_.note("oracle: connections to a host at their limit");
    if (open > profile_.connection_limit)
      ledger_.violate(fmt::format("{} connections to {} are open, {} are allowed", open, to_string(host),
                                  profile_.connection_limit));
  }
}

}  // namespace ringpost::simulator
