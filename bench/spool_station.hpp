// What the parts of bench_spool share: the wishes of its command line, and a core to measure on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/shard/mesh.hpp"
#include "ringpost/shard/offload.hpp"

namespace ringpost::spool {

struct Wanted {
  std::uint64_t messages = 1'000'000;
  std::size_t size = 512;
  double seconds = 1.5;  // for each number of waiters
  std::vector<unsigned> waiters{1, 8, 32, 128, 512};
  bool large = true;
  std::string directory;
  std::string fill;
  unsigned domains = 1000, cores = 1, wait = 6;
};

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::uint64_t resident_bytes();

// A core that lives for one measurement.
class Station {
 public:
  explicit Station(unsigned index = 0) : mesh(index + 1), offload(2) {
    auto made = io::make_backend({.receive_buffers = 1_MiB});
    RP_ASSERT(made.has_value());
    backend = std::move(*made);
    core = std::make_unique<shard::Core>(
        shard::Core::Parts{.index = index, .backend = backend.get(), .mesh = &mesh, .offload = &offload});
  }
  template <class Done>
  void turn_until(Done done) {
    core->turn(core->now());  // what was appended outside of a turn leaves at the end of one
    while (!done()) core->turn(core->now() + std::chrono::milliseconds(500));
  }
  void run(Task<void> task) {
    bool done = false;
    core->spawn(tell(std::move(task), done));
    turn_until([&] { return done; });
  }

  shard::Mesh mesh;  // whose other cores have no mail
  shard::OffloadPool offload;
  std::unique_ptr<io::Backend> backend;
  std::unique_ptr<shard::Core> core;

 private:
  static Task<void> tell(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
};

void measure_appends(const Wanted& wanted);
void measure_recovery(const Wanted& wanted);
void measure_large(const Wanted& wanted);
int fill(const Wanted& wanted);

}  // namespace ringpost::spool
