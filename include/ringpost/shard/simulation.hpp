// Several cores on one thread, one seed, simulated time: what the tests of whole services run on.
//
// Layer: runtime. Owner: a test, or the simulator. Offloaded work runs on the core that asked for it.
// Order: in each round every core has one turn, in an order drawn from the seed. When none had anything to
// do, time
//        jumps to the next timer or event. Same seed and same calls give the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "ringpost/io/sim.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Simulation {
 public:
  Simulation(std::uint64_t seed, unsigned count, const CoreOptions& options = {});
  ~Simulation();  // no root task is alive
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  io::SimWorld& world() { return world_; }
  unsigned count() const { return static_cast<unsigned>(cores_.size()); }
  Core& core(unsigned index) { return *cores_[index]; }
  Instant now() const { return world_.now(); }

  // One round; time moves, to `until` at the most, only when no core had anything to do.
  void step(Instant until);
  // Rounds until `done()`, but for no more than `bound` of simulated time and kRoundsMax rounds; says whether
  // it is.
  bool run_until(const std::function<bool()>& done, Duration bound);
  // Rounds for so long.
  void run_for(Duration time);

 private:
  static constexpr std::size_t kRoundsMax = 10'000'000;
  bool turn_all();
  io::SimWorld world_;
  CoreOptions options_;
  Mesh mesh_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<io::Backend>> backends_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<unsigned> order_;
};

}  // namespace ringpost::shard
