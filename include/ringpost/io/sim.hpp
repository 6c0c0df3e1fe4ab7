// A whole world in one process: clock, network and disk from one seed, stepped by one thread.
//
// Layer: runtime. The world outlives its backends. Same seed and same calls give the same run.
// Time passes only in poll(): when nothing is ready the clock jumps to the next thing that will be.
#pragma once

#include <cstdint>
#include <memory>

#include "ringpost/io/backend.hpp"

namespace ringpost::io {

class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  // A backend for one more core (or for a simulated peer) in this world.
  std::unique_ptr<Backend> make_backend();
  // Everything that was not made durable before now is lost, as at a power cut; all sockets die.
  void power_cut();
  Instant now() const;
  // When nothing is ready in the whole world: moves the clock to the earliest pending event, at most to
  // `until`.
  void advance(Instant until);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::io
