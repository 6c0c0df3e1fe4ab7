// LOGIN and AUTHENTICATE (RFC 9051 sections 6.2.2 and 6.2.3, RFC 4959): the words around a sasl::ServerLogin.
#include "ringpost/base/assert.hpp"

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
    case AuthRefusal::in_use:
    case AuthRefusal::too_soon:
      return {Condition::no, codes::kInUse, "Another session has the mailbox"};
  }
  return {Condition::no, codes::kAuthenticationFailed, "Authentication failed"};
}

}  // namespace

std::optional<Event> ServerSession::on_login(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  std::string name;
  std::string password;
  const bool read = in.space() && in.astring(name) && in.space() && in.astring(password) && in.end();
  if (read) auth_ = std::make_unique<sasl::ServerLogin>("LOGIN", name, sasl::Secret(password));
  sasl::wipe(password);
  if (!read) return refuse(tag_, in.fault()), std::nullopt;
  return take_turn(auth_->begin());
}

std::optional<Event> ServerSession::on_authenticate(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  std::string_view name;
  if (!in.space() || !in.atom(name)) return refuse(tag_, in.fault()), std::nullopt;
  const std::optional<sasl::Mechanism> mechanism = sasl::find_mechanism(name);
  if (!mechanism || !mechanisms_.has(*mechanism))
    return refuse(tag_, {Condition::no, codes::kCannot, "no such mechanism"}), std::nullopt;
  const bool with_initial = !in.at_end();
  if (with_initial && !settings_->capabilities.has(Capability::sasl_ir))
    return fail_auth({Condition::bad, {}, "SASL-IR is not offered"});
  in.skip(' ');
  auth_ = std::make_unique<sasl::ServerLogin>(*mechanism);
  return take_turn(with_initial ? auth_->begin(in.rest()) : auth_->begin());
}

std::optional<Event> ServerSession::take_turn(sasl::Turn turn) {
  switch (turn) {
    case sasl::Turn::ask:
      output_ += "+ ";
      auth_->append_challenge(output_);
      output_ += "\r\n";
      phase_ = Phase::auth;
      return std::nullopt;
    case sasl::Turn::keys:
      phase_ = Phase::line;
      return Event{Kind::auth_keys};
    case sasl::Turn::verify:
      login_ = auth_->credentials().authentication_id;
      phase_ = Phase::line;
      return Event{Kind::auth};
    case sasl::Turn::accepted:
      logged_in();
      return std::nullopt;
    case sasl::Turn::refused:
      fail_auth(refusal(AuthRefusal::credentials));
      count_failed_login();
      return std::nullopt;
    case sasl::Turn::cancelled:
      return fail_auth({Condition::bad, {}, "AUTHENTICATE is cancelled"});
    case sasl::Turn::no_base64:
      return fail_auth({Condition::bad, {}, "that is no base64"});
    case sasl::Turn::malformed:
      break;
  }
  return fail_auth({Condition::bad, {}, "the mechanism does not allow that"});
}

// Whom the driver has let in already is nobody who could try again.
std::optional<Event> ServerSession::fail_auth(const StatusResponse& why) {
  const bool inside = auth_ && auth_->verified();
  auth_.reset();
  login_.clear();
  phase_ = Phase::line;
  refuse(tag_, why);
  if (inside) close("The login was broken off");
  return std::nullopt;
}

void ServerSession::count_failed_login() {
  if (++auth_failures_ >= settings_->auth_failures_max) close("Too many failed logins");
}

sasl::Credentials& ServerSession::credentials() {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  return auth_->credentials();
}

void ServerSession::give_auth_keys(sasl::ScramKeys keys, const sasl::Material& material) {
  RP_ASSERT(pending_ == Kind::auth_keys);
  pending_ = Kind::need_input;
  take_turn(auth_->take_keys(std::move(keys), material));
}

// A mechanism may have a last word before the answer.
void ServerSession::accept_auth(std::string_view login) {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  if (!login.empty()) login_ = login;
  take_turn(auth_->verdict(true));
}

void ServerSession::logged_in() {
  auth_.reset();
  phase_ = Phase::line;
  state_ = State::authenticated;
  auth_failures_ = bad_commands_ = 0;
  output_.append(tag_).append(" OK [CAPABILITY ");
  append_own_capabilities();
  output_ += "] Logged in\r\n";
  forget_command();
}

void ServerSession::refuse_auth(AuthRefusal why) {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  const bool wrong = why == AuthRefusal::credentials && pending_ == Kind::auth;
  pending_ = Kind::need_input;
  if (wrong) {
    take_turn(auth_->verdict(false));
    return;
  }
  fail_auth(refusal(why));
  if (why != AuthRefusal::temporary) count_failed_login();
}

void ServerSession::postpone_auth(std::string_view text) {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  pending_ = Kind::need_input;
  fail_auth({Condition::no, codes::kUnavailable, text});
}

}  // namespace ringpost::imap
