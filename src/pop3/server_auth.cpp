// USER and PASS, and AUTH (RFC 5034): base64 around sasl.
#include "ringpost/base/assert.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/pop3/server_session.hpp"
#include "ringpost/sasl/limits.hpp"
#include "ringpost/sasl/secret_base64.hpp"

namespace ringpost::pop3 {

using Kind = Event::Kind;

namespace {

constexpr std::string_view kNeedsTls = "use STLS before you log in";

}  // namespace

std::optional<Event> ServerSession::on_user(std::string_view name) {
  if (!login_offered()) return refuse(kNeedsTls, ResponseCode::sys_perm), std::nullopt;
  if (name.empty() || name.size() > sasl::kFieldBytesMax) return refuse("USER takes a name"), std::nullopt;
  std::string(name).swap(login_);  // assigning would keep the room of a longer one
  say("+OK", "Now the password", ResponseCode::none);
  return std::nullopt;
}

std::optional<Event> ServerSession::on_pass(std::string_view password) {
  if (!login_offered()) return refuse(kNeedsTls, ResponseCode::sys_perm), std::nullopt;
  if (login_.empty()) return refuse("USER comes first"), std::nullopt;
  credentials_ = std::make_unique<sasl::Credentials>();
  credentials_->authentication_id = login_;
  credentials_->password = sasl::Secret(password);
  return Event{Kind::auth};
}

std::optional<Event> ServerSession::on_auth(std::string_view arguments) {
  if (!login_offered()) return refuse(kNeedsTls, ResponseCode::sys_perm), std::nullopt;
  const std::size_t blank = arguments.find(' ');
  const std::optional<sasl::Mechanism> mechanism = sasl::find_mechanism(arguments.substr(0, blank));
  if (!mechanism || !settings_->mechanisms.has(*mechanism)) return refuse("no such mechanism"), std::nullopt;
  exchange_ = sasl::make_server(*mechanism);
  auth_mechanism_ = *mechanism;
  if (blank == std::string_view::npos) return take_step(exchange_->start(std::nullopt));
  const std::string_view initial = arguments.substr(blank + 1);
  // "=" is the initial response that is there and empty.
  if (initial == "=") return take_step(exchange_->start(std::string_view{}));
  const std::optional<sasl::Secret> message = sasl::decode_secret(initial);
  if (!message) return fail_auth("that is no base64");
  return take_step(exchange_->start(message->view()));
}

std::optional<Event> ServerSession::on_auth_answer(std::string_view line) {
  if (line == "*") return fail_auth("AUTH is cancelled");
  const std::optional<sasl::Secret> message = sasl::decode_secret(line);
  if (!message) return fail_auth("that is no base64");
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
      return fail_auth("the mechanism does not allow that");
  }
}

std::optional<Event> ServerSession::fail_auth(std::string_view text, ResponseCode code) {
  exchange_.reset();
  credentials_.reset();
  login_.clear();
  phase_ = Phase::line;
  refuse(text, code);
  return std::nullopt;
}

sasl::Credentials& ServerSession::credentials() {
  RP_ASSERT(pending_ == Kind::auth);
  return credentials_ ? *credentials_ : exchange_->credentials();
}

std::string_view ServerSession::auth_mechanism() const {
  return credentials_ ? "USER" : sasl::traits(auth_mechanism_).name;
}

// A mechanism may have a last word before the answer.
void ServerSession::accept_auth(std::string_view text) {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  welcome_ = text;
  if (credentials_) return logged_in();
  take_step(exchange_->verdict(true));
}

void ServerSession::logged_in() {
  exchange_.reset();
  credentials_.reset();
  phase_ = Phase::line;
  state_ = State::transaction;
  auth_failures_ = errors_ = 0;
  say("+OK", welcome_, ResponseCode::none);
  std::string().swap(welcome_);
}

void ServerSession::refuse_auth(AuthRefusal why) {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  if (exchange_) exchange_->verdict(false);
  switch (why) {
    case AuthRefusal::credentials:
      fail_auth("Authentication failed", ResponseCode::auth);
      break;
    case AuthRefusal::temporary:
      fail_auth("Nobody can look this up now, try again later", ResponseCode::sys_temp);
      return;
    case AuthRefusal::in_use:
      fail_auth("Another session has the mailbox", ResponseCode::in_use);
      return;
    case AuthRefusal::forbidden:
      fail_auth("This account may not do so", ResponseCode::sys_perm);
      break;
  }
  if (++auth_failures_ >= settings_->auth_failures_max) close("Too many failed logins");
}

}  // namespace ringpost::pop3
