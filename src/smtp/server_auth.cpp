// AUTH: base64 around sasl (RFC 4954).
#include "ringpost/base/assert.hpp"
#include "ringpost/sasl/secret_base64.hpp"
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
    case AuthRefusal::credentials:
      break;
  }
  return replies::kAuthFailed;
}

}  // namespace

const FixedReply* ServerSession::auth_obstacle() const {
  if (settings_->mechanisms.empty()) return &replies::kNotImplemented;
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
  if (!mechanism || !settings_->mechanisms.has(*mechanism)) return refuse(replies::kAuthUnknown);
  exchange_ = sasl::make_server(*mechanism);
  auth_mechanism_ = *mechanism;
  if (space == std::string_view::npos) return take_step(exchange_->start(std::nullopt));
  const std::string_view initial = arguments.substr(arguments.find_first_not_of(' ', space));
  if (initial.find(' ') != std::string_view::npos) return fail_auth(replies::kAuthSyntax);
  // "=" is the initial response that is there and empty.
  if (initial == "=") return take_step(exchange_->start(std::string_view{}));
  const std::optional<sasl::Secret> message = sasl::decode_secret(initial);
  if (!message) return fail_auth(replies::kAuthGarbage);
  return take_step(exchange_->start(message->view()));
}

std::optional<Event> ServerSession::on_auth_answer(std::string_view line) {
  if (line == "*") return fail_auth(replies::kAuthCancelled);
  const std::optional<sasl::Secret> message = sasl::decode_secret(line);
  if (!message) return fail_auth(replies::kAuthGarbage);
  return take_step(exchange_->answer(message->view()));
}

std::optional<Event> ServerSession::take_step(sasl::Step step) {
  switch (step) {
    case sasl::Step::challenge:
      output_ += "334 ";
      mail::append_base64(exchange_->challenge(), output_);
      output_ += "\r\n";
      phase_ = Phase::auth;
      return std::nullopt;
    case sasl::Step::verify:
      login_ = exchange_->credentials().authentication_id;
      phase_ = Phase::ready;
      return Event{Kind::auth};
    default:
      return fail_auth(replies::kAuthGarbage);
  }
}

std::optional<Event> ServerSession::fail_auth(const FixedReply& why) {
  exchange_.reset();
  login_.clear();
  phase_ = Phase::ready;
  return refuse(why);
}

sasl::Credentials& ServerSession::credentials() {
  RP_ASSERT(pending_ == Kind::auth);
  return exchange_->credentials();
}

std::string_view ServerSession::auth_mechanism() const {
  return sasl::traits(auth_mechanism_).name;
}

void ServerSession::accept_auth() {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  exchange_->verdict(true);
  exchange_.reset();
  authenticated_ = true;
  auth_failures_ = 0;
  say(replies::kAuthOk);
}

void ServerSession::refuse_auth(AuthRefusal why) {
  RP_ASSERT(pending_ == Kind::auth);
  pending_ = Kind::need_input;
  exchange_->verdict(false);
  fail_auth(refusal_reply(why));
  if (why != AuthRefusal::temporary) ++auth_failures_;
}

}  // namespace ringpost::smtp
