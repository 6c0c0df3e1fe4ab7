// What a server keeps of a password for SCRAM-SHA-256, and what an exchange gets from outside.
//
// Layer: pure. Owner: the directory of accounts; an exchange has a copy.
// RFCs:  5802 section 3, 7677, 9266.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/crypto/hash.hpp"

namespace ringpost::sasl {

// Of one password. Neither of the two lets anybody log in; `server` lets its owner pose as the server.
struct ScramKey {
  crypto::Sha256Digest stored{};
  crypto::Sha256Digest server{};
  bool operator==(const ScramKey&) const = default;
};

// Of one account: all its passwords share a salt, so that an exchange need not know which of them is coming.
struct ScramKeys {
  std::string salt;  // bytes
  std::uint32_t iterations = 0;
  std::vector<ScramKey> keys;
  bool operator==(const ScramKeys&) const = default;
};

// Takes time in proportion to `iterations`: not on a core. The password is prepared by SASLprep where that is defined for it.
ScramKey derive_scram_key(std::string_view password, std::string_view salt, std::uint32_t iterations);

// "4096,c2FsdA==,STORED,SERVER" with base64, as Dovecot writes it behind {SCRAM-SHA-256}; nullopt when it is not that.
std::optional<ScramKeys> parse_scram_keys(std::string_view text);

// What only the driver of an exchange has.
struct Material {
  std::string nonce;            // fresh, see make_nonce()
  std::string channel_binding;  // tls-exporter of the connection; empty: the mechanism is not offered
};
// Printable, without commas. 18 bytes or more are unguessable.
std::string make_nonce(std::span<const std::uint64_t> random);

}  // namespace ringpost::sasl
