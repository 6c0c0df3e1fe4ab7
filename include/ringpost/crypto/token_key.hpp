// The key that signs tokens (JSON Web Signature), and whether a signature is its.
//
// Layer:  pure. Immutable after it was made; cores may share it.
// Safety: the key's kind fixes the algorithm, so a token cannot choose one: a public key is never taken for a secret.
// Limits: crypto/limits.hpp. RSA keys have 2048 bits at least (RFC 7518 section 3.3).
// RFCs:   7515, 7518 (RS256, ES256, HS256).
#pragma once

#include <memory>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::crypto {

class TokenKey {
 public:
  // A PEM text holds a public key or a certificate of RSA (RS256) or of the curve P-256 (ES256); any other text is the shared
  // secret of HS256, 32 bytes at least, without the line end behind it.
  static Result<std::unique_ptr<const TokenKey>> make(std::string_view text);
  virtual ~TokenKey() = default;

  virtual std::string_view algorithm() const = 0;  // "RS256", "ES256" or "HS256"
  // `signature` as bytes; for ES256 the two numbers of 32 bytes each, one behind the other.
  virtual bool signed_by_it(std::string_view text, std::string_view signature) const = 0;
};

}  // namespace ringpost::crypto
