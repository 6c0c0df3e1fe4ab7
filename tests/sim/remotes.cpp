#include "remotes.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/scan/find.hpp"
#include "ringpost/shard/await.hpp"

#include "letter_text.hpp"
#include "names.hpp"

namespace ringpost::simulator {

using Kind = smtp::Event::Kind;

namespace {

constexpr Duration kPatience = std::chrono::hours{3};
constexpr Duration kLongWait = std::chrono::minutes{2};  // our server leaves an idle connection sooner
constexpr std::size_t kRoom = 64 * 1024;

}  // namespace

struct Remotes::Site final : io::Operation {
  Site(Remotes& owner, std::string which, Endpoint where, bool lmtp)
      : Operation(&Site::accepted), remotes(owner), domain(std::move(which)) {
    settings.hostname = "mx." + domain;
    if (lmtp) settings.dialect = smtp::Dialect::lmtp;
    settings.errors_max = 1000;
    const auto made = owner.core_.backend().listen(where, {});
    RP_ASSERT(made.has_value());
    listening = *made;
    arm();
  }
  void arm() { remotes.core_.submit({.kind = io::OpKind::accept, .handle = listening, .operation = this}); }
  static void accepted(io::Operation& self, const io::Completion& completion) {
    auto& site = static_cast<Site&>(self);
    if (completion.result >= 0) site.remotes.core_.spawn(site.remotes.serve(site, {completion.result}));
    if (!completion.more) site.arm();
  }
  Remotes& remotes;
  std::string domain;
  smtp::ServerSettings settings;
  io::Handle listening;
};

struct Remotes::Visit {
  Visit(Site& at, net::Connection& with, std::uint32_t life)
      : site(at), connection(with), session(at.settings), epoch(life) {}
  Site& site;
  net::Connection& connection;
  smtp::ServerSession session;
  std::uint32_t epoch;  // of the machine when it connected
  std::vector<std::byte> body;
  std::size_t size = 0;
  struct Kept {
    MessageId id;
    std::string recipient;
  };
  std::vector<Kept> kept;  // taken, and it is not known whether the client has heard so
  std::string_view awaits = "EHLO";
};

Remotes::Remotes(shard::Core& core, const Profile& profile, Ledger& ledger, Coverage& coverage)
    : core_(core),
      rates_(profile.peers),
      ledger_(ledger),
      coverage_(coverage),
      random_(profile.seed * 131 + 3) {
  for (unsigned i = 0; i < profile.domains; ++i)
    sites_.push_back(std::make_unique<Site>(*this, Names::domain(i), Endpoint{Names::host(i), 25}, false));
  sites_.push_back(std::make_unique<Site>(*this, Names::kHome, Endpoint{Names::home_host(), 25}, false));
  sites_.push_back(std::make_unique<Site>(*this, "origin.test", mailboxes(), true));
}

Remotes::~Remotes() = default;

bool Remotes::strikes(std::uint32_t rate, std::string_view what) {
  if (rate == 0 || !random_.one_in(rate)) return false;
  coverage_.note(what);
  return true;
}

Task<void> Remotes::serve(Site& site, io::Handle socket) {
  net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
  ++open_;
  {
    Visit visit(site, connection, ledger_.epoch());
    co_await talk(visit);
    decide(visit, false);
  }
  co_await connection.close();
  --open_;
}

Task<bool> Remotes::send(Visit& visit) {
  const std::string_view output = visit.session.output();
  if (strikes(rates_.drip, "peers: a reply byte by byte")) co_return co_await send_slowly(visit);
  const bool taken = visit.connection.write(output);
  visit.session.output_sent(output.size());
  if (!taken) co_return false;
  const auto sent = co_await visit.connection.flush(core_.now() + kPatience);
  if (!sent) note_loss(visit, sent.error());
  co_return sent.has_value();
}

Task<bool> Remotes::send_slowly(Visit& visit) {
  const std::string output(visit.session.output());
  visit.session.output_sent(output.size());
  const std::uint64_t slowest = random_.one_in(2) ? 30'000 : 500;
  for (const char c : output) {
    if (!visit.connection.write(std::string_view(&c, 1))) co_return false;
    if (!co_await visit.connection.flush(core_.now() + kPatience)) co_return false;
    co_await shard::Sleep(core_, std::chrono::milliseconds{random_.below(slowest)});
  }
  co_return true;
}

Task<bool> Remotes::receive(Visit& visit) {
  const Instant begun = core_.now();
  const auto received = co_await visit.connection.receive(core_.now() + kPatience);
  if (core_.now() - begun > kLongWait)
    coverage_.note(fmt::format("network: a remote waited long for {}", visit.awaits));
  if (!received) note_loss(visit, received.error());
  co_return received.has_value();
}

void Remotes::note_loss(const Visit& visit, const Error& error) {
  if (error.system == ECONNRESET)
    coverage_.note(fmt::format("network: reset while a remote awaits {}", visit.awaits));
}

Task<void> Remotes::talk(Visit& visit) {
  const Mood first = co_await mood(visit, "the greeting");
  if (first == Mood::hang_up) co_return;
  if (first == Mood::fair)
    visit.session.greet();
  else
    visit.session.close({first == Mood::defer ? 421 : 554, {}, "not now"});
  for (;;) {
    std::span<const std::byte> input = visit.connection.input();
    const std::size_t before = input.size();
    if (visit.body.size() - visit.size < kRoom / 2) visit.body.resize(visit.size + kRoom);
    const smtp::Event event = visit.session.next(input, std::span(visit.body).subspan(visit.size));
    visit.connection.consume(before - input.size());
    if (event.kind != Kind::need_input && event.kind != Kind::flush) decide(visit, true);
    switch (event.kind) {
      case Kind::need_input:
        if (!visit.session.output().empty() && !co_await send(visit)) co_return;
        if (!co_await receive(visit)) co_return;
        break;
      case Kind::flush:
        if (!co_await send(visit)) co_return;
        break;
      case Kind::body:
        visit.size += event.bytes;
        if (co_await interrupt(visit)) co_return;
        break;
      case Kind::need_room:
        visit.body.resize(visit.size + kRoom);
        break;
      case Kind::message_end:
        visit.awaits = "MAIL";
        if (!co_await take(visit)) co_return;
        break;
      case Kind::helo:
      case Kind::mail:
      case Kind::recipient:
      case Kind::data_begin:
        visit.awaits = event.kind == Kind::helo         ? "MAIL"
                       : event.kind == Kind::data_begin ? "a body"
                                                        : "RCPT or DATA";
        if (!co_await judge(visit, event.kind)) co_return;
        break;
      case Kind::reset:
        visit.size = 0;
        visit.awaits = "MAIL";
        break;
      case Kind::quit:
      case Kind::closed:
        (void)co_await send(visit);
        co_return;
      case Kind::start_tls:
      case Kind::auth_keys:
      case Kind::auth:
        RP_ASSERT(false);  // neither is offered
    }
  }
}

// What this server is like just now.
Task<Remotes::Mood> Remotes::mood(Visit& visit, std::string_view at) {
  if (strikes(rates_.silent, "peers: silence"))
    co_await shard::Sleep(core_, std::chrono::seconds{random_.between(1, 900)});
  if (strikes(rates_.garbage, "peers: garbage") && !co_await say_garbage(visit)) co_return Mood::hang_up;
  if (strikes(rates_.hang_up, fmt::format("peers: hung up at {}", at))) {
    visit.connection.abort();
    co_return Mood::hang_up;
  }
  if (strikes(rates_.defer, fmt::format("peers: 4yz at {}", at))) co_return Mood::defer;
  if (visit.site.domain != Names::kHome && strikes(rates_.refuse, fmt::format("peers: 5yz at {}", at)))
    co_return Mood::refuse;
  co_return Mood::fair;
}

Task<bool> Remotes::say_garbage(Visit& visit) {
  std::string nonsense(static_cast<std::size_t>(random_.between(1, 200)), ' ');
  for (char& c : nonsense) c = static_cast<char>(random_.below(256));
  if (!visit.connection.write(nonsense)) co_return false;
  const auto sent = co_await visit.connection.flush(core_.now() + kPatience);
  co_return sent.has_value();
}

Task<bool> Remotes::interrupt(Visit& visit) {
  if (visit.site.domain == Names::kHome || !strikes(rates_.interrupt, "peers: interrupted a body"))
    co_return false;
  if (visit.connection.write("552 5.3.4 that is enough\r\n"))
    (void)co_await visit.connection.flush(core_.now() + kPatience);
  visit.connection.abort();
  co_return true;
}

Task<bool> Remotes::judge(Visit& visit, Kind kind) {
  const Mood now = co_await mood(visit, kind == Kind::helo        ? "EHLO"
                                        : kind == Kind::mail      ? "MAIL"
                                        : kind == Kind::recipient ? "RCPT"
                                                                  : "DATA");
  if (now == Mood::hang_up) co_return false;
  if (kind == Kind::data_begin) visit.size = 0;
  if (kind == Kind::recipient && now == Mood::fair) {
    const std::string recipient(visit.session.new_recipient().address);
    if (!recipient.ends_with("@" + visit.site.domain)) {
      coverage_.note("peers: mail for another's domain refused");
      visit.session.reject({550, {5, 7, 1}, "not here"});
      co_return true;
    }
  }
  if (now == Mood::fair)
    visit.session.accept();
  else
    visit.session.reject({now == Mood::defer ? 450 : 550, {}, "said so"});
  co_return true;
}

// The whole message is here.
Task<bool> Remotes::take(Visit& visit) {
  const Mood now = co_await mood(visit, "the end of data");
  if (now == Mood::hang_up) co_return false;
  const bool lmtp = visit.site.settings.dialect == smtp::Dialect::lmtp;
  if (now != Mood::fair && !lmtp) {
    visit.session.reject_message({now == Mood::defer ? 451 : 554, {}, "said so"});
    visit.size = 0;
    co_return true;
  }
  std::vector<std::string> accepted;
  std::vector<mail::Reply> replies;
  const mail::Envelope& envelope = visit.session.envelope();
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    const bool good = now == Mood::fair || (i > 0 && random_.one_in(2));
    replies.push_back(good ? mail::Reply{250, {2, 0, 0}, "kept"}
                           : mail::Reply{now == Mood::defer ? 451 : 554, {}, "said so"});
    if (good) accepted.emplace_back(envelope.recipient(i).address);
  }
  keep(visit, accepted);
  visit.size = 0;
  if (strikes(rates_.lose_ok, "peers: 250 lost")) {
    visit.connection.abort();
    co_return false;
  }
  if (lmtp)
    visit.session.finish(replies);
  else
    visit.session.accept_message("kept");
  co_return co_await send(visit);
}

