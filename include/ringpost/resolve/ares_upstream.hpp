// Asks real servers over UDP, and over TCP where an answer is too long, by c-ares.
//
// Layer:   path. Owner: a Resolver; one channel on one core, its sockets polled by the core's backend.
// Servers: those of the options, else those of resolv.conf; each is asked `attempts` times, with doubling timeouts.
// RFCs:    1035 §4.2, 6891 (EDNS; a server that chokes on it is asked again without), 6840 §5.7 (AD).
#pragma once

#include <memory>

#include "ringpost/base/result.hpp"
#include "ringpost/resolve/options.hpp"
#include "ringpost/resolve/upstream.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::resolve {

// Blocks for the reading of resolv.conf: at start only. `stop()` must have returned before it is destroyed, unless
// nothing was ever sent.
Result<std::unique_ptr<Upstream>> make_ares_upstream(shard::Core& core, const ResolverOptions& options);

}  // namespace ringpost::resolve
