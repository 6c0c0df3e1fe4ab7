// What is said of a token, by itself (JWT) or by its issuer (introspection): the same names mean the same.
//
// Layer: durable, private to accounts.
// RFCs:  7519 section 4.1, 7662 section 2.2, 7800 (cnf).
#pragma once

#include <optional>
#include <string>

#include <simdjson.h>

#include "ringpost/accounts/token_check.hpp"

namespace ringpost::accounts {

struct TokenClaims {
  std::string name;             // of the account
  std::optional<double> until;  // seconds since 1970
};

// A permanent error: it must not let anybody in. `now` in seconds since 1970.
Result<TokenClaims> read_claims(const simdjson::dom::object& claims, const TokenRules& rules,
                                std::int64_t now);

std::unexpected<Error> refuse_token(std::string why);

}  // namespace ringpost::accounts
