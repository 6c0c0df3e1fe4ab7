#include "cores.hpp"

#include <future>
#include <thread>

#include "limits.hpp"
#include "process.hpp"

namespace ringpost::loadgen {

void on_each_core(shard::Runtime& runtime, const std::function<void(shard::Core&)>& function) {
  std::vector<std::promise<void>> done(runtime.count());
  for (unsigned i = 0; i < runtime.count(); ++i)
    runtime.run_on(i, [&, i](shard::Core& core) {
      function(core);
      done[i].set_value();
    });
  for (auto& promise : done) promise.get_future().get();
}

void wait_until(const std::function<bool()>& done, Duration bound) {
  const Duration until = steady_now() + bound;
  while (!done() && steady_now() < until) std::this_thread::sleep_for(std::chrono::milliseconds{2});
}

std::size_t live_tasks(shard::Runtime& runtime) {
  std::size_t count = 0;
  for (unsigned i = 0; i < runtime.count(); ++i) count += runtime.core(i).live_tasks_seen();
  return count;
}

EffortClock::EffortClock(shard::Runtime& runtime)
    : runtime_(runtime), started_(steady_now()), cpu_(process_cpu_time()), cores_(core_times()) {}

std::vector<EffortClock::CoreTimes> EffortClock::core_times() const {
  std::vector<CoreTimes> times(runtime_.count());
  on_each_core(runtime_,
               [&](shard::Core& core) { times[core.index()] = {thread_cpu_time(), thread_wait_time()}; });
  return times;
}

Effort EffortClock::so_far() const {
  Effort effort{.elapsed = steady_now() - started_, .cpu = process_cpu_time() - cpu_};
  const std::vector<CoreTimes> now = core_times();
  const auto share = [&](Duration part) {
    return std::chrono::duration<double>(part) / std::chrono::duration<double>(effort.elapsed);
  };
  for (std::size_t i = 0; i < now.size(); ++i) {
    effort.busy.push_back(share(now[i].running - cores_[i].running));
    effort.waiting.push_back(share(now[i].waiting - cores_[i].waiting));
  }
  return effort;
}

}  // namespace ringpost::loadgen
