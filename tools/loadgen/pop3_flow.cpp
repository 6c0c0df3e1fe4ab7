#include "pop3_flow.hpp"

#include <charconv>

#include <fmt/format.h>

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

constexpr auto kDele = static_cast<std::size_t>(Pop3Deed::dele);

}  // namespace

// ---- before the first operation

Task<bool> Pop3Flow::greet() {
  reader_ = {};
  known_ = false;
  count_ = cursor_ = 0;
  if (co_await hear() != End::ok) co_return false;
  if (load().tls != TlsUse::starttls) co_return true;
  if (const End end = co_await command("STLS"); end != End::ok) {
    if (end == End::refused) (void)co_await log_out();
    co_return false;
  }
  co_return co_await switch_to_tls();
}

Task<bool> Pop3Flow::log_in() {
  End end = co_await command("USER " + login_.user);
  if (end == End::ok) end = co_await command("PASS " + login_.password);
  if (end == End::ok) note_login(LoginAnswer::accepted);
  if (end == End::refused) {
    note_login(refused_login());
    (void)co_await log_out();
  }
  co_return end == End::ok;
}

Task<bool> Pop3Flow::log_out() {
  co_return co_await command("QUIT") == End::ok;
}

// ---- operations

Task<AccessFlow::Outcome> Pop3Flow::perform(std::size_t deed) {
  const auto what = static_cast<Pop3Deed>(deed);
  const bool of_message = what == Pop3Deed::retr || what == Pop3Deed::top || what == Pop3Deed::dele;
  if (of_message && !known_) {
    const Outcome counted = co_await do_line("STAT");
    if (counted != Outcome::acknowledged) co_return counted;
    const std::size_t digits = said_.find_first_of("0123456789");
    if (digits != std::string::npos)
      std::from_chars(said_.data() + digits, said_.data() + said_.size(), count_);
    known_ = true;
    if (!load().open()) job_->intended = owner_.core().now();
    yield_ = {};
  }
  switch (what) {
    case Pop3Deed::login:
    case Pop3Deed::noop:
      co_return co_await do_line("NOOP");
    case Pop3Deed::stat:
      co_return co_await do_line("STAT");
    case Pop3Deed::list:
      co_return co_await do_list("LIST");
    case Pop3Deed::uidl:
      co_return co_await do_list("UIDL");
    case Pop3Deed::top:
      co_return co_await do_message("TOP", " 0");
    case Pop3Deed::retr:
      co_return co_await do_message("RETR", "");
    case Pop3Deed::dele:
      co_return co_await do_delete();
  }
  co_return Outcome::refused;
}

Task<AccessFlow::Outcome> Pop3Flow::do_line(std::string_view text) {
  co_return outcome_of(co_await command(text));
}

Task<AccessFlow::Outcome> Pop3Flow::do_list(std::string_view text) {
  const End end = co_await command(text);
  if (end != End::ok) co_return outcome_of(end);
  const auto body = co_await hear_body();
  if (!body) co_return Outcome::lost;
  yield_ = {.items = body->lines, .bytes = body->bytes};
  co_return Outcome::acknowledged;
}

Task<AccessFlow::Outcome> Pop3Flow::do_message(std::string_view before, std::string_view after) {
  if (!next_message()) {
    // A maildrop that others fill is worth another look, but not at once.
    co_await owner_.pause(kBackOffMax);
    co_return Outcome::refused;
  }
  const Outcome outcome = co_await do_list(fmt::format("{} {}{}", before, cursor_, after));
  yield_.items = 1;
  co_return outcome;
}

Task<AccessFlow::Outcome> Pop3Flow::do_delete() {
  if (!next_message()) {
    co_await owner_.pause(kBackOffMax);
    co_return Outcome::refused;
  }
  const Outcome outcome = co_await do_line(fmt::format("DELE {}", cursor_));
  yield_.items = 1;
  co_return outcome;
}

// Moves to it; false: there is none.
bool Pop3Flow::next_message() {
  if (count_ == 0) {
    refuse("empty", "the maildrop has no messages: nothing was asked");
    return false;
  }
  cursor_ = cursor_ % count_ + 1;
  return true;
}

// Deleted messages are gone for this session: the next has those that came since.
bool Pop3Flow::used_up() const {
  return known_ && (count_ == 0 || (cursor_ >= count_ && owner_.plan().has(kDele)));
}

// ---- commands and their answers

Task<Pop3Flow::End> Pop3Flow::command(std::string_view text) {
  line_.assign(text).append("\r\n");
  if (!co_await send(std::string_view(line_))) co_return End::lost;
  co_return co_await hear();
}

Task<Pop3Flow::End> Pop3Flow::hear() {
  for (;;) {
    std::span<const std::byte> input = connection_->input();
    const std::size_t before = input.size();
    const auto line = reader_.line(input);
    if (line) {
      const Pop3Line parsed = parse_pop3(*line);
      said_ = parsed.text;
      if (!parsed.known)
        counters().note_trouble("this is no answer of POP3: " + std::string(*line));
      else if (!parsed.ok)
        refuse(parsed.code.empty() ? "-ERR" : fmt::format("-ERR [{}]", parsed.code), said_);
      connection_->consume(before - input.size());
      if (!parsed.known) co_return End::lost;
      co_return parsed.ok ? End::ok : End::refused;
    }
    connection_->consume(before - input.size());
    if (reader_.broken()) counters().note_trouble("an answer beyond all bounds");
    if (reader_.broken() || connection_->at_end() || !co_await receive(deadline())) co_return End::lost;
  }
}

Task<std::optional<Pop3Body>> Pop3Flow::hear_body() {
  for (;;) {
    std::span<const std::byte> input = connection_->input();
    const std::size_t before = input.size();
    const auto body = reader_.body(input);
    connection_->consume(before - input.size());
    if (body) co_return body;
    if (connection_->at_end() || !co_await receive(deadline())) co_return std::nullopt;
  }
}

AccessFlow::Outcome Pop3Flow::outcome_of(End end) {
  if (end == End::ok) return Outcome::acknowledged;
  return end == End::refused ? Outcome::refused : Outcome::lost;
}

}  // namespace ringpost::loadgen
