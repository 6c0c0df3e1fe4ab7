// HMAC-SHA-256 and PBKDF2 with it: what SCRAM and tokens are made of.
//
// Layer:  pure. No I/O, clock, log.
// Limits: pbkdf2_sha256 takes time in proportion to `iterations`: off the cores, for whoever runs on one.
// RFCs:   2104 (HMAC), 8018 section 5.2 (PBKDF2; one block, which SCRAM calls Hi()).
#pragma once

#include <cstdint>
#include <string_view>

#include "ringpost/crypto/hash.hpp"

namespace ringpost::crypto {

Sha256Digest hmac_sha256(std::string_view key, std::string_view text);
Sha256Digest pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations);

// The digest as text that holds its 32 bytes; valid as long as it is.
inline std::string_view as_text(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace ringpost::crypto