void Remotes::keep(Visit& visit, const std::vector<std::string>& recipients) {
  const std::string_view whole = scan::as_text(std::span(visit.body).first(visit.size));
  const std::string_view received = received_field(whole);
  const MessageId id = id_in(received);
  const std::string_view text = whole.substr(received.size());
  if (!id)
    return ledger_.violate("a message has come without the server's Received field: " +
                           std::string(whole.substr(0, 200)));
  const bool is_report = visit.session.envelope().reverse_path().empty() &&
                         field(text, "Content-Type").starts_with("multipart/report");
  const auto number = number_in(field(text, "X-Letter"));
  for (const std::string& recipient : recipients) {
    visit.kept.push_back({id, recipient});
    if (is_report) {
      keep_report(visit, text, id, recipient);
      continue;
    }
    if (!number || *number >= ledger_.letters().size())
      return ledger_.violate(fmt::format("{} has come to {}, and is no letter", to_string(id), recipient));
    const Letter& letter = ledger_.letters()[*number];
    if (visit.session.envelope().reverse_path() != letter.sender)
      ledger_.violate(fmt::format("letter {} has come from {} instead of {}", *number,
                                  visit.session.envelope().reverse_path(), letter.sender));
    if (text != letter.text())
      ledger_.violate(fmt::format("letter {} as {} has come to {} with other bytes ({} instead of {})",
                                  *number, to_string(id), recipient, text.size(), letter.text().size()));
    if (letter.level == mail::Durability::through && id.epoch() < visit.epoch)
      ledger_.violate(
          fmt::format("letter {} as {} went through before the machine ended, and comes after a start",
                      *number, to_string(id)));
    ledger_.arrive(id, *number, recipient);
    coverage_.note("oracle: bytes of an arrival compared");
  }
}

