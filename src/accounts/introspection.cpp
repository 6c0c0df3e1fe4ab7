// Tokens that only their issuer can read: it is asked (RFC 7662), and what it says is kept for a while.
#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/accounts/token_check.hpp"
#include "ringpost/crypto/hash.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/limits.hpp"

#include "recent_table.hpp"
#include "token_claims.hpp"

namespace ringpost::accounts {

namespace {

// What issuers have said of tokens: whose they are. Of a token its hash alone is kept.
struct KnownTokens : RecentTable<std::string> {
  KnownTokens() : RecentTable(kTokensKeptMax) {}
};

// A token may have any bytes.
sasl::Secret form_of(std::string_view token) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";  // RFC 3986 section 2.3
  std::string form = "token_type_hint=access_token&token=";
  form.reserve(form.size() + 3 * token.size());  // it never grows, so no copy is left behind
  for (const char c : token) {
    if (kPlain.find(c) != std::string_view::npos) {
      form += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    form += '%';
    form += kDigits[byte >> 4U];
    form += kDigits[byte & 15U];
  }
  sasl::Secret secret(form);
  sasl::wipe(form);
  return secret;
}

class IntrospectionCheck final : public TokenCheck {
 public:
  IntrospectionCheck(std::unique_ptr<Introspection> endpoint, TokenRules rules, Duration kept)
      : endpoint_(std::move(endpoint)), rules_(std::move(rules)), kept_(kept), known_(shard::kCoresMax) {}

  Task<Result<std::string>> check(shard::Core& core, sasl::Secret token) override {
    const RecentId id = crypto::sha256(token.view());
    const auto owner = static_cast<unsigned>(number_of(id) % core.count());
    KnownTokens& known = known_[owner];
    auto name = co_await shard::ask(core, owner, [&](shard::Core& there) {
      const std::string* const said = known.find(id, there.now());
      return said == nullptr ? std::optional<std::string>() : *said;
    });
    if (name) co_return *std::move(name);
    sasl::Secret form = form_of(token.view());
    token.wipe();
    const Introspection::Answer answer = RP_CO_TRY(co_await endpoint_->ask(core, std::move(form)));
    const TokenClaims said = RP_CO_TRY(judge(answer, core.wall_now().seconds()));
    const Duration life = life_of(said, core.wall_now().seconds());
    if (life > Duration{})
      co_await shard::ask(core, owner, [&](shard::Core& there) {
        known.put(id, said.name, there.now() + life);
        return true;
      });
    co_return said.name;
  }

 private:
  // What is no answer to the question says nothing of the token: then nobody could tell.
  Result<TokenClaims> judge(const Introspection::Answer& answer, std::int64_t now) const {
    const auto no_answer = [](std::string why) {
      return fail(ErrorKind::temporary, "introspection: " + std::move(why));
    };
    if (answer.status == 401 || answer.status == 403)
      return no_answer(
          fmt::format("status {}: see accounts.token_client and token_client_secret", answer.status));
    if (answer.status != 200) return no_answer(fmt::format("status {}", answer.status));
    simdjson::dom::parser parser;
    simdjson::dom::object claims;
    if (parser.parse(answer.body).get(claims) != simdjson::SUCCESS)
      return no_answer("the answer is no JSON object");
    bool active = false;
    if (claims["active"].get(active) != simdjson::SUCCESS)
      return no_answer("the answer does not say \"active\"");
    if (!active) return refuse_token("its issuer says that it is not valid");
    return read_claims(claims, rules_, now);
  }

  Duration life_of(const TokenClaims& said, std::int64_t now) const {
    if (!said.until) return kept_;
    const double left = *said.until - static_cast<double>(now);
    if (left <= 0) return {};
    const double most = std::chrono::duration<double>(kept_).count();
    return left >= most ? kept_ : std::chrono::duration_cast<Duration>(std::chrono::duration<double>(left));
  }

  std::unique_ptr<Introspection> endpoint_;
  TokenRules rules_;
  Duration kept_;
  std::vector<KnownTokens> known_;  // by core, touched by that core alone
};

class EitherCheck final : public TokenCheck {
 public:
  EitherCheck(std::unique_ptr<TokenCheck> of_jwt, std::unique_ptr<TokenCheck> of_others)
      : of_jwt_(std::move(of_jwt)), of_others_(std::move(of_others)) {}

  Task<Result<std::string>> check(shard::Core& core, sasl::Secret token) override {
    TokenCheck& judge = std::ranges::count(token.view(), '.') == 2 ? *of_jwt_ : *of_others_;
    co_return co_await judge.check(core, std::move(token));
  }

 private:
  std::unique_ptr<TokenCheck> of_jwt_, of_others_;
};

}  // namespace

std::unique_ptr<TokenCheck> make_introspection_check(std::unique_ptr<Introspection> endpoint,
                                                     TokenRules rules, Duration kept) {
  return std::make_unique<IntrospectionCheck>(std::move(endpoint), std::move(rules), kept);
}

std::unique_ptr<TokenCheck> make_either_check(std::unique_ptr<TokenCheck> of_jwt,
                                              std::unique_ptr<TokenCheck> of_others) {
  return std::make_unique<EitherCheck>(std::move(of_jwt), std::move(of_others));
}

}  // namespace ringpost::accounts
