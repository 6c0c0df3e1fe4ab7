#include "ringpost/observe/trace.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ringpost::observe {

namespace {

constexpr std::string_view kBlank = "***";
constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kAuth = "auth";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool begins(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::ranges::equal(text.substr(0, lower_case.size()), lower_case, {}, lower);
}

// Also what a server would not take for AUTH and a person would: with blanks before it, or a tab behind it.
bool is_auth(std::string_view text) {
  return begins(text.substr(std::min(text.find_first_not_of(kBlanks), text.size())), kAuth);
}

// Whether a client that has heard its AUTH answered goes on with something else. What is not in this list could be the
// password of one who does not listen.
bool is_command(std::string_view text) {
  constexpr auto kVerbs =
      std::to_array<std::string_view>({"ehlo", "helo", "lhlo", "mail", "rcpt", "data", "bdat", "rset", "noop",
                                       "quit", "vrfy", "expn", "help", "starttls", "auth"});
  return std::ranges::any_of(kVerbs, [text](std::string_view verb) {
    return begins(text, verb) && text.substr(verb.size()).find_first_not_of(kBlanks) != 0;
  });
}

// "AUTH PLAIN ***": the mechanism is no secret.
std::string blank_auth(std::string_view text) {
  const std::size_t verb_end = text.find_first_not_of(kBlanks) + kAuth.size();
  const std::size_t mechanism = text.find_first_not_of(kBlanks, verb_end);
  if (mechanism == std::string_view::npos) return std::string(text);
  const std::size_t end = mechanism == verb_end ? verb_end : text.find_first_of(kBlanks, mechanism);
  if (end == std::string_view::npos) return std::string(text);
  return fmt::format("{} {}", text.substr(0, end), kBlank);
}

}  // namespace

SessionTrace::SessionTrace(Trace& trace, const About& about)
    : trace_(trace),
      trace_id_(trace.id()),
      session_(fmt::format("{}-{}-{}", about.outbound ? "out" : "in", about.core, trace.next_session())),
      peer_(to_string(about.peer)),
      place_(about.place),
      wanted_(!trace.filter().peer || trace.filter().peer->contains(about.peer.address)),
      matched_(trace.filter().domain.empty()) {}

void SessionTrace::said(Speaker who, std::string_view bytes, WallTime now) {
  if (!wanted_ || bytes.empty()) return;
  note_body(now);
  std::string& partial = partial_.at(static_cast<std::size_t>(who));
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    partial.append(bytes.substr(0, std::min(end, kTraceLineMax - std::min(partial.size(), kTraceLineMax))));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (partial.ends_with('\r')) partial.pop_back();
    line(who, std::exchange(partial, {}), now);
  }
}

void SessionTrace::line(Speaker who, std::string text, WallTime now) {
  if (who == Speaker::client && login_ != Login::under_way) look_for_domain(text);
  tell({who == Speaker::client ? "client" : "server", without_secrets(who, std::move(text)), now});
}

// Fails to the safe side: a client that sends on before it has heard the answer to its AUTH is blanked too.
std::string SessionTrace::without_secrets(Speaker who, std::string text) {
  if (who == Speaker::server) {
    const bool asks = text.starts_with("334");
    if (asks)
      login_ = Login::under_way;
    else if (login_ == Login::under_way && !text.substr(0, 4).ends_with('-'))
      login_ = text.starts_with("220") ? Login::none : Login::answered;  // a greeting answers no AUTH
    return asks ? "334" : text;
  }
  if (login_ == Login::under_way) return std::string(kBlank);
  if (is_auth(text)) {
    login_ = Login::under_way;
    return blank_auth(text);
  }
  if (login_ == Login::answered && !is_command(text)) return std::string(kBlank);
  login_ = Login::none;
  return text;
}

void SessionTrace::look_for_domain(std::string_view text) {
  if (matched_ || (!begins(text, "mail from:") && !begins(text, "rcpt to:"))) return;
  const std::string_view path = text.substr(0, text.find('>'));
  const std::size_t at = path.rfind('@');
  matched_ = at != std::string_view::npos &&
             std::ranges::equal(path.substr(at + 1), trace_.filter().domain, {}, lower);
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
