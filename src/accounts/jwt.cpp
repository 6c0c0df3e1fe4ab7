#include <algorithm>

#include <simdjson.h>

#include "ringpost/accounts/token_check.hpp"
#include "ringpost/crypto/token_key.hpp"
#include "ringpost/mail/base64.hpp"

#include "token_claims.hpp"

namespace ringpost::accounts {

namespace {

// base64url without padding (RFC 7515 section 2).
std::optional<std::string> decode_part(std::string_view part) {
  if (part.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string text(part);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return mail::decode_base64(text);
}

class JwtCheck final : public TokenCheck {
 public:
  JwtCheck(std::unique_ptr<const crypto::TokenKey> key, TokenRules rules)
      : key_(std::move(key)), rules_(std::move(rules)) {}

  // A signature takes some 50 microseconds: not worth another thread.
  Task<Result<std::string>> check(shard::Core& core, sasl::Secret token) override {
    co_return judge(token.view(), core.wall_now().seconds());
  }

 private:
  Result<std::string> judge(std::string_view token, std::int64_t now) const {
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
      return refuse_token("it has not three parts");
    const auto header = decode_part(token.substr(0, first));
    const auto payload = decode_part(token.substr(first + 1, second - first - 1));
    const auto signature = decode_part(token.substr(second + 1));
    if (!header || !payload || !signature) return refuse_token("it is not base64url");
    RP_CHECK(check_header(*header));
    if (!key_->signed_by_it(token.substr(0, second), *signature))
      return refuse_token("the signature is not right");
    return name_in(*payload, now);
  }

  // "crit" names extensions that must be understood, and none is (RFC 7515 section 4.1.11).
  Result<void> check_header(const std::string& text) const {
    simdjson::dom::parser parser;
    simdjson::dom::object header;
    std::string_view algorithm;
    if (parser.parse(text).get(header) != simdjson::SUCCESS ||
        header["alg"].get(algorithm) != simdjson::SUCCESS || algorithm != key_->algorithm())
      return refuse_token("it is not signed with " + std::string(key_->algorithm()));
    if (header["crit"].error() != simdjson::NO_SUCH_FIELD) return refuse_token("it has an extension");
    return {};
  }

  Result<std::string> name_in(const std::string& text, std::int64_t now) const {
    simdjson::dom::parser parser;
    simdjson::dom::object claims;
    if (parser.parse(text).get(claims) != simdjson::SUCCESS)
      return refuse_token("its claims are no JSON object");
    TokenClaims said = RP_TRY(read_claims(claims, rules_, now));
    if (!said.until) return refuse_token("it never expires");
    return std::move(said.name);
  }

  std::unique_ptr<const crypto::TokenKey> key_;
  TokenRules rules_;
};

}  // namespace

Result<std::unique_ptr<TokenCheck>> make_jwt_check(std::string_view key, TokenRules rules) {
  return std::make_unique<JwtCheck>(RP_TRY(crypto::TokenKey::make(key)), std::move(rules));
}

}  // namespace ringpost::accounts
