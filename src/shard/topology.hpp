// Which CPUs the cores run on, and in which order.
#pragma once

#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/shard/options.hpp"

namespace ringpost::shard {

// The CPUs (numbers of the operating system) of one physical core.
using PhysicalCore = std::vector<unsigned>;

// One CPU of every physical core first, then their second threads, and so on; of `allowed` only. An allowed
// CPU that `machine` does not know comes last.
std::vector<unsigned> ordered_cpus(const std::vector<PhysicalCore>& machine,
                                   const std::vector<unsigned>& allowed);

// The first of each physical core that is allowed, in that order.
std::vector<unsigned> physical_only(const std::vector<PhysicalCore>& machine,
                                    const std::vector<unsigned>& allowed);

// Those that `options.use` names, in its order; or all that this process may use, ordered. An error names the
// CPU that is not to be had; without `options.pin` none has to be.
Result<std::vector<unsigned>> cpus_to_use(const CoreOptions& options);

// The NUMA node that a CPU belongs to; -1 where the machine does not say.
int node_of(unsigned cpu);

}  // namespace ringpost::shard
