#include "clients.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "ringpost/scan/find.hpp"
#include "ringpost/shard/await.hpp"

#include "names.hpp"

namespace ringpost::simulator {

using Kind = smtp::ClientEvent::Kind;
using Stage = smtp::ClientEvent::Stage;

namespace {

constexpr Duration kPatience = std::chrono::minutes{10};
constexpr Duration kLongWait = std::chrono::minutes{1};
// At level through the client hears of the end while it still waits: the server gives up after four minutes.
constexpr Duration kPassingMax = std::chrono::minutes{6};

// Written apart from the server's own way of doing it.
std::string stuffed(const std::string& text) {
  std::string out;
  out.reserve(text.size() + 64);
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && c == '.') out += '.';
    out += c;
    at_line_start = c == '\n';
  }
  return out;
}

std::optional<MessageId> queue_id(std::string_view reply) {
  for (const std::string_view before : {"passed on as ", "queued as "})
    if (const std::size_t at = reply.find(before); at != std::string_view::npos)
      return parse_message_id(reply.substr(at + before.size(), 13));
  return std::nullopt;
}

}  // namespace

struct Clients::Visit {
  std::unique_ptr<net::Connection> connection;
  smtp::ClientSettings settings;
  std::optional<smtp::ClientSession> session;
  std::string_view awaits = "the greeting";
};

Endpoint Clients::server(mail::Durability level, bool lmtp) {
  const auto port = static_cast<std::uint16_t>(level == mail::Durability::disk      ? 25
                                               : level == mail::Durability::relaxed ? 26
                                               : level == mail::Durability::memory  ? 27
                                               : lmtp                               ? 29
                                                                                    : 28);
  return {IpAddress::ipv4(10, 0, 0, 1), port};
}

Clients::Clients(shard::Core& core, const Profile& profile, Ledger& ledger, Coverage& coverage)
    : core_(core),
      ledger_(ledger),
      coverage_(coverage),
      random_(profile.seed * 17 + 5),
      count_(profile.clients),
      leaves_(profile.client_leaves),
      dawdles_(profile.client_dawdles),
      drips_(profile.client_drips),
      nuisances_(profile.nuisances),
      crowds_(profile.crowds),
      connection_limit_(profile.client_connection_limit),
      resets_(profile.io.network.reset != 0),
      faults_(profile.faults),
      refusals_(profile.peers.refuse + profile.peers.interrupt + profile.peers.garbage +
                    profile.names.absent + profile.names.lie + profile.names.garbage !=
                0),
      delays_(profile.io.network.stall != 0 || profile.pauses != 0 || profile.late_cores ||
              profile.store_mailboxes) {
  post_letters(profile);
}

void Clients::post_letters(const Profile& profile) {
  for (unsigned i = 0; i < profile.letters; ++i) {
    Letter letter;
    if (!random_.one_in(20)) letter.sender = fmt::format("s{}@{}", random_.below(3), Names::kHome);
    const std::uint64_t recipients = random_.one_in(4) ? random_.between(2, 8) : 1;
    for (std::uint64_t r = 0; r < recipients; ++r) {
      const bool here = random_.one_in(profile.local);
      letter.recipients.push_back(
          here ? fmt::format("u{}@origin.test", random_.below(4))
               : fmt::format("r{}@{}", random_.below(50),
                             Names::domain(static_cast<unsigned>(random_.below(profile.domains)))));
    }
    std::ranges::sort(letter.recipients);
    const auto [first, last] = std::ranges::unique(letter.recipients);
    letter.recipients.erase(first, last);
    const bool large = profile.large_body != 0 && random_.one_in(profile.large_body);
    letter.size = large ? random_.between(300'000, 1'500'000) : random_.below(profile.body_max);
    if (profile.weaker_levels && random_.one_in(3))
      letter.level = random_.one_in(2) ? mail::Durability::relaxed : mail::Durability::memory;
    if (profile.through && random_.one_in(2)) pass_through(profile, letter);
    const Letter& posted = ledger_.post(std::move(letter));
    const Instant due =
        core_.now() +
        Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(profile.busy.count())))};
    waiting_.emplace(due, Waiting{due, posted.number, 0});
  }
  open_letters_ = profile.letters;
}

