// One core on a real or a simulated disk, for tests of what must survive: run a task, restart, pull the plug.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/io/sim.hpp"
#include "ringpost/shard/core.hpp"

#include "support/faulty_backend.hpp"
#include "support/figures.hpp"

namespace ringpost::testing {

class Machine {
 public:
  // On the simulated world, whose disk has an empty directory "/spool".
  explicit Machine(std::shared_ptr<io::SimWorld> world, unsigned index = 0)
      : world_(std::move(world)), index_(index), directory_("/spool") {
    boot();
    (void)files().make_directory(directory_);
    (void)files().sync_directory("/");
  }
  // On this kernel, in a fresh directory that goes away with the machine.
  explicit Machine(std::string choice) : choice_(std::move(choice)) {
    std::string path = ::testing::TempDir() + "ringpost-XXXXXX";
    RP_ASSERT(::mkdtemp(path.data()) != nullptr);
    directory_ = path;
    boot();
  }
  ~Machine() {
    part_.reset();
    if (!world_) std::filesystem::remove_all(directory_);
  }

  const std::string& directory() const { return directory_; }
  shard::Core& core() { return *part_->core; }
  std::uint64_t figure(std::string_view name) { return shard::figure(core(), name); }
  FaultyBackend& backend() { return *part_->backend; }
  io::Files& files() { return part_->backend->files(); }

  // Runs the task to its end; false when it is not over after many turns.
  bool run(Task<void> task) {
    bool done = false;
    part_->core->spawn(tell(std::move(task), done));
    return turn_until([&] { return done; });
  }
  template <class Done>
  bool turn_until(Done done) {
    const unsigned turns_max = world_ ? 2'000'000 : 5'000;
    for (unsigned turn = 0; turn < turns_max; ++turn) {
      if (done()) return true;
      turn_once(std::chrono::milliseconds{20});
    }
    return done();
  }
  // The other cores of the world, which get a turn for each of ours.
  std::vector<Machine*> peers;
  void turns(unsigned count) {
    for (unsigned i = 0; i < count; ++i) turn_once(std::chrono::milliseconds{1});
  }

  // A new core on the same disk. What ran on the old one has been closed.
  void restart() {
    part_.reset();
    boot();
  }
  // Simulated only. The old core and all that runs on it stand still for ever, as at a real power cut: let go of what
  // you own on it without destroying it (`abandon`).
  void power_cut() { power_cut({this}); }
  // The same for several cores of one world.
  static void power_cut(std::vector<Machine*> all) {
    RP_ASSERT(all.front()->world_ != nullptr);
    all.front()->world_->power_cut();
    for (Machine* machine : all) machine->bury_and_boot();
  }
  void bury_and_boot() {
    graveyard().push_back(std::make_shared<std::pair<std::shared_ptr<io::SimWorld>, std::unique_ptr<Part>>>(
        world_, std::move(part_)));
    boot();
  }
  template <class T>
  static void abandon(std::unique_ptr<T>& owned) {
    if (owned) graveyard().push_back(std::shared_ptr<T>(owned.release(), [](T*) {}));
  }

 private:
  void turn_once(Duration wait) {
    part_->core->turn(part_->core->now() + wait);
    for (Machine* peer : peers) peer->part_->core->turn(peer->part_->core->now());
  }

  struct Part {
    std::unique_ptr<FaultyBackend> backend;
    std::unique_ptr<shard::Mesh> mesh;
    std::unique_ptr<shard::Core> core;
  };

  static Task<void> tell(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
  // Never destroyed: a crash runs no destructors.
  static std::vector<std::shared_ptr<void>>& graveyard() {
    static auto* graves = new std::vector<std::shared_ptr<void>>;
    return *graves;
  }

  void boot() {
    part_ = std::make_unique<Part>();
    std::unique_ptr<io::Backend> inner;
    if (world_) {
      inner = world_->make_backend();
    } else {
      auto made = io::make_backend({.choice = choice_, .receive_buffers = 1_MiB});
      RP_ASSERT(made.has_value());
      inner = std::move(*made);
    }
    part_->backend = std::make_unique<FaultyBackend>(std::move(inner));
    part_->mesh = std::make_unique<shard::Mesh>(index_ + 1);
    part_->core = std::make_unique<shard::Core>(
        shard::Core::Parts{.index = index_, .backend = part_->backend.get(), .mesh = part_->mesh.get()});
  }

  std::shared_ptr<io::SimWorld> world_;  // dead machines keep it
  unsigned index_ = 0;
  std::string choice_;
  std::string directory_;
  std::unique_ptr<Part> part_;
};

}  // namespace ringpost::testing
