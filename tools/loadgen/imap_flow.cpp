#include "imap_flow.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/scan/find.hpp"

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

using Kind = ImapLine::Kind;

constexpr std::uint64_t kNewest = 50;  // messages that a client shows at first

}  // namespace

void ImapFlow::stop() {
  if (idling_ && connection_) connection_->nudge();
}

// ---- before the first operation

Task<bool> ImapFlow::greet() {
  reader_ = {};
  abilities_ = {};
  selected_ = authenticated_ = leaving_ = idling_ = false;
  cursor_ = 0;
  if (!co_await hear_greeting()) co_return false;
  if (load().tls != TlsUse::starttls) co_return true;
  if (const End end = co_await command("STARTTLS"); end != End::ok) {
    if (end == End::refused) (void)co_await log_out();
    co_return false;
  }
  abilities_ = {};  // RFC 9051 section 6.2.1: what was told in the clear is worth nothing
  co_return co_await switch_to_tls();
}

// The greeting is an answer to nothing: OK, PREAUTH, or BYE.
Task<bool> ImapFlow::hear_greeting() {
  waiting_ = "*";
  const End end = co_await hear(deadline());
  waiting_.clear();
  co_return end == End::ok;
}

Task<bool> ImapFlow::log_in() {
  if (authenticated_) {
    note_login(LoginAnswer::accepted);  // PREAUTH
    co_return true;
  }
  abilities_ = {};
  const End end = co_await command("LOGIN " + imap_quoted(login_.user) + " " + imap_quoted(login_.password));
  if (end == End::ok) note_login(LoginAnswer::accepted);
  if (end == End::refused) {
    note_login(refused_login());
    (void)co_await log_out();
  }
  co_return end == End::ok;
}

Task<bool> ImapFlow::log_out() {
  leaving_ = true;
  co_return co_await command("LOGOUT") == End::ok;
}

Task<void> ImapFlow::ask_abilities() {
  if (!abilities_.known) (void)co_await command("CAPABILITY");
}

// ---- operations

bool ImapFlow::needs_folder(std::size_t deed) const {
  switch (static_cast<ImapDeed>(deed)) {
    case ImapDeed::flags:
    case ImapDeed::envelope:
    case ImapDeed::fetch:
    case ImapDeed::store:
    case ImapDeed::search:
    case ImapDeed::idle:
      return true;
    default:
      return false;
  }
}

Task<AccessFlow::Outcome> ImapFlow::perform(std::size_t deed) {
  if (needs_folder(deed) && !selected_) {
    const Outcome opened = co_await select();
    if (opened != Outcome::acknowledged) co_return opened;
    if (!load().open()) job_->intended = owner_.core().now();
    yield_ = {};
  }
  switch (static_cast<ImapDeed>(deed)) {
    case ImapDeed::login:
    case ImapDeed::noop:
      co_return co_await do_command("NOOP");
    case ImapDeed::list:
      co_return co_await do_command("LIST \"\" \"*\"");
    case ImapDeed::status:
      co_return co_await do_command("STATUS " + imap_quoted(options().folder) + " (MESSAGES UNSEEN UIDNEXT)");
    case ImapDeed::select:
      co_return co_await select();
    case ImapDeed::flags:
      co_return co_await do_fetch("UID FETCH 1:* (FLAGS)", exists_);
    case ImapDeed::envelope: {
      const std::uint64_t first = exists_ > kNewest ? exists_ - kNewest + 1 : 1;
      co_return co_await do_fetch(
          fmt::format("FETCH {}:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)", first),
          std::min(exists_, kNewest));
    }
    case ImapDeed::fetch:
      co_return co_await do_batch("FETCH", "(UID BODY.PEEK[])", true);
    case ImapDeed::store:
      seen_ = !seen_;
      co_return co_await do_batch("STORE", seen_ ? "+FLAGS.SILENT (\\Seen)" : "-FLAGS.SILENT (\\Seen)",
                                  false);
    case ImapDeed::append:
      co_return co_await append();
    case ImapDeed::search:
      co_return co_await do_command("UID SEARCH " + options().criteria);
    case ImapDeed::idle:
      co_return co_await idle();
  }
  co_return Outcome::refused;
}

