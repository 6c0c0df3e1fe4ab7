// Several cores on one thread, one seed, simulated time: what the tests of whole services run on.
//
// Layer: runtime. Owner: a test, or the simulator. Offloaded work runs on the core that asked for it.
// Order: in each round every core has one turn, in an order drawn from the seed. When none had anything to do, time
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

  io::SimWorld& world() { return *world_; }
  unsigned count() const { return static_cast<unsigned>(order_.size()); }
  Core& core(unsigned index) { return *machine_->cores[index]; }
  Instant now() const { return world_->now(); }

  // The machine loses power and starts again: what was not durable is lost, and all cores are new, with the clock going
  // on. The old cores and what runs on them stand still for ever, as at a real power cut: nothing of theirs is
  // destroyed, so whoever owns services on them lets go of those without destroying them.
  void power_cut();

  // One round; time moves, to `until` at the most, only when no core had anything to do.
  void step(Instant until);
  // Rounds until `done()`, but for no more than `bound` of simulated time and kRoundsMax rounds; says whether it is.
  bool run_until(const std::function<bool()>& done, Duration bound);
  // Rounds for so long.
  void run_for(Duration time);

 private:
  static constexpr std::size_t kRoundsMax = 10'000'000;
  struct Machine {  // between two power cuts
    explicit Machine(unsigned count) : mesh(count) {}
    Mesh mesh;
    std::vector<std::unique_ptr<io::Backend>> backends;
    std::vector<std::unique_ptr<Core>> cores;
  };
  void boot();
  bool turn_all();
  std::unique_ptr<io::SimWorld> world_;  // lives on with machines that lost their power
  CoreOptions options_;
  std::mt19937_64 random_;
  std::vector<unsigned> order_;
  std::vector<std::unique_ptr<Machine>> dead_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace ringpost::shard
