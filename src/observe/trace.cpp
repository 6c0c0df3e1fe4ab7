#include "ringpost/observe/trace.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "trace_words.hpp"

namespace ringpost::observe {

namespace {

constexpr std::size_t kLineEndKept = 24;  // "{4294967295+}": what says of a line that bytes follow it

std::unique_ptr<TraceWords> words_of(SessionTrace::Protocol protocol) {
  switch (protocol) {
    case SessionTrace::Protocol::imap:
      return make_imap_words();
    case SessionTrace::Protocol::pop3:
      return make_pop3_words();
    case SessionTrace::Protocol::smtp:
      break;
  }
  return make_smtp_words();
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

bool same_text(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, {}, lower);
}

bool begins_with(std::string_view text, std::string_view lower_case) {
  return same_text(text.substr(0, lower_case.size()), lower_case);
}

std::string blank_behind_mechanism(std::string_view text, std::size_t verb_end) {
  const std::size_t mechanism = text.find_first_not_of(kBlanks, verb_end);
  if (mechanism == std::string_view::npos) return std::string(text);
  const std::size_t end = mechanism == verb_end ? verb_end : text.find_first_of(kBlanks, mechanism);
  if (end == std::string_view::npos) return std::string(text);
  return fmt::format("{} {}", text.substr(0, end), kBlank);
}

SessionTrace::SessionTrace(Trace& trace, const About& about)
    : trace_(trace),
      trace_id_(trace.id()),
      session_(fmt::format("{}-{}-{}", about.outbound ? "out" : "in", about.core, trace.next_session())),
      peer_(to_string(about.peer)),
      place_(about.place),
      words_(words_of(about.protocol)),
      wanted_(!trace.filter().peer || trace.filter().peer->contains(about.peer.address)),
      matched_(trace.filter().domain.empty()) {}
SessionTrace::~SessionTrace() = default;

void SessionTrace::said(Speaker who, std::string_view bytes, WallTime now) {
  if (!wanted_ || bytes.empty()) return;
  note_body(now);
  Heard& heard = heard_.at(static_cast<std::size_t>(who));
  while (!bytes.empty()) {
    if (heard.literal != 0) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(heard.literal, bytes.size()));
      heard.literal -= count;
      if (who == Speaker::server || !words_->hides_length()) body_ += count;
      bytes.remove_prefix(count);
      continue;
    }
    const std::size_t end = bytes.find('\n');
    heard.add(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    note_body(now);
    line(who, heard, now);
  }
}

void SessionTrace::body(std::size_t count, Speaker who) {
  std::uint64_t& literal = heard_.at(static_cast<std::size_t>(who)).literal;
  literal -= std::min<std::uint64_t>(literal, count);
  body_ += count;
}

void SessionTrace::Heard::add(std::string_view bytes) {
  line.append(bytes.substr(0, kTraceLineMax - line.size()));
  end.append(bytes.substr(bytes.size() - std::min(bytes.size(), kLineEndKept)));
  if (end.size() > kLineEndKept) end.erase(0, end.size() - kLineEndKept);
}

void SessionTrace::line(Speaker who, Heard& heard, WallTime now) {
  std::string text = std::exchange(heard.line, {});
  std::string end = std::exchange(heard.end, {});
  if (text.ends_with('\r')) text.pop_back();
  if (end.ends_with('\r')) end.pop_back();
  if (who == Speaker::client) look_for_domain(words_->address(text));
  const bool of_client = who == Speaker::client;
  tell({of_client ? "client" : "server",
        of_client ? words_->client(std::move(text)) : words_->server(std::move(text)), now});
  words_->ended_with(who, end);
  for (const Speaker each : {Speaker::client, Speaker::server})
    heard_.at(static_cast<std::size_t>(each)).literal += words_->take_literal(each);
}

void SessionTrace::account(std::string_view login) {
  look_for_domain(login);
}

void SessionTrace::look_for_domain(std::string_view address) {
  if (matched_) return;
  const std::size_t at = address.rfind('@');
  matched_ = at != std::string_view::npos && same_text(address.substr(at + 1), trace_.filter().domain);
}

void SessionTrace::note_body(WallTime now) {
  if (body_ != 0) note(fmt::format("{} bytes of a message", std::exchange(body_, 0)), now);
}

// Until a domain has matched, the newest lines wait: what led there is wanted too.
void SessionTrace::tell(Line line) {
  if (!wanted_) return;
  if (!matched_) return hold(std::move(line));
  for (const Line& earlier : std::exchange(held_, {})) write(earlier);
  write(line);
}

void SessionTrace::hold(Line line) {
  const auto size_of = [](const Line& each) { return sizeof(Line) + each.text.size(); };
  held_bytes_ += size_of(line);
  held_.push_back(std::move(line));
  for (; held_bytes_ > kTraceHeldBytes; held_.pop_front()) held_bytes_ -= size_of(held_.front());
}

void SessionTrace::write(const Line& line) {
  trace_.ring()
      .begin(EventType::traced, line.at)
      .add(EventKey::session, session_)
      .add(EventKey::peer, peer_)
      .add(EventKey::listener, place_)
      .add(EventKey::source, line.who)
      .add(EventKey::text, line.text)
      .finish();
}

}  // namespace ringpost::observe
