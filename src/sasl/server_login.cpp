#include "ringpost/sasl/server_login.hpp"

#include <utility>

#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/secret_base64.hpp"

namespace ringpost::sasl {
namespace {

// What a protocol's own command has already said.
class Given final : public ServerExchange {
 public:
  Given(std::string_view login, Secret password) {
    credentials_.authentication_id = login;
    credentials_.password = std::move(password);
  }
  Step start(std::optional<std::string_view> /*initial*/) override { return Step::verify; }
  Step answer(std::string_view /*message*/) override { return Step::malformed; }
};

Turn turn_of(Step step) {
  switch (step) {
    case Step::challenge:
      return Turn::ask;
    case Step::keys:
      return Turn::keys;
    case Step::verify:
      return Turn::verify;
    case Step::accepted:
      return Turn::accepted;
    case Step::refused:
      return Turn::refused;
    case Step::malformed:
      break;
  }
  return Turn::malformed;
}

}  // namespace

ServerLogin::ServerLogin(std::string_view command, std::string_view login, Secret password)
    : exchange_(std::make_unique<Given>(login, std::move(password))), name_(command) {}

Turn ServerLogin::begin(std::optional<std::string_view> initial) {
  if (!initial) return turn_of(exchange_->start(std::nullopt));
  if (*initial == "=") return turn_of(exchange_->start(std::string_view{}));
  return read(*initial, true);
}

Turn ServerLogin::answer(std::string_view line) {
  return line == "*" ? Turn::cancelled : read(line, false);
}

Turn ServerLogin::read(std::string_view line, bool first) {
  const std::optional<Secret> message = decode_secret(line);
  if (!message) return Turn::no_base64;
  return turn_of(first ? exchange_->start(message->view()) : exchange_->answer(message->view()));
}

Turn ServerLogin::take_keys(ScramKeys keys, const Material& material) {
  return turn_of(exchange_->take_keys(std::move(keys), material));
}

Turn ServerLogin::verdict(bool verified) {
  verified_ = verified;
  return turn_of(exchange_->verdict(verified));
}

void ServerLogin::append_challenge(std::string& out) const {
  mail::append_base64(exchange_->challenge(), out);
}

}  // namespace ringpost::sasl
