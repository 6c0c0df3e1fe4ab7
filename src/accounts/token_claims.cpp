#include "token_claims.hpp"

#include <algorithm>
#include <chrono>

#include "ringpost/accounts/limits.hpp"

namespace ringpost::accounts {

std::unexpected<Error> refuse_token(std::string why) {
  return fail(ErrorKind::permanent, "token: " + std::move(why));
}

namespace {

constexpr double kLeeway =
    static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(kTokenLeeway).count());

// A text, or a list of them (RFC 7519 section 4.1.3).
bool is_for(const simdjson::dom::object& claims, const std::string& audience) {
  std::string_view one;
  if (claims["aud"].get(one) == simdjson::SUCCESS) return one == audience;
  simdjson::dom::array many;
  if (claims["aud"].get(many) != simdjson::SUCCESS) return false;
  return std::any_of(many.begin(), many.end(), [&](simdjson::dom::element element) {
    return element.get(one) == simdjson::SUCCESS && one == audience;
  });
}

// nullopt: there is none. What is no number is a date that nobody can read.
Result<std::optional<double>> date(const simdjson::dom::object& claims, std::string_view name) {
  double seconds = 0;
  const auto found = claims[name];
  if (found.error() == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found.get(seconds) != simdjson::SUCCESS)
    return refuse_token("its \"" + std::string(name) + "\" is no date");
  return seconds;
}

}  // namespace

Result<TokenClaims> read_claims(const simdjson::dom::object& claims, const TokenRules& rules,
                                std::int64_t now) {
  const auto at = static_cast<double>(now);
  const auto until = RP_TRY(date(claims, "exp"));
  if (until && *until + kLeeway <= at) return refuse_token("it has expired");
  const auto from = RP_TRY(date(claims, "nbf"));
  if (from && *from - kLeeway > at) return refuse_token("it is not valid yet");
  std::string_view issuer;
  if (!rules.issuer.empty() && (claims["iss"].get(issuer) != simdjson::SUCCESS || issuer != rules.issuer))
    return refuse_token("it has another issuer");
  if (!rules.audience.empty() && !is_for(claims, rules.audience))
    return refuse_token("it is for somebody else");
  // Whoever shows it would have to prove that he has the key, and no mechanism of ours asks for that.
  if (claims["cnf"].error() != simdjson::NO_SUCH_FIELD) return refuse_token("it is bound to a key");
  std::string_view name;
  if (claims[rules.claim].get(name) != simdjson::SUCCESS || name.empty())
    return refuse_token("it has no claim \"" + rules.claim + "\"");
  return TokenClaims{std::string(name), until};
}

}  // namespace ringpost::accounts
