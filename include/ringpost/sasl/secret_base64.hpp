// Base64 of what must not stay in memory: for the protocols that carry SASL.
//
// Layer: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/secret.hpp"

namespace ringpost::sasl {

// nullopt when it is not base64.
inline std::optional<Secret> decode_secret(std::string_view text) {
  std::optional<std::string> bytes = mail::decode_base64(text);
  if (!bytes) return std::nullopt;
  Secret secret(*bytes);
  wipe(*bytes);
  return secret;
}

}  // namespace ringpost::sasl
