// The limits of receive, each with its reason.
#pragma once

#include "ringpost/base/units.hpp"

namespace ringpost::receive {

// A slow phone on a bad line needs some seconds; a client that needs more is holding a slot.
inline constexpr Duration kHandshakeTimeout = 30s;
// A list's own words in a reply: a line has 512 octets (RFC 5321 section 4.5.3.1.5), and ours come before them.
inline constexpr std::size_t kBlocklistTextMax = 200;
// They are asked for when the verdict stands already.
inline constexpr Duration kBlocklistReasonTimeout = 2s;

}  // namespace ringpost::receive
