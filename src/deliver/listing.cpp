// What operators see of the queue.
#include <algorithm>
#include <map>
#include <string>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/schedule/retry.hpp"

#include "selection.hpp"
#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

std::size_t age_class(Duration age) {
  std::size_t index = 0;
  while (index + 1 < kAgeBounds.size() && age > kAgeBounds[index]) ++index;
  return index;
}

DestinationSummary summarise(const Destination& destination, const Queue& queue) {
  DestinationSummary summary{
      .name = destination.name, .connections = destination.connected, .waits_for_slot = destination.in_line};
  if (destination.paused()) {
    summary.paused_until = queue.wall(destination.deadline());
    if (destination.setback) summary.problem = destination.setback->text();
  }
  return summary;
}

}  // namespace

// A summary as it grows, while others run.
struct Service::State::Summing {
  State& state;
  WallTime now = state.core.wall_now();
  QueueSummary summary;
  std::map<std::string, DestinationSummary, std::less<>> destinations;

  DestinationSummary& entry_of(const std::string& name) {
    auto [entry, added] = destinations.try_emplace(name);
    if (!added) return entry->second;
    const auto found = state.queue.destinations().find(name);
    if (found != state.queue.destinations().end()) entry->second = summarise(*found->second, state.queue);
    entry->second.name = name;
    return entry->second;
  }
  void count(DestinationSummary& destination, JobState job_state, std::uint64_t recipients,
             WallTime arrival) {
    const auto job = static_cast<std::size_t>(job_state);
    destination.recipients[job] += recipients;
    summary.recipients[job] += recipients;
    if (destination.oldest == WallTime{} || arrival < destination.oldest) destination.oldest = arrival;
  }
  void add(Message& message) {
    message.jobs.for_each([&](Job& job) {
      count(entry_of(job.destination->name), state.queue.state_of(job), job.recipients.size(),
            message.arrival);
      summary.ages[age_class(now - message.arrival)] += job.recipients.size();
    });
  }
  void add(const Parking::Line& line) {
    if (line.messages == 0) return;
    DestinationSummary& destination = entry_of(line.destination);
    const WallTime oldest{std::int64_t{line.oldest} * 1'000'000'000};
    if (line.deferred != 0) count(destination, JobState::deferred, line.deferred, oldest);
    if (line.held != 0) count(destination, JobState::held, line.held, oldest);
    if (line.ready != 0) count(destination, state.queue.state_of(line), line.ready, oldest);
  }
};

QueueSummary Service::recount() {
  State::Summing all{*state_};
  for (const auto& [id, message] : state_->queue.messages()) all.add(*message);
  for (std::size_t line = 0; line < state_->queue.parking().line_count(); ++line)
    all.add(state_->queue.parking().line(line));
  for (auto& [name, destination] : all.destinations)
    all.summary.destinations.push_back(std::move(destination));
  all.summary.messages = state_->queue.message_count();
  return std::move(all.summary);
}

// From counters, but for the messages in memory, of which there are few when the queue is long. What changes meanwhile may
// be counted in both its states, or in none.
Task<QueueSummary> Service::summary() {
  State& state = *state_;
  State::Summing all{state};
  const auto& messages = state.queue.messages();
  std::size_t looked_at = 0;
  for (std::size_t bucket = 0; bucket < messages.bucket_count(); ++bucket) {
    for (auto at = messages.begin(bucket); at != messages.end(bucket); ++at) all.add(*at->second);
    if (++looked_at % kSummedPerTurn == 0) co_await shard::Yield{state.core};
  }
  for (std::size_t line = 0; line < state.queue.parking().line_count(); ++line) {
    all.add(state.queue.parking().line(line));
    if (++looked_at % kSummedPerTurn == 0) co_await shard::Yield{state.core};
  }
  state.queue.parking().for_each_age([&](WallTime arrival, std::uint64_t recipients) {
    all.summary.ages[age_class(all.now - arrival)] += recipients;
  });
  for (auto& [name, destination] : all.destinations) {
    all.summary.destinations.push_back(std::move(destination));
    if (++looked_at % kSummedPerTurn == 0) co_await shard::Yield{state.core};
  }
  all.summary.messages = state.queue.message_count();
  all.summary.passing = state.parts.intake->passages().count();
  all.summary.refusing = to_string(state.parts.spool->refusing());
  co_return std::move(all.summary);
}

void Service::State::describe_parked(const Parked& parked, const spool::Spool::Loaded& loaded,
                                     QueuedMessage& shown) const {
  shown.expiry =
      schedule::expiry(parts.settings->retry, shown.arrival, loaded.envelope.reverse_path().empty());
  for (const spool::Outcome& outcome : loaded.outcomes) {
    if (outcome.state != spool::RecipientState::pending) continue;
    QueuedRecipient& recipient = shown.recipients[outcome.recipient];
    const ParkedPart part = *queue.part_of(parked, parts.settings->router, recipient.address);
    const Parking::Line& line = queue.parking().line_of(part);
    recipient.destination = line.destination;
    recipient.state = queue.state_of(part);
    if (part.place() == Place::deferred) recipient.next_attempt = outcome.next_attempt;
    if (line.reason) recipient.reason = *line.reason;
  }
}

QueuedMessage Service::State::describe(MessageId id, const spool::Spool::Loaded& loaded) {
  const mail::EnvelopeRecord& envelope = loaded.envelope;
  QueuedMessage shown{.id = id,
                      .arrival = envelope.facts().arrival,
                      .sender = std::string(envelope.reverse_path()),
                      .size = envelope.facts().body.size};
  for (const spool::Outcome& outcome : loaded.outcomes)
    shown.recipients.push_back({.address = std::string(envelope.recipient(outcome.recipient).address),
                                .outcome = outcome.state,
                                .attempts = outcome.attempts,
                                .code = outcome.code});
  if (const Parked* parked = queue.parked(id)) describe_parked(*parked, loaded, shown);
  Message* message = queue.find(id);
  if (message == nullptr) return shown;
  shown.expiry = message->expiry;
  message->jobs.for_each([&](Job& job) {
    for (const std::uint32_t index : job.recipients.view()) {
      QueuedRecipient& recipient = shown.recipients[index];
      recipient.destination = job.destination->name;
      recipient.state = queue.state_of(job);
      recipient.attempts = job.attempts;
      if (job.place == Place::deferred)
        recipient.next_attempt = queue.wall(job.deadline());
      else if (job.place == Place::ready && job.destination->paused())
        recipient.next_attempt = queue.wall(job.destination->deadline());
      if (job.reason)
        recipient.reason = *job.reason;
      else if (job.destination->setback)
        recipient.reason = job.destination->setback->text();
    }
  });
  return shown;
}

// How many recipients of the message fit in everything, parked or not.
std::size_t Service::State::count_in(const Selector& selector, MessageId id,
                                     const spool::Spool::Loaded& loaded) {
  const Parked* parked = queue.parked(id);
  if (parked == nullptr) return count_fitting(selector, queue, id, loaded.envelope);
  if (!fits(selector, queue, *parked)) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(loaded.outcomes, [&](const spool::Outcome& outcome) {
    if (outcome.state != spool::RecipientState::pending) return false;
    const std::string_view address = loaded.envelope.recipient(outcome.recipient).address;
    return fits(selector, queue, *queue.part_of(*parked, parts.settings->router, address)) &&
           fits(selector, loaded.envelope, outcome.recipient);
  }));
}