Task<AccessFlow::Outcome> ImapFlow::do_command(std::string text) {
  const End end = co_await command(text);
  yield_.items = tally_.numbers;
  co_return outcome_of(end);
}

// A server that says OK and sends less than it has would be fast.
Task<AccessFlow::Outcome> ImapFlow::do_fetch(std::string text, std::uint64_t expected) {
  const std::uint64_t before = exists_;
  const End end = co_await command(text);
  yield_.items = tally_.fetched;
  if (end == End::ok && tally_.fetched < expected && !tally_.mailbox_changed && exists_ >= before) {
    refuse("OK", fmt::format("OK, but {} messages of {} came", tally_.fetched, expected));
    co_return Outcome::refused;
  }
  co_return outcome_of(end);
}

// The next messages of the folder, from its first again after its last.
Task<AccessFlow::Outcome> ImapFlow::do_batch(std::string_view before, std::string_view after,
                                             bool expects_all) {
  if (exists_ == 0) {
    refuse("empty", "the folder has no messages: nothing was asked");
    // A folder that others fill is worth another look, but not at once.
    co_await owner_.pause(kBackOffMax);
    selected_ = false;
    co_return Outcome::refused;
  }
  if (cursor_ >= exists_) cursor_ = 0;
  const std::uint64_t count = options().batch == 0 ? exists_ : std::min(options().batch, exists_ - cursor_);
  const std::uint64_t first = cursor_ + 1;
  cursor_ += count;
  std::string text = fmt::format("{} {}:{} {}", before, first, first + count - 1, after);
  if (expects_all) co_return co_await do_fetch(std::move(text), count);
  const Outcome outcome = co_await do_command(std::move(text));
  yield_.items = count;
  co_return outcome;
}

Task<AccessFlow::Outcome> ImapFlow::select() {
  exists_ = 0;
  const End end = co_await command("SELECT " + imap_quoted(options().folder));
  selected_ = end == End::ok;
  yield_.items = exists_;
  co_return outcome_of(end);
}

Task<AccessFlow::Outcome> ImapFlow::append() {
  if (options().literals == LiteralUse::automatic) co_await ask_abilities();
  const Sample& sample = owner_.sample_of(*job_);
  own_.fill(sample, owner_.id_of(*job_), job_->intended_wall);
  const std::uint64_t size = own_.front.size() + sample.text.size() + own_.tail.size();
  const bool at_once = options().literals == LiteralUse::automatic &&
                       (abilities_.literal_plus || (abilities_.literal_minus && size <= 4096));
  const std::string text =
      fmt::format("APPEND {} {{{}{}}}", imap_quoted(options().folder), size, at_once ? "+" : "");
  const std::array<std::span<const std::byte>, 4> body{scan::as_bytes(own_.front),
                                                       scan::as_bytes(sample.text), scan::as_bytes(own_.tail),
                                                       scan::as_bytes("\r\n")};
  End end = End::lost;
  if (at_once) {
    tally_ = {};
    waiting_ = fmt::format("A{}", ++commands_);
    line_ = waiting_ + " " + text + "\r\n";
    const std::array<std::span<const std::byte>, 5> all{scan::as_bytes(line_), body[0], body[1], body[2],
                                                        body[3]};
    if (co_await send(all)) end = co_await hear(deadline());
  } else {
    end = co_await command(text);
    if (end == End::go_on) end = co_await send(body) ? co_await hear(deadline()) : End::lost;
  }
  yield_ = {.items = 1, .bytes = size};
  co_return outcome_of(end);
}

// Acknowledged when the server waits with us; then the wait itself.
Task<AccessFlow::Outcome> ImapFlow::idle() {
  const End began = co_await command("IDLE");
  if (began != End::go_on) co_return outcome_of(began == End::ok ? End::refused : began);
  settle();
  if (!co_await hold()) {
    counters().lost_connections.add();
    co_return Outcome::lost;
  }
  if (!co_await send(std::string_view("DONE\r\n"))) co_return Outcome::lost;
  const End end = co_await hear(deadline());
  if (end == End::refused || end == End::go_on) counters().note_trouble("DONE was not answered by OK");
  co_return end == End::lost ? Outcome::lost : Outcome::settled;
}

