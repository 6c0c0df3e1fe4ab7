// Bounds of one authentication exchange.
//
// Layer: pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::sasl {

// RFC 4616 section 2 bounds each of authzid, authcid and passwd at 255 octets; token mechanisms need more, so
// the bound is on one field, and generous: a password manager never reaches it.
inline constexpr std::size_t kFieldBytesMax = 1024;
// One decoded message of the client: three fields and two NULs, or a token; those of big providers have some 4 KiB.
inline constexpr std::size_t kMessageBytesMax = 8192;
// Each side's part of SCRAM's nonce; clients send 18 to 48 characters.
inline constexpr std::size_t kNonceBytesMax = 256;
// Rounds of a password's hash that a client works for a server that names them: RFC 7677 section 4 asks for 4096 at least;
// the most costs a phone about a second.
inline constexpr std::uint32_t kScramIterationsMin = 4096;
inline constexpr std::uint32_t kScramIterationsMax = 1'000'000;
// Keys that one proof is tried against: a password and its application passwords.
inline constexpr std::size_t kScramKeysMax = 32;

}  // namespace ringpost::sasl
