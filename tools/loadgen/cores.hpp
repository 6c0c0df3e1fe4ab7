// Things that the main thread asks of all cores.
//
// Layer: tool. Main thread.
#pragma once

#include <functional>
#include <vector>

#include "ringpost/shard/runtime.hpp"

#include "report.hpp"

namespace ringpost::loadgen {

// Runs `function` on each core and waits for all of them.
void on_each_core(shard::Runtime& runtime, const std::function<void(shard::Core&)>& function);
// Looks until `done` or the deadline.
void wait_until(const std::function<bool()>& done, Duration bound);
std::size_t live_tasks(shard::Runtime& runtime);

// CPU time from its making to `so_far`.
class EffortClock {
 public:
  explicit EffortClock(shard::Runtime& runtime);
  Effort so_far() const;

 private:
  struct CoreTimes {
    Duration running{0};
    Duration waiting{0};
  };
  std::vector<CoreTimes> core_times() const;
  shard::Runtime& runtime_;
  Duration started_;
  Duration cpu_;
  std::vector<CoreTimes> cores_;
};

}  // namespace ringpost::loadgen
