// LOGIN and AUTHENTICATE (RFC 9051 sections 6.2.2 and 6.2.3, RFC 4959): base64 around sasl.
#include "ringpost/base/assert.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/secret_base64.hpp"

#include "reading.hpp"

namespace ringpost::imap {

using Kind = Event::Kind;

namespace {

StatusResponse refusal(AuthRefusal why) {
  switch (why) {
    case AuthRefusal::credentials:
      break;
    case AuthRefusal::temporary:
      return {Condition::no, codes::kUnavailable, "Nobody can look this up now, try again later"};
    case AuthRefusal::too_weak:
      return {Condition::no, codes::kPrivacyRequired, "This account needs a stronger way to log in"};
    case AuthRefusal::forbidden:
      return {Condition::no, codes::kAuthorizationFailed, "This account may not do so"};
    case AuthRefusal::expired:
      return {Condition::no, codes::kExpired, "The password has expired"};
  }
  return {Condition::no, codes::kAuthenticationFailed, "Authentication failed"};
}

}  // namespace

std::optional<Event> ServerSession::on_login(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  std::string name;
  std::string password;
  const bool read = in.space() && in.astring(name) && in.space() && in.astring(password) && in.end();
  if (read) {
    credentials_ = std::make_unique<sasl::Credentials>();
    credentials_->authentication_id = std::move(name);
    credentials_->password = sasl::Secret(password);
  }
  sasl::wipe(password);
  if (!read) return refuse(tag_, in.fault()), std::nullopt;
  login_ = credentials_->authentication_id;
  return Event{Kind::auth};
}

std::optional<Event> ServerSession::on_authenticate(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  std::string_view name;
  if (!in.space() || !in.atom(name)) return refuse(tag_, in.fault()), std::nullopt;
  const std::optional<sasl::Mechanism> mechanism = sasl::find_mechanism(name);
  if (!mechanism || !settings_->mechanisms.has(*mechanism))
    return refuse(tag_, {Condition::no, codes::kCannot, "no such mechanism"}), std::nullopt;
  exchange_ = sasl::make_server(*mechanism);
  auth_mechanism_ = *mechanism;
  if (in.at_end()) return take_step(exchange_->start(std::nullopt));
  if (!settings_->capabilities.has(Capability::sasl_ir))
    return fail_auth({Condition::bad, {}, "SASL-IR is not offered"});
  in.skip(' ');
  // "=" is the initial response that is there and empty.
  if (in.rest() == "=") return take_step(exchange_->start(std::string_view{}));
  const std::optional<sasl::Secret> message = sasl::decode_secret(in.rest());
  if (!message) return fail_auth({Condition::bad, {}, "that is no base64"});
  return take_step(exchange_->start(message->view()));
}

std::optional<Event> ServerSession::on_auth_answer(std::string_view line) {
  if (line == "*") return fail_auth({Condition::bad, {}, "AUTHENTICATE is cancelled"});
  const std::optional<sasl::Secret> message = sasl::decode_secret(line);
  if (!message) return fail_auth({Condition::bad, {}, "that is no base64"});
  return take_step(exchange_->answer(message->view()));
}

std::optional<Event> ServerSession::take_step(sasl::Step step) {
  switch (step) {
    case sasl::Step::challenge:
      output_ += "+ ";
      mail::append_base64(exchange_->challenge(), output_);
      output_ += "\r\n";
      phase_ = Phase::auth;
      return std::nullopt;
    case sasl::Step::verify:
      login_ = exchange_->credentials().authentication_id;
      phase_ = Phase::line;
      return Event{Kind::auth};
    case sasl::Step::accepted:
      logged_in();
      return std::nullopt;
    default:
      return fail_auth({Condition::bad, {}, "the mechanism does not allow that"});
  }
}

std::optional<Event> ServerSession::fail_auth(const StatusResponse& why) {
  exchange_.reset();
  credentials_.reset();
  login_.clear();
  phase_ = Phase::line;
  refuse(tag_, why);
  return std::nullopt;
}

sasl::Credentials& ServerSession::credentials() {
  RP_ASSERT(pending_ == Kind::auth);
  return credentials_ ? *credentials_ : exchange_->credentials();
}

std::string_view ServerSession::auth_mechanism() const {
  return credentials_ ? "LOGIN" : sasl::traits(auth_mechanism_).name;
}

// A mechanism may have a last word before the answer.
void ServerSession::accept_auth() {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  if (credentials_) return logged_in();
  take_step(exchange_->verdict(true));
}

void ServerSession::logged_in() {
  exchange_.reset();
  credentials_.reset();
  phase_ = Phase::line;
  state_ = State::authenticated;
  auth_failures_ = bad_commands_ = 0;
  output_.append(tag_).append(" OK [CAPABILITY ");
  append_own_capabilities();
  output_ += "] Logged in\r\n";
  forget_command();
}

void ServerSession::refuse_auth(AuthRefusal why) {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  if (exchange_) exchange_->verdict(false);
  fail_auth(refusal(why));
  if (why == AuthRefusal::temporary) return;
  if (++auth_failures_ >= settings_->auth_failures_max) close("Too many failed logins");
}

}  // namespace ringpost::imap
