// Limits of requests to other servers, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::fetch {

// Requests under way and in line together. What asks here are logins; more of them at once are told to come again.
inline constexpr std::size_t kRequestsMax = 256;
inline constexpr long kConnectionsMax = 16;       // open at once, all servers together; kept between requests
inline constexpr long kServerConnectionsMax = 8;  // to one of them
// An answer is a page of JSON; a server that goes on behind it means no good.
inline constexpr std::size_t kResponseBytesMax = 64 * 1024;
inline constexpr std::size_t kHeaderBytesMax = 64 * 1024;

}  // namespace ringpost::fetch
