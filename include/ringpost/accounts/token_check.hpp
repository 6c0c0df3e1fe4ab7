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

}  // namespace ringpost::accounts
