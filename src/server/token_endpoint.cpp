#include "token_endpoint.hpp"

#include <cerrno>

#include <unistd.h>

#include "ringpost/server/files.hpp"

namespace ringpost::server {

namespace {

constexpr Bytes kSecretMax = 64_KiB;

class TokenEndpoint final : public accounts::Introspection {
 public:
  TokenEndpoint(fetch::Client& client, const accounts::AccountsOptions& options, sasl::Secret secret)
      : client_(client), options_(options), secret_(std::move(secret)) {}

  Task<Result<Answer>> ask(shard::Core& core, sasl::Secret form) override {
    fetch::Response response =
        RP_CO_TRY(co_await client_.post(core, {.url = options_.token_introspection,
                                               .body = std::string(form.view()),
                                               .content_type = "application/x-www-form-urlencoded",
                                               .accept = "application/json",
                                               .user = options_.token_client,
                                               .password = std::string(secret_.view()),
                                               .authorities = options_.token_authorities.text,
                                               .timeout = options_.token_timeout}));
    co_return Answer{response.status, std::move(response.body)};
  }

 private:
  fetch::Client& client_;
  accounts::AccountsOptions options_;
  sasl::Secret secret_;
};

}  // namespace

Result<std::unique_ptr<accounts::Introspection>> make_token_endpoint(
    fetch::Client& client, const accounts::AccountsOptions& options) {
  sasl::Secret secret;
  if (!options.token_client_secret.empty()) {
    auto text = read_file(options.token_client_secret.text, kSecretMax);
    if (!text) return fail(std::move(text).error().in("accounts.token_client_secret"));
    secret = sasl::Secret(std::string_view(*text).substr(0, text->find_last_not_of("\r\n") + 1));
    sasl::wipe(*text);
    if (secret.empty() || secret.view().find('\0') != std::string_view::npos)
      return fail(ErrorKind::permanent,
                  "accounts.token_client_secret: " + options.token_client_secret.text + " holds no secret");
  }
  if (const std::string& file = options.token_authorities.text;
      !file.empty() && ::access(file.c_str(), R_OK) != 0)
    return fail_system(errno, "accounts.token_authorities: read " + file);
  return std::make_unique<TokenEndpoint>(client, options, std::move(secret));
}

}  // namespace ringpost::server
