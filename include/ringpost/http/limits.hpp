// The bounds of HTTP, each with its reason.
//
// Layer: pure.
#pragma once

#include <cstddef>

namespace ringpost::http {

// RFC 9110 section 4.1 asks for a request line of 8,000 octets; what scrapers and programs send has far less.
inline constexpr std::size_t kHeadBytesMax = 16 * 1024;

}  // namespace ringpost::http
