#include "topology.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwloc.h>
#include <sched.h>

#include "ringpost/shard/limits.hpp"

namespace ringpost::shard {

namespace {

// Empty when the machine does not say: then the order of the numbers is as good as any.
std::vector<PhysicalCore> physical_cores() {
  std::vector<PhysicalCore> cores;
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return cores;
  if (hwloc_topology_load(topology) == 0) {
    const int count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    for (int i = 0; i < count; ++i) {
      const hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, static_cast<unsigned>(i));
      PhysicalCore& cpus = cores.emplace_back();
      for (int cpu = hwloc_bitmap_first(core->cpuset); cpu >= 0; cpu = hwloc_bitmap_next(core->cpuset, cpu))
        cpus.push_back(static_cast<unsigned>(cpu));
    }
  }
  hwloc_topology_destroy(topology);
  return cores;
}

Result<std::vector<unsigned>> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return fail_system(errno, "read which CPUs may be used");
  std::vector<unsigned> allowed;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) allowed.push_back(cpu);
  return allowed;
}

bool contains(const std::vector<unsigned>& cpus, unsigned cpu) {
  return std::ranges::find(cpus, cpu) != cpus.end();
}

}  // namespace

std::vector<unsigned> ordered_cpus(const std::vector<PhysicalCore>& machine,
                                   const std::vector<unsigned>& allowed) {
  std::vector<unsigned> ordered;
  std::size_t threads_max = 0;
  for (const PhysicalCore& core : machine) threads_max = std::max(threads_max, core.size());
  for (std::size_t thread = 0; thread < threads_max; ++thread)
    for (const PhysicalCore& core : machine)
      if (thread < core.size() && contains(allowed, core[thread])) ordered.push_back(core[thread]);
  for (const unsigned cpu : allowed)
    if (!contains(ordered, cpu)) ordered.push_back(cpu);
  return ordered;
}

Result<std::vector<unsigned>> cpus_to_use(const CoreOptions& options) {
  std::vector<unsigned> allowed = RP_TRY(allowed_cpus());
  if (const auto* list = std::get_if<std::vector<unsigned>>(&options.use); list != nullptr) {
    for (const unsigned cpu : *list)
      if (options.pin && !contains(allowed, cpu))
        return fail(ErrorKind::permanent, fmt::format("cores.use names CPU {}, and this process may use {}",
                                                      cpu, fmt::join(allowed, ", ")));
    if (list->empty() || list->size() > kCoresMax)
      return fail(ErrorKind::permanent,
                  fmt::format("cores.use names {} CPUs; 1 to {} can be", list->size(), kCoresMax));
    return *list;
  }
  std::vector<unsigned> ordered = ordered_cpus(physical_cores(), allowed);
  if (ordered.size() > kCoresMax) ordered.resize(kCoresMax);
  return ordered;
}

}  // namespace ringpost::shard
