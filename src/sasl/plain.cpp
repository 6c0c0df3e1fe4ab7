// PLAIN: one message, [authzid] NUL authcid NUL passwd (RFC 4616 section 2).
#include "ringpost/crypto/secret.hpp"
#include "ringpost/sasl/limits.hpp"

#include "exchanges.hpp"

namespace ringpost::sasl {
namespace {

class PlainServer final : public ServerExchange {
 public:
  Step start(std::optional<std::string_view> initial) override {
    if (initial) return answer(*initial);
    challenge_ = {};
    return Step::challenge;
  }

  Step answer(std::string_view message) override {
    if (message.size() > kMessageBytesMax) return Step::malformed;
    const std::size_t first = message.find('\0');
    if (first == std::string_view::npos) return Step::malformed;
    const std::size_t second = message.find('\0', first + 1);
    if (second == std::string_view::npos) return Step::malformed;
    const std::string_view authorization = message.substr(0, first);
    const std::string_view authentication = message.substr(first + 1, second - first - 1);
    const std::string_view password = message.substr(second + 1);
    if (!authorization.empty() && !is_name(authorization)) return Step::malformed;
    if (!is_name(authentication) || !is_password(password)) return Step::malformed;
    credentials_.authorization_id = authorization;
    credentials_.authentication_id = authentication;
    credentials_.password = Secret(password);
    return Step::verify;
  }
};

class PlainClient final : public ClientExchange {
 public:
  explicit PlainClient(const Credentials& credentials) : credentials_(credentials) {}

  std::optional<Secret> initial() override {
    std::string message;
    message.reserve(credentials_.authorization_id.size() + credentials_.authentication_id.size() +
                    credentials_.password.view().size() + 2);
    message.append(credentials_.authorization_id).push_back('\0');
    message.append(credentials_.authentication_id).push_back('\0');
    message.append(credentials_.password.view());
    Secret secret(message);
    crypto::wipe(message);
    sent_ = true;
    return secret;
  }

  // Only a server that was not given the initial response asks, once and with nothing.
  std::optional<Secret> answer(std::string_view challenge) override {
    if (sent_ || !challenge.empty()) return std::nullopt;
    return initial();
  }

 private:
  const Credentials& credentials_;
  bool sent_ = false;
};

}  // namespace

std::unique_ptr<ServerExchange> make_plain_server() {
  return std::make_unique<PlainServer>();
}
std::unique_ptr<ClientExchange> make_plain_client(const Credentials& credentials, const Material&) {
  return std::make_unique<PlainClient>(credentials);
}

}  // namespace ringpost::sasl
