#include "topology.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwloc.h>
#include <sched.h>

#include "ringpost/shard/limits.hpp"

namespace ringpost::shard {

namespace {

// The machine, read once for each question: questions are asked at start only. Null when it cannot be read.
struct FreeTopology {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<hwloc_topology, FreeTopology>;

Topology read_topology() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return nullptr;
  Topology read(topology);
  if (hwloc_topology_load(topology) != 0) return nullptr;
  return read;
}

// Empty when the machine does not say: then the order of the numbers is as good as any.
std::vector<PhysicalCore> physical_cores() {
  std::vector<PhysicalCore> cores;
  const Topology topology = read_topology();
  const int count = topology == nullptr ? 0 : hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_CORE);
  for (int i = 0; i < count; ++i) {
    const hwloc_obj_t core = hwloc_get_obj_by_type(topology.get(), HWLOC_OBJ_CORE, static_cast<unsigned>(i));
    PhysicalCore& cpus = cores.emplace_back();
    for (int cpu = hwloc_bitmap_first(core->cpuset); cpu >= 0; cpu = hwloc_bitmap_next(core->cpuset, cpu))
      cpus.push_back(static_cast<unsigned>(cpu));
  }
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

// A CPU that `machine` does not know counts as a core of its own.
std::vector<unsigned> physical_only(const std::vector<PhysicalCore>& machine,
                                    const std::vector<unsigned>& allowed) {
  std::vector<unsigned> first;
  for (const unsigned cpu : ordered_cpus(machine, allowed)) {
    const auto core =
        std::ranges::find_if(machine, [&](const PhysicalCore& each) { return contains(each, cpu); });
    const bool taken = core != machine.end() &&
                       std::ranges::any_of(first, [&](unsigned other) { return contains(*core, other); });
    if (!taken) first.push_back(cpu);
  }
  return first;
}

int node_of(unsigned cpu) {
  const Topology topology = read_topology();
  const int count = topology == nullptr ? 0 : hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_NUMANODE);
  for (int i = 0; i < count; ++i) {
    const hwloc_obj_t node =
        hwloc_get_obj_by_type(topology.get(), HWLOC_OBJ_NUMANODE, static_cast<unsigned>(i));
    if (hwloc_bitmap_isset(node->cpuset, cpu) != 0) return static_cast<int>(node->os_index);
  }
  return -1;
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
  const std::vector<PhysicalCore> machine = physical_cores();
  std::vector<unsigned> ordered = std::holds_alternative<Word<"physical">>(options.use)
                                      ? physical_only(machine, allowed)
                                      : ordered_cpus(machine, allowed);
  if (ordered.size() > kCoresMax) ordered.resize(kCoresMax);
  return ordered;
}

}  // namespace ringpost::shard
