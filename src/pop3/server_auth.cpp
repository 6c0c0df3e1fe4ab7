// USER and PASS, and AUTH (RFC 5034): the words around a sasl::ServerLogin.
#include "ringpost/base/assert.hpp"
#include "ringpost/pop3/server_session.hpp"
#include "ringpost/sasl/limits.hpp"

namespace ringpost::pop3 {

using Kind = Event::Kind;

namespace {

constexpr std::string_view kNeedsTls = "use STLS before you log in";

struct Refused {
  std::string_view text;
  ResponseCode code;
};

Refused refusal(AuthRefusal why) {
  switch (why) {
    case AuthRefusal::temporary:
      return {"Nobody can look this up now, try again later", ResponseCode::sys_temp};
    case AuthRefusal::in_use:
      return {"Another session has the mailbox", ResponseCode::in_use};
    case AuthRefusal::too_soon:
      return {"The last login was a moment ago", ResponseCode::login_delay};
    case AuthRefusal::forbidden:
      return {"This account may not do so", ResponseCode::sys_perm};
    case AuthRefusal::too_weak:
      return {"This account needs a stronger way to log in", ResponseCode::sys_perm};
    case AuthRefusal::credentials:
    case AuthRefusal::expired:
      break;
  }
  return {"Authentication failed", ResponseCode::auth};
}

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
  auth_ = std::make_unique<sasl::ServerLogin>("USER", login_, sasl::Secret(password));
  return take_turn(auth_->begin());
}

std::optional<Event> ServerSession::on_auth(std::string_view arguments) {
  if (!login_offered()) return refuse(kNeedsTls, ResponseCode::sys_perm), std::nullopt;
  const std::size_t blank = arguments.find(' ');
  const std::optional<sasl::Mechanism> mechanism = sasl::find_mechanism(arguments.substr(0, blank));
  if (!mechanism || !mechanisms_.has(*mechanism)) return refuse("no such mechanism"), std::nullopt;
  auth_ = std::make_unique<sasl::ServerLogin>(*mechanism);
  if (blank == std::string_view::npos) return take_turn(auth_->begin());
  return take_turn(auth_->begin(arguments.substr(blank + 1)));
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
      refuse_login(AuthRefusal::credentials);
      return std::nullopt;
    case sasl::Turn::cancelled:
      return fail_auth("AUTH is cancelled");
    case sasl::Turn::no_base64:
      return fail_auth("that is no base64");
    case sasl::Turn::malformed:
      break;
  }
  return fail_auth("the mechanism does not allow that");
}

// Whom the driver has let in already is nobody who could try again.
std::optional<Event> ServerSession::fail_auth(std::string_view text, ResponseCode code) {
  const bool inside = auth_ && auth_->verified();
  auth_.reset();
  login_.clear();
  phase_ = Phase::line;
  refuse(text, code);
  if (inside) close("The login was broken off");
  return std::nullopt;
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
  state_ = State::transaction;
  auth_failures_ = errors_ = 0;
  say("+OK", "Logged in", ResponseCode::none);
}

void ServerSession::refuse_auth(AuthRefusal why) {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  const bool wrong = why == AuthRefusal::credentials && pending_ == Kind::auth;
  pending_ = Kind::need_input;
  if (wrong)
    take_turn(auth_->verdict(false));
  else
    refuse_login(why);
}

void ServerSession::refuse_login(AuthRefusal why) {
  const Refused words = refusal(why);
  fail_auth(words.text, words.code);
  if (why == AuthRefusal::temporary || why == AuthRefusal::in_use || why == AuthRefusal::too_soon) return;
  if (++auth_failures_ >= settings_->auth_failures_max) close("Too many failed logins");
}

void ServerSession::postpone_auth(std::string_view text) {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  pending_ = Kind::need_input;
  fail_auth(text, ResponseCode::sys_temp);
}

}  // namespace ringpost::pop3
