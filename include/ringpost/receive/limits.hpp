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

}  // namespace ringpost::receive
