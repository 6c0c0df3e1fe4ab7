// When the next attempt is due.
//
// Layer:  judgement (pure). Spread: each interval is drawn from [7/8, 9/8] of what the schedule says, so that messages
//         deferred together do not all come back together; the caller brings the random number.
#pragma once

#include <cstdint>

#include "ringpost/base/units.hpp"
#include "ringpost/schedule/options.hpp"

namespace ringpost::schedule {

// The interval after the attempt number `attempts` (1: after the first), before spreading.
Duration interval_after(const RetryOptions& options, unsigned attempts);
// The same, spread.
Duration spread_interval(const RetryOptions& options, unsigned attempts, std::uint64_t random);
// When a message that arrived then is given up. `report`: it has the null sender.
WallTime expiry(const RetryOptions& options, WallTime arrival, bool report);

}  // namespace ringpost::schedule