void Remotes::keep_report(Visit&, std::string_view text, MessageId id, const std::string& recipient) {
  ledger_.arrive_report(id, recipient);
  const std::string_view envid = field(text, "Original-Envelope-Id");
  const auto letter = envid.starts_with("L") ? number_in(envid.substr(1)) : std::nullopt;
  if (!letter || *letter >= ledger_.letters().size())
    return ledger_.violate("a report does not say which letter it is about: " + std::string(envid));
  if (ledger_.letters()[*letter].sender != recipient)
    ledger_.violate(fmt::format("the report about letter {} went to {}", *letter, recipient));
  coverage_.note("oracle: report read");
  // One group of fields for each recipient.
  for (std::size_t at = text.find("Final-Recipient:"); at != std::string_view::npos;) {
    const std::size_t next = text.find("Final-Recipient:", at + 1);
    const std::string_view group = text.substr(at, next == std::string_view::npos ? next : next - at);
    std::string_view about = field(group, "Final-Recipient");
    about.remove_prefix(std::min(about.size(), about.find(';') + 1));
    while (about.starts_with(' ')) about.remove_prefix(1);
    if (field(group, "Action") == "failed") ledger_.report(*letter, std::string(about));
    at = next;
  }
}

// Whoever says another word has heard the last one.
void Remotes::decide(Visit& visit, bool heard) {
  for (const Visit::Kept& kept : visit.kept) ledger_.decide(kept.id, kept.recipient, heard);
  visit.kept.clear();
}

}  // namespace ringpost::simulator