// Mail for mailboxes has no next hop, and LMTP takes only what is of this server's domain: so that one must be sent on.
void Clients::pass_through(const Profile& profile, Letter& letter) {
  std::vector<std::string> to = letter.recipients;
  if (!profile.origin_elsewhere) {
    std::erase_if(to, [](const auto& one) { return one.ends_with("@origin.test"); });
  } else if (random_.one_in(3)) {
    letter.lmtp = true;
    to.clear();
    for (unsigned user = 0; user < 4; ++user)
      if (user == 0 || random_.one_in(2)) to.push_back(fmt::format("u{}@origin.test", user));
  }
  if (to.empty()) return;
  letter.recipients = to;
  letter.level = mail::Durability::through;
}

void Clients::start() {
  for (unsigned i = 0; i < count_; ++i) core_.spawn(live(i));
  for (unsigned i = 0; i < nuisances_; ++i) core_.spawn(live_as_nuisance(i));
  for (unsigned i = 0; i < crowds_; ++i) core_.spawn(live_as_crowd(i));
}

Task<void> Clients::live_as_crowd(unsigned which) {
  while (crowds_ != 0) {
    co_await shard::Sleep(core_, std::chrono::seconds{random_.between(1, 300)});
    co_await come_in_crowd(which);
  }
}

// One address opens more connections than it may, and keeps them for a while: no more than it may have are greeted.
Task<void> Clients::come_in_crowd(unsigned which) {
  const Endpoint from{IpAddress::ipv4(172, 16, 0, static_cast<std::uint8_t>(which + 1)), 0};
  const unsigned life = life_;
  std::vector<std::unique_ptr<net::Connection>> crowd;
  for (unsigned i = 0; i < connection_limit_ + 3; ++i)
    if (auto one = co_await net::connect(core_, server(mail::Durability::disk), from,
                                         core_.now() + std::chrono::seconds{30}))
      crowd.push_back(std::move(*one));
  unsigned greeted = 0, turned_away = 0;
  for (const auto& one : crowd) {
    (void)co_await one->receive(core_.now() + std::chrono::seconds{20});
    const std::string_view heard = scan::as_text(one->input());
    greeted += heard.starts_with("220") ? 1 : 0;
    turned_away += heard.starts_with("4") ? 1 : 0;
  }
  coverage_.note("clients: a crowd came");
  coverage_.note("clients: one of a crowd was turned away", turned_away);
  if (life == life_ && greeted > connection_limit_ && !resets_)  // else some of them may be gone again
    ledger_.violate(
        fmt::format("one address has {} connections, {} are allowed", greeted, connection_limit_));
  if (life == life_ && greeted == connection_limit_)
    coverage_.note("oracle: connections of an address at their limit");
  for (const auto& one : crowd) {
    one->abort();
    co_await one->close();
  }
}

// As long as they are let.
Task<void> Clients::live_as_nuisance(unsigned which) {
  const Endpoint from{IpAddress::ipv4(10, 2, 0, static_cast<std::uint8_t>(which + 1)), 0};
  while (nuisances_ != 0) {
    co_await shard::Sleep(core_, std::chrono::seconds{random_.between(1, 120)});
    auto connection = co_await net::connect(core_, server(mail::Durability::disk), from,
                                            core_.now() + std::chrono::seconds{30});
    if (!connection) continue;
    coverage_.note("clients: a nuisance came");
    co_await annoy(**connection);
    co_await (*connection)->close();
  }
}

