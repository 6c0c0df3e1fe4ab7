// AUTH (RFC 4954): the words around a sasl::ServerLogin.
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/smtp/server_session.hpp"

namespace ringpost::smtp {
namespace {

using Kind = Event::Kind;

const FixedReply& refusal_reply(AuthRefusal why) {
  switch (why) {
    case AuthRefusal::temporary:
      return replies::kAuthTemporary;
    case AuthRefusal::too_weak:
      return replies::kAuthTooWeak;
    default:
      return replies::kAuthFailed;
  }
}

}  // namespace

const FixedReply* ServerSession::auth_obstacle() const {
  if (mechanisms_.empty()) return &replies::kNotImplemented;
  if (helo_.empty() || !esmtp_) return &replies::kHelloFirst;
  if (authenticated_) return &replies::kAuthTwice;
  if (phase_ != Phase::ready) return &replies::kAuthInMail;
  if (!secure_ && settings_->auth_needs_tls) return &replies::kAuthNeedsTls;
  return nullptr;
}

std::optional<Event> ServerSession::on_auth(std::string_view arguments) {
  if (const FixedReply* obstacle = auth_obstacle()) return refuse(*obstacle);
  const std::size_t space = arguments.find(' ');
  const std::string_view name = arguments.substr(0, space);
  if (name.empty()) return refuse(replies::kAuthSyntax);
  const std::optional<sasl::Mechanism> mechanism = sasl::find_mechanism(name);
  if (!mechanism || !mechanisms_.has(*mechanism)) return refuse(replies::kAuthUnknown);
  std::optional<std::string_view> initial;
  if (space != std::string_view::npos) initial = arguments.substr(arguments.find_first_not_of(' ', space));
  if (initial && initial->find(' ') != std::string_view::npos) return fail_auth(replies::kAuthSyntax);
  auth_ = std::make_unique<sasl::ServerLogin>(*mechanism);
  auth_mechanism_ = auth_->name();
  return take_turn(auth_->begin(initial));
}

std::optional<Event> ServerSession::take_turn(sasl::Turn turn) {
  switch (turn) {
    case sasl::Turn::ask:
      output_ += "334 ";
      auth_->append_challenge(output_);
      output_ += "\r\n";
      phase_ = Phase::auth;
      return std::nullopt;
    case sasl::Turn::keys:
      phase_ = Phase::ready;
      return Event{Kind::auth_keys};
    case sasl::Turn::verify:
      login_ = auth_->credentials().authentication_id;
      phase_ = Phase::ready;
      return Event{Kind::auth};
    case sasl::Turn::accepted:
      finish_auth();
      return std::nullopt;
    case sasl::Turn::refused:
      ++auth_failures_;
      return fail_auth(replies::kAuthFailed);
    case sasl::Turn::cancelled:
      return fail_auth(replies::kAuthCancelled);
    case sasl::Turn::no_base64:
    case sasl::Turn::malformed:
      break;
  }
  return fail_auth(replies::kAuthGarbage);
}

void ServerSession::finish_auth() {
  auth_.reset();
  phase_ = Phase::ready;
  authenticated_ = true;
  auth_failures_ = 0;
  say(replies::kAuthOk);
}

std::optional<Event> ServerSession::fail_auth(const FixedReply& why) {
  auth_.reset();
  login_.clear();
  phase_ = Phase::ready;
  return refuse(why);
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

void ServerSession::accept_auth(std::string_view login) {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  if (!login.empty()) login_ = login;
  take_turn(auth_->verdict(true));
}

void ServerSession::refuse_auth(AuthRefusal why) {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  const bool wrong = why == AuthRefusal::credentials && pending_ == Kind::auth;
  pending_ = Kind::need_input;
  if (wrong) {
    take_turn(auth_->verdict(false));
    return;
  }
  fail_auth(refusal_reply(why));
  if (why != AuthRefusal::temporary) ++auth_failures_;
}

void ServerSession::postpone_auth(std::string_view text) {
  RP_ASSERT(pending_ == Kind::auth || pending_ == Kind::auth_keys);
  pending_ = Kind::need_input;
  fail_auth({454, {4, 7, 0}, text});
}

}  // namespace ringpost::smtp
