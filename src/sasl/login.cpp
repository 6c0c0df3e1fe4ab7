// LOGIN: two questions, two answers (draft-murchison-sasl-login). Old, but mail programs still choose it.
#include "exchanges.hpp"

namespace ringpost::sasl {
namespace {

class LoginServer final : public ServerExchange {
 public:
  // An initial response is the user name: the draft has none, clients send it all the same.
  Step start(std::optional<std::string_view> initial) override {
    if (initial) return answer(*initial);
    return ask("Username:");
  }

  Step answer(std::string_view message) override {
    if (credentials_.authentication_id.empty()) {
      if (!is_name(message)) return Step::malformed;
      credentials_.authentication_id = message;
      return ask("Password:");
    }
    if (!is_password(message)) return Step::malformed;
    credentials_.password = Secret(message);
    return Step::verify;
  }

 private:
  Step ask(std::string_view question) {
    challenge_ = question;
    return Step::challenge;
  }
};

class LoginClient final : public ClientExchange {
 public:
  explicit LoginClient(const Credentials& credentials) : credentials_(credentials) {}

  std::optional<Secret> initial() override { return std::nullopt; }

  // The questions' words differ between servers; only their order counts.
  std::optional<Secret> answer(std::string_view /*challenge*/) override {
    switch (answers_++) {
      case 0:
        return Secret(credentials_.authentication_id);
      case 1:
        return Secret(credentials_.password.view());
      default:
        return std::nullopt;
    }
  }

 private:
  const Credentials& credentials_;
  int answers_ = 0;
};

}  // namespace

std::unique_ptr<ServerExchange> make_login_server() {
  return std::make_unique<LoginServer>();
}
std::unique_ptr<ClientExchange> make_login_client(const Credentials& credentials, const Material&) {
  return std::make_unique<LoginClient>(credentials);
}

}  // namespace ringpost::sasl
