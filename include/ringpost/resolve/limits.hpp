// The bounds of looking names up on one core.
//
// Layer: path.
#pragma once

#include <chrono>
#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::resolve {

// Questions under way at once. Each costs about a kilobyte; past it a question fails at once as a server failure
// would, so its mail is tried later.
inline constexpr std::size_t kInFlightMax = 4096;

// How long an answer is kept, whatever its TTL says. A floor of seconds lets one burst of mail share one lookup; the
// ceiling is RFC 2181 §8's advice to distrust long ones, the negative one RFC 2308 §5's.
inline constexpr Duration kTtlMin = std::chrono::seconds(5);
inline constexpr Duration kTtlMax = std::chrono::hours(24);
inline constexpr Duration kNegativeTtlMax = std::chrono::hours(1);
// A failure is kept only so long that the sessions of one burst do not each wait for it (RFC 2308 §7: at most 5 min).
inline constexpr Duration kFailureTtl = std::chrono::seconds(5);

// Lines of the hosts file that are read, and its size. It is for a handful of names; DNS is for the rest.
inline constexpr std::size_t kHostsFileBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kHostsNamesMax = 10'000;

// Addresses kept of one host and IP version. RFC 5321 §5.1 lets a client set a bound, of at least two.
inline constexpr std::size_t kHostAddressesMax = 16;

// Datagrams that one turn takes from one socket before others have theirs.
inline constexpr std::size_t kDatagramsPerTurn = 32;

// Servers asked, of those configured.
inline constexpr std::size_t kServersMax = 8;

}  // namespace ringpost::resolve