// Until the time is over or the run. False: the connection is lost, or the server waits no more.
Task<bool> ImapFlow::hold() {
  const auto time = plan().idle_time();
  const Instant until = time ? owner_.core().now() + *time : Instant::never();
  idling_ = true;
  owner_.note_holding(1);
  const bool good = co_await hold_until(until);
  owner_.note_holding(-1);
  idling_ = false;
  co_return good;
}

Task<bool> ImapFlow::hold_until(Instant until) {
  while (!owner_.stopping() && owner_.core().now() < until) {
    if (const auto end = listen(); end && *end != End::go_on) co_return false;
    if (connection_->at_end()) co_return false;
    const auto got = co_await connection_->receive(until);
    if (got || got.error().kind == ErrorKind::timed_out) continue;
    if (got.error().kind == ErrorKind::cancelled && !connection_->aborted()) continue;
    counters().note_trouble(got.error().text);
    co_return false;
  }
  co_return true;
}

// ---- commands and their answers

Task<ImapFlow::End> ImapFlow::command(std::string_view text) {
  if (!co_await begin(text)) co_return End::lost;
  co_return co_await hear(deadline());
}

Task<bool> ImapFlow::begin(std::string_view text) {
  tally_ = {};
  waiting_ = fmt::format("A{}", ++commands_);
  line_.assign(waiting_).append(" ").append(text).append("\r\n");
  co_return co_await send(std::string_view(line_));
}

// The time is for the next bytes, not for all of them: a long answer is no late one.
Task<ImapFlow::End> ImapFlow::hear(Instant until) {
  for (;;) {
    if (const auto end = listen()) co_return *end;
    if (reader_.broken()) {
      counters().note_trouble("an answer beyond all bounds");
      co_return End::lost;
    }
    if (connection_->at_end() || !co_await receive(until)) co_return End::lost;
    until = deadline();
  }
}

// What has arrived, up to the end of the command at the most.
std::optional<ImapFlow::End> ImapFlow::listen() {
  std::span<const std::byte> input = connection_->input();
  const std::size_t before = input.size();
  std::optional<End> end;
  while (!end) {
    const auto answer = reader_.next(input);
    if (!answer) break;
    end = take(*answer);
  }
  tally_.bytes += before - input.size();
  connection_->consume(before - input.size());
  return end;
}

std::optional<ImapFlow::End> ImapFlow::take(const ImapAnswer& answer) {
  const ImapLine line = parse_imap(answer.text);
  if ((line.kind == Kind::ok || line.kind == Kind::tagged || line.kind == Kind::preauth) &&
      line.code.starts_with("CAPABILITY "))
    abilities_.learn(line.code.substr(line.code.find(' ') + 1));
  if (waiting_ == "*" && !answer.text.starts_with("* ")) {
    counters().note_trouble("this is no greeting of IMAP: " + std::string(answer.text));
    return End::lost;
  }
  switch (line.kind) {
    case Kind::fetch:
      ++tally_.fetched;
      break;
    case Kind::search:
      tally_.numbers += answer.numbers;
      break;
    case Kind::exists:
      exists_ = line.number;
      if (idling_) owner_.figures().news.add();
      break;
    case Kind::expunge:
      exists_ -= std::min<std::uint64_t>(exists_, 1);
      tally_.mailbox_changed = true;
      break;
    case Kind::capability:
      abilities_.learn(line.text);
      break;
    case Kind::continuation:
      return End::go_on;
    case Kind::preauth:
      authenticated_ = true;
      [[fallthrough]];
    case Kind::ok:
      if (waiting_ == "*") return End::ok;
      break;
    case Kind::bye:
      if (leaving_) break;
      refuse("BYE", std::string(answer.text));
      return End::lost;
    case Kind::tagged:
      if (line.tag != waiting_) break;
      if (line.status == ImapLine::Status::ok) return End::ok;
      refuse(refusal_code(line), std::string(line.text));
      return End::refused;
    default:
      break;
  }
  return std::nullopt;
}

AccessFlow::Outcome ImapFlow::outcome_of(End end) {
  yield_.bytes += tally_.bytes;
  switch (end) {
    case End::ok:
      return Outcome::acknowledged;
    case End::refused:
      return Outcome::refused;
    case End::go_on:
      counters().note_trouble("the server asked for more where nothing more comes");
      return Outcome::lost;
    case End::lost:
      break;
  }
  return Outcome::lost;
}

}  // namespace ringpost::loadgen