Task<std::vector<QueuedMessage>> Service::list(MessageId after, std::size_t limit, Selector selector) {
  State& state = *state_;
  limit = std::min(limit, kListPageMax);
  std::vector<QueuedMessage> page;
  const auto cut = [&page, limit] {
    std::ranges::sort(page, {}, &QueuedMessage::id);
    if (page.size() > limit) page.resize(limit);
  };
  if (limit == 0) co_return page;
  spool::Survey all = state.survey(selector, after, kListPass);
  for (auto some = co_await all.next(); !some.empty(); some = co_await all.next()) {
    for (auto& [id, loaded] : some)
      if (loaded && state.parts.spool->refresh(id, *loaded) && state.count_in(selector, id, *loaded) > 0)
        page.push_back(state.describe(id, *loaded));
    if (page.size() >= 2 * limit) cut();
    if (all.pass_ended() && page.size() >= limit) break;
  }
  cut();
  co_return page;
}

Task<std::vector<QueuedMessage>> Service::show(MessageId id) {
  std::vector<QueuedMessage> shown;
  if (!state_->parts.spool->contains(id)) co_return shown;
  const auto loaded = co_await state_->parts.spool->load(id);
  if (loaded) shown.push_back(state_->describe(id, *loaded));
  co_return shown;
}

Task<std::size_t> Service::count(Selector selector) {
  State& state = *state_;
  std::size_t recipients = 0;
  spool::Survey all = state.survey(selector);
  for (auto some = co_await all.next(); !some.empty(); some = co_await all.next())
    for (const auto& [id, loaded] : some)
      if (loaded) recipients += state.count_in(selector, id, *loaded);
  co_return recipients;
}

}  // namespace ringpost::deliver
