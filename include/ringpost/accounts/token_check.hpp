// Whose a token is: asked by logins with OAUTHBEARER and XOAUTH2.
//
// Layer: durable. Owner: Accounts; check() runs on the core of the login and may wait.
// RFCs:  6750, 7519 (JWT), 7662 (introspection).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/sasl/secret.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::accounts {

class TokenCheck {
 public:
  virtual ~TokenCheck() = default;
  // The name of the account that the token speaks for. A permanent error: it speaks for nobody; any other: nobody could tell.
  virtual Task<Result<std::string>> check(shard::Core& core, sasl::Secret token) = 0;
};

struct TokenRules {
  std::string issuer;    // "iss" must be this; empty: anybody
  std::string audience;  // "aud" must be or hold this; empty: anybody
  std::string claim;     // the claim that names the account
};
// JSON Web Tokens (RFC 7519), signed with `key`: a PEM text or a shared secret, see crypto/token_key.hpp.
Result<std::unique_ptr<TokenCheck>> make_jwt_check(std::string_view key, TokenRules rules);

// The endpoint of an issuer that knows its tokens. Whoever may speak HTTP is one.
class Introspection {
 public:
  virtual ~Introspection() = default;
  struct Answer {
    unsigned status = 0;
    std::string body;
  };
  // Posts `form` (application/x-www-form-urlencoded). It has a deadline; an error is that there was no answer.
  virtual Task<Result<Answer>> ask(shard::Core& core, sasl::Secret form) = 0;
};
// An answer holds for the life of its token, but not longer than `kept` (0: each login asks). A refusal
// is not kept: the next attempt asks again, and who fails often waits anyway.
std::unique_ptr<TokenCheck> make_introspection_check(std::unique_ptr<Introspection> endpoint,
                                                     TokenRules rules, Duration kept);
// Tokens of three parts, as a JWT has, go to the first, all others to the second.
std::unique_ptr<TokenCheck> make_either_check(std::unique_ptr<TokenCheck> of_jwt,
                                              std::unique_ptr<TokenCheck> of_others);

}  // namespace ringpost::accounts
