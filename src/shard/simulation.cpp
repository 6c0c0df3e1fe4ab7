#include "ringpost/shard/simulation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ringpost::shard {

Simulation::Simulation(std::uint64_t seed, unsigned count, const CoreOptions& options)
    : world_(std::make_unique<io::SimWorld>(seed)), options_(options), random_(seed), order_(count) {
  std::iota(order_.begin(), order_.end(), 0U);
  boot();
}

// Dead machines are kept where a leak checker still finds them.
Simulation::~Simulation() {
  if (dead_.empty()) return;
  machine_.reset();
  static auto& kept =
      *new std::vector<std::pair<std::unique_ptr<io::SimWorld>, std::vector<std::unique_ptr<Machine>>>>;
  kept.emplace_back(std::move(world_), std::move(dead_));
}

void Simulation::boot() {
  machine_ = std::make_unique<Machine>(count());
  for (unsigned i = 0; i < count(); ++i) {
    machine_->backends.push_back(world_->make_backend());
    machine_->cores.push_back(std::make_unique<Core>(Core::Parts{.index = i,
                                                                 .backend = machine_->backends.back().get(),
                                                                 .mesh = &machine_->mesh,
                                                                 .options = &options_}));
  }
}

void Simulation::power_cut() {
  world_->power_cut();
  dead_.push_back(std::move(machine_));
  boot();
}

// True when any core did something, or has something left to do at this time.
bool Simulation::turn_all() {
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_() % i]);
  std::size_t done = 0;
  for (const unsigned index : order_) done += core(index).turn(core(index).now());
  return done != 0 || std::ranges::any_of(machine_->cores, [](const auto& each) { return each->has_work(); });
}

void Simulation::step(Instant until) {
  if (turn_all()) return;
  for (const auto& each : machine_->cores) until = std::min(until, each->timers().next());
  world_->advance(until);
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