Task<void> Clients::annoy(net::Connection& connection) {
  for (std::uint64_t more = random_.between(1, 40); more > 0 && nuisances_ != 0; --more) {
    std::string text = nonsense();
    const bool slowly = random_.one_in(3);
    while (!text.empty() && nuisances_ != 0) {
      const std::size_t count = slowly ? 1 : text.size();
      if (!connection.write(std::string_view(text).substr(0, count))) co_return;
      if (!co_await connection.flush(core_.now() + kPatience)) co_return;
      text.erase(0, count);
      if (slowly) co_await shard::Sleep(core_, std::chrono::milliseconds{random_.between(1, 20'000)});
    }
    (void)co_await connection.receive(core_.now() + std::chrono::seconds{1});
    const std::string_view heard = scan::as_text(connection.input());
    if (heard.contains("\r\n5")) coverage_.note("clients: a nuisance heard a refusal");
    if (heard.contains("421 ")) coverage_.note("clients: a nuisance was shown out");
    connection.consume(heard.size());
  }
  if (random_.one_in(2)) connection.abort();
}

// No RCPT among it, so that it cannot be a message.
std::string Clients::nonsense() {
  static constexpr std::string_view kWords[] = {"EHLO x",
                                                "MAIL FROM:<a@b.test>",
                                                "MAIL FROM:<",
                                                "DATA",
                                                "BDAT 7",
                                                "BDAT 99999999999999999999",
                                                "RSET",
                                                "NOOP",
                                                "\r\n",
                                                "\r\n",
                                                "\r\n",
                                                "\n",
                                                "\r",
                                                ".",
                                                " ",
                                                "STARTTLS",
                                                "AUTH PLAIN AAAA",
                                                "HELO"};
  std::string text;
  for (std::uint64_t more = random_.between(1, 12); more > 0; --more) {
    if (!random_.one_in(4)) {
      text += kWords[random_.below(std::size(kWords))];
      continue;
    }
    for (std::uint64_t bytes = random_.below(random_.one_in(10) ? 5000 : 40); bytes > 0; --bytes)
      text += static_cast<char>(random_.below(256));
  }
  return text;
}

bool Clients::leaves() {
  if (leaves_ == 0 || !random_.one_in(leaves_)) return false;
  coverage_.note("clients: left in the middle");
  return true;
}

Task<bool> Clients::dawdle() {
  if (dawdles_ == 0 || !random_.one_in(dawdles_)) co_return false;
  coverage_.note("clients: dawdled");
  co_await shard::Sleep(core_, std::chrono::seconds{random_.between(1, 420)});
  co_return true;
}

std::optional<Clients::Waiting> Clients::take_due(mail::Durability level, bool lmtp) {
  for (auto entry = waiting_.begin(); entry != waiting_.end() && entry->first <= core_.now(); ++entry) {
    const Letter& letter = ledger_.letters()[entry->second.letter];
    if (letter.level != level || letter.lmtp != lmtp) continue;
    const Waiting found = entry->second;
    waiting_.erase(entry);
    return found;
  }
  return std::nullopt;
}

// For ever: the world ends without asking.
Task<void> Clients::live(unsigned which) {
  for (;;) {
    std::optional<Waiting> first;
    for (const auto level : {mail::Durability::disk, mail::Durability::relaxed, mail::Durability::memory,
                             mail::Durability::through})
      if (!first) first = take_due(level);
    if (!first) first = take_due(mail::Durability::through, true);
    if (first) {
      ++busy_;
      co_await visit(which, *first);
      --busy_;
    }
    Instant next = core_.now() + std::chrono::milliseconds{random_.between(1, 500)};
    if (!first)
      next =
          std::max(next, waiting_.empty() ? core_.now() + std::chrono::seconds{5} : waiting_.begin()->first);
    co_await shard::Sleep(core_, next);
  }
}

Task<void> Clients::visit(unsigned which, Waiting first) {
  const mail::Durability level = ledger_.letters()[first.letter].level;
  const bool lmtp = ledger_.letters()[first.letter].lmtp;
  const Endpoint from{IpAddress::ipv4(10, 1, 0, static_cast<std::uint8_t>(which + 1)), 0};
  auto connection =
      co_await net::connect(core_, server(level, lmtp), from, core_.now() + std::chrono::seconds{30});
  if (!connection) {
    coverage_.note("clients: no connection");
    try_later(first);
    co_return;
  }
  Visit visit{.connection = std::move(*connection),
              .settings = {.lmtp = lmtp,
                           .helo = fmt::format("client{}.test", which),
                           .pipelining = random_.one_in(2),
                           .chunking = random_.one_in(2)},
              .session = std::nullopt};
  visit.session.emplace(visit.settings);
  std::optional<Waiting> what = first;
  const smtp::ClientEvent hello = co_await next_event(visit);
  if (hello.kind != Kind::ready) {
    coverage_.note("clients: not greeted");
    try_later(first);
    what.reset();
  }
  for (std::uint64_t more = random_.below(6); what; --more) {
    const bool good = co_await send_letter(visit, *what);
    what.reset();
    if (good && more > 0) what = take_due(level, lmtp);
    if (more == 0) break;
  }
  if (!visit.session->closed() && !visit.connection->aborted()) {
    visit.session->quit();
    visit.awaits = "the end";
    (void)co_await next_event(visit);
  }
  co_await visit.connection->close();
}

Task<smtp::ClientEvent> Clients::next_event(Visit& visit) {
  const Instant begun = core_.now();
  for (;;) {
    std::span<const std::byte> input = visit.connection->input();
    const std::size_t before = input.size();
    const smtp::ClientEvent event = visit.session->next(input);
    visit.connection->consume(before - input.size());
    if (event.kind != Kind::need_input) {
      longest_wait_ = std::max(longest_wait_, core_.now() - begun);
      co_return event;
    }
    const std::string_view output = visit.session->output();
    Result<void> done;
    if (!output.empty()) {
      const bool taken = visit.connection->write(output);
      visit.session->output_sent(output.size());
      RP_ASSERT(taken);
      done = co_await visit.connection->flush(core_.now() + kPatience);
    } else {
      done = co_await visit.connection->receive(core_.now() + kPatience);
    }
    if (core_.now() - begun > kLongWait)
      coverage_.note(fmt::format("network: a client waited long for {}", visit.awaits));
    if (done) continue;
    note_reset(done.error(), fmt::format("awaits {}", visit.awaits));
    visit.session->lost_connection();
  }
}

// True: the connection is good for another one.
Task<bool> Clients::send_letter(Visit& visit, Waiting what) {
  Letter& letter = ledger_.letters()[what.letter];
  const std::string text = letter.text();
  mail::Envelope envelope;
  envelope.set_reverse_path(letter.sender);
  envelope.set_envid(letter.envid());
  for (const std::string& recipient : letter.recipients) envelope.add_recipient({.address = recipient});
  smtp::TransactionResult result;
  result.start();
  const smtp::Outgoing outgoing{
      .envelope = &envelope,
      .recipients = {},
      .body_bytes = text.size(),
      .timing = random_.one_in(2) ? smtp::BodyTiming::with_envelope : smtp::BodyTiming::after_recipients};
  visit.session->begin(outgoing);
  visit.awaits = "the replies to the envelope";
  bool body_sent = false, dawdled = false;
  Instant sent_at;
  unsigned sent_to = life_;
  while (!result.finished()) {
    const bool slow = co_await dawdle();
    dawdled = dawdled || (body_sent && slow);
    if (leaves()) {
      visit.connection->abort();
      visit.session->lost_connection();
    }
    const smtp::ClientEvent event = co_await next_event(visit);
    result.note(event, visit.session->reply());
    if (event.kind != Kind::send_body) continue;
    body_sent = true;
    visit.awaits = "the reply to the body";
    if (co_await send_body(visit, text))
      visit.session->body_sent();
    else
      visit.session->lost_connection();
    sent_at = core_.now();
    sent_to = life_;
  }
  if (body_sent && !dawdled) note_passing(letter, core_.now() - sent_at, sent_to);
  const bool judged = result.stage() == Stage::body && !visit.session->closed();
  const auto accepted = accepted_of(letter, result);
  if (judged && !accepted.empty()) {
    acknowledge(letter, result, accepted);
    co_return visit.session->can_begin();
  }
  conclude(visit, letter, what, body_sent);
  co_return visit.session->can_begin();
}

Task<bool> Clients::send_body(Visit& visit, const std::string& text) {
  const bool chunked = visit.session->body_form().chunked;
  std::string bytes = chunked ? text : stuffed(text) + std::string(smtp::kEndOfData);
  const std::string output(visit.session->output());
  const bool taken = visit.connection->write(output);
  visit.session->output_sent(output.size());
  RP_ASSERT(taken);
  if (leaves()) {
    bytes.resize(static_cast<std::size_t>(random_.below(bytes.size())));
    const std::span<const std::byte> part = scan::as_bytes(bytes);
    (void)co_await visit.connection->flush(core_.now() + kPatience, std::span(&part, 1));
    visit.connection->abort();
    co_return false;
  }
  if (drips_ != 0 && random_.one_in(drips_)) co_return co_await send_slowly(visit, bytes);
  const std::span<const std::byte> whole = scan::as_bytes(bytes);
  const auto sent = co_await visit.connection->flush(core_.now() + kPatience, std::span(&whole, 1));
  if (!sent) note_reset(sent.error(), "sends a body");
  co_return sent.has_value();
}

void Clients::note_reset(const Error& error, std::string_view doing) {
  if (error.system == ECONNRESET) coverage_.note(fmt::format("network: reset while a client {}", doing));
}

Task<bool> Clients::send_slowly(Visit& visit, const std::string& bytes) {
  coverage_.note("clients: a body drop by drop");
  std::string_view left = bytes;
  for (std::uint64_t drops = random_.between(5, 40); !left.empty(); drops -= drops > 1 ? 1 : 0) {
    const std::size_t size =
        drops > 1 ? static_cast<std::size_t>(random_.below(left.size() + 1)) / 4 + 1 : left.size();
    const std::span<const std::byte> part = scan::as_bytes(left.substr(0, size));
    if (const auto sent = co_await visit.connection->flush(core_.now() + kPatience, std::span(&part, 1));
        !sent) {
      note_reset(sent.error(), "sends a body");
      co_return false;
    }
    left.remove_prefix(std::min(size, left.size()));
    co_await shard::Sleep(core_, std::chrono::milliseconds{random_.between(1, 60'000)});
  }
  co_return true;
}

std::vector<std::uint32_t> Clients::accepted_of(const Letter& letter, const smtp::TransactionResult& result) {
  std::vector<std::uint32_t> accepted;
  for (std::uint32_t i = 0; i < letter.recipients.size(); ++i)
    if (result.of(i).completed()) accepted.push_back(i);
  return accepted;
}

void Clients::acknowledge(Letter& letter, const smtp::TransactionResult& result,
                          const std::vector<std::uint32_t>& accepted) {
  const std::string& text = result.of(accepted.front()).text;
  const auto id = queue_id(text);
  if (!id) return ledger_.violate("a 250 does not say the queue id: " + text);
  std::vector<std::string> recipients;
  for (const std::uint32_t each : accepted) recipients.push_back(letter.recipients[each]);
  ledger_.acknowledge(letter, *id, recipients);
  coverage_.note("clients: 250");
  if (letter.lmtp && recipients.size() < letter.recipients.size())
    coverage_.note("clients: 250 for some and not for others");
  finish(letter);
}

// The answer to a body comes in time, whatever the next hop does.
void Clients::note_passing(const Letter& letter, Duration waited, unsigned life) {
  if (letter.level != mail::Durability::through || life != life_ || delays_) return;
  coverage_.note("oracle: time to an answer at level through");
  if (waited > kPassingMax)
    ledger_.violate(fmt::format("letter {} waited {} s for the answer of its next hop", letter.number,
                                std::chrono::duration_cast<std::chrono::seconds>(waited).count()));
}

// Not accepted, or nobody knows.
void Clients::conclude(Visit& visit, Letter& letter, const Waiting& what, bool body_sent) {
  const mail::Reply& reply = visit.session->reply();
  if (visit.session->closed() && body_sent) {
    ++letter.unknown;
    coverage_.note("clients: no reply to the body");
    return try_later(what);
  }
  ++letter.refused;
  if (!visit.session->closed() && !may_come_again(letter, reply, body_sent)) return finish(letter);
  if (letter.level != mail::Durability::through && body_sent && reply.code == 451)
    letter.failed_at = core_.now();
  coverage_.note(reply.code == 452   ? "clients: 452"
                 : reply.code == 451 ? "clients: 451"
                                     : "clients: lost, or other 4yz");
  try_later(what);
}

// Nothing is wrong with any letter, so only a next hop may refuse one.
bool Clients::may_come_again(const Letter& letter, const mail::Reply& reply, bool body_sent) {
  const bool passing = letter.level == mail::Durability::through && body_sent;
  if (passing) coverage_.note(fmt::format("clients: {}yz at level through", reply.code / 100));
  if (passing ? !faults_ || (reply.permanent() && !refusals_) : reply.permanent())
    ledger_.violate(fmt::format("letter {} has nothing wrong, and was refused: {}", letter.number,
                                mail::to_string(reply)));
  return !reply.permanent();
}

void Clients::try_later(const Waiting& what) {
  if (what.tries + 1 >= kTriesMax) {
    coverage_.note("clients: gave up");
    return finish(ledger_.letters()[what.letter]);
  }
  const Instant due = core_.now() + std::chrono::seconds{random_.between(1, 60) << std::min(what.tries, 6U)};
  waiting_.emplace(due, Waiting{due, what.letter, what.tries + 1});
}

void Clients::finish(Letter& letter) {
  if (std::exchange(letter.over, true)) return;
  --open_letters_;
}

}  // namespace ringpost::simulator
