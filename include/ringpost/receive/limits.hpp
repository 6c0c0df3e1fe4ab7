// The limits of receive, each with its reason.
#pragma once

#include "ringpost/base/units.hpp"

namespace ringpost::receive {

// A load balancer speaks at once; who is silent is none.
inline constexpr Duration kProxyHeaderTimeout = 5s;
// A slow phone on a bad line needs some seconds; a client that needs more is holding a slot.
inline constexpr Duration kHandshakeTimeout = 30s;
// Guessing passwords costs at least this much a try, whatever the answer.
inline constexpr Duration kAuthFailureDelay = 1s;

// A list's own words in a reply: a line has 512 octets (RFC 5321 section 4.5.3.1.5), and ours come before them.
inline constexpr std::size_t kBlocklistTextMax = 200;
// They are asked for when the verdict stands already.
inline constexpr Duration kBlocklistReasonTimeout = 2s;

}  // namespace ringpost::receive
