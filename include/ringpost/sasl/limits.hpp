// Bounds of one authentication exchange.
//
// Layer: pure.
#pragma once

#include <cstddef>

namespace ringpost::sasl {

// RFC 4616 section 2 bounds each of authzid, authcid and passwd at 255 octets; token mechanisms need more, so
// the bound is on one field, and generous: a password manager never reaches it.
inline constexpr std::size_t kFieldBytesMax = 1024;
// One decoded message of the client: three fields, two NULs, and slack for the attributes of later mechanisms.
inline constexpr std::size_t kMessageBytesMax = 8192;

}  // namespace ringpost::sasl
