// Before and between transactions: greeting, EHLO, STARTTLS, RSET, VRFY, QUIT.
#include <array>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "command_table.hpp"

namespace ringpost::smtp {
namespace {

// Names that clients really send: host names, address literals, names with underscores. What it is worth is
// policy; here it must only be one printable word, because it goes into logs and Received lines.
bool is_hello_name(std::string_view name) {
  if (name.empty() || name.size() > mail::kDomainSizeMax) return false;
  for (char c : name) {
    if (c <= ' ' || c == 0x7f) return false;
  }
  return true;
}

// The parameterless extensions that every session has or that one setting turns on.
struct Extension {
  std::string_view line;
  bool (*offered)(const ServerSettings&);
};
constexpr std::array<Extension, 7> kExtensions{{
    {"ENHANCEDSTATUSCODES", [](const ServerSettings&) { return true; }},
    {"8BITMIME", [](const ServerSettings&) { return true; }},
    {"DSN", [](const ServerSettings& s) { return s.dsn; }},
    {"SMTPUTF8", [](const ServerSettings& s) { return s.smtputf8; }},
    {"CHUNKING", [](const ServerSettings& s) { return s.chunking; }},
    {"BINARYMIME", [](const ServerSettings& s) { return s.chunking; }},
    {"PIPELINING", [](const ServerSettings&) { return true; }},
}};

Verb hello_verb(const ServerSettings& settings) {
  return settings.dialect == Dialect::lmtp ? Verb::lhlo : Verb::ehlo;
}

}  // namespace

void ServerSession::greet() {
  RP_ASSERT(phase_ == Phase::greeting);
  if (early_talk_ && settings_->refuse_early_talk) {
    hang_up(replies::kEarlyTalk);
    return;
  }
  fmt::format_to(std::back_inserter(output_), "220 {} {}\r\n", settings_->hostname, settings_->banner);
  phase_ = Phase::ready;
}

std::optional<Event> ServerSession::on_hello(Verb verb, std::string_view name) {
  const bool extended = verb == hello_verb(*settings_);
  const bool plain = verb == Verb::helo && settings_->dialect != Dialect::lmtp;
  // RFC 2033 section 4.1: LMTP has no HELO and no EHLO, and SMTP no LHLO.
  if (!extended && !plain) return refuse(replies::kUnknownCommand);
  name = name.substr(0, name.find(' '));
  if (name.empty()) return refuse(replies::kNeedsArgument);
  if (!is_hello_name(name)) return refuse(replies::kBadHello);
  const bool was_open = end_transaction();
  helo_ = name;
  esmtp_ = extended;
  if (!was_open) return Event{Event::Kind::helo};
  queued_ = Event::Kind::helo;
  return Event{Event::Kind::reset};
}

void ServerSession::say_hello() {
  auto out = std::back_inserter(output_);
  if (!esmtp_) {
    fmt::format_to(out, "250 {}\r\n", settings_->hostname);
    return;
  }
  fmt::format_to(out, "250-{}\r\n250-SIZE {}\r\n", settings_->hostname, settings_->message_size_max.count);
  if (offers_tls()) output_ += "250-STARTTLS\r\n";
  if (offers_auth()) {
    output_ += "250-AUTH";
    for (const sasl::MechanismTraits& known : sasl::kMechanisms) {
      if (mechanisms_.has(known.mechanism)) fmt::format_to(out, " {}", known.name);
    }
    output_ += "\r\n";
  }
  for (const Extension& extension : kExtensions) {
    if (!extension.offered(*settings_)) continue;
    // The last of the table is always there, so it ends the reply.
    fmt::format_to(out, "250{}{}\r\n", &extension == &kExtensions.back() ? ' ' : '-', extension.line);
  }
}

bool ServerSession::offers_auth() const {
  return !mechanisms_.empty() && !authenticated_ && (secure_ || !settings_->auth_needs_tls);
}

std::optional<Event> ServerSession::on_starttls(std::string_view arguments, Input& input) {
  if (settings_->tls == TlsOffer::none) return refuse(replies::kNotImplemented);
  if (secure_) return refuse(replies::kAlreadyTls);
  if (!arguments.empty()) return refuse(replies::kNoArguments);
  if (helo_.empty() && settings_->helo_required) return refuse(replies::kHelloFirst);
  const bool was_open = end_transaction();
  say(replies::kStartTls);
  // What was sent in clear behind the command was not protected: it must not be read as if it had been.
  unspoken_ += input.size();
  input = {};
  phase_ = Phase::tls;
  if (!was_open) return Event{Event::Kind::start_tls};
  queued_ = Event::Kind::start_tls;
  return Event{Event::Kind::reset};
}

void ServerSession::tls_started() {
  RP_ASSERT(phase_ == Phase::tls);
  helo_.clear();
  login_.clear();
  drop_line();
  esmtp_ = authenticated_ = false;
  secure_ = true;
  phase_ = Phase::ready;
}

std::optional<Event> ServerSession::on_rset(std::string_view arguments) {
  if (!arguments.empty()) return refuse(replies::kNoArguments);
  const bool was_open = end_transaction();
  say(replies::kOk);
  return was_open ? std::optional(Event{Event::Kind::reset}) : std::nullopt;
}

std::optional<Event> ServerSession::on_quit() {
  fmt::format_to(std::back_inserter(output_), "221 2.0.0 {} closing connection\r\n", settings_->hostname);
  phase_ = Phase::closed;
  farewell_ = Event::Kind::quit;
  return std::nullopt;
}

std::optional<Event> ServerSession::on_vrfy(std::string_view arguments) {
  if (arguments.empty()) return refuse(replies::kNeedsArgument);
  say(replies::kCannotVerify);
  return std::nullopt;
}

}  // namespace ringpost::smtp
