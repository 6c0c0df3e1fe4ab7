#include "ringpost/shard/simulation.hpp"

#include <algorithm>

namespace ringpost::shard {

Simulation::Simulation(std::uint64_t seed, unsigned count, const CoreOptions& options)
    : world_(seed), options_(options), mesh_(count), random_(seed) {
  for (unsigned i = 0; i < count; ++i) {
    backends_.push_back(world_.make_backend());
    cores_.push_back(std::make_unique<Core>(
        Core::Parts{.index = i, .backend = backends_.back().get(), .mesh = &mesh_, .options = &options_}));
    order_.push_back(i);
  }
}

Simulation::~Simulation() = default;

// True when any core did something, or has something left to do at this time.
bool Simulation::turn_all() {
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_() % i]);
  std::size_t done = 0;
  for (const unsigned index : order_) done += cores_[index]->turn(cores_[index]->now());
  return done != 0 || std::ranges::any_of(cores_, [](const auto& core) { return core->has_work(); });
}

void Simulation::step(Instant until) {
  if (turn_all()) return;
  for (const auto& core : cores_) until = std::min(until, core->timers().next());
  world_.advance(until);
}

bool Simulation::run_until(const std::function<bool()>& done, Duration bound) {
  const Instant end = now() + bound;
  for (std::size_t round = 0; round < kRoundsMax; ++round) {
    if (done()) return true;
    if (now() >= end && !turn_all()) break;
    step(end);
  }
  return done();
}

void Simulation::run_for(Duration time) {
  const Instant end = now() + time;
  run_until([&] { return now() >= end; }, time);
}

}  // namespace ringpost::shard
