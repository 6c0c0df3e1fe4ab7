// The cores of the process: makes, pins, starts and stops them.
//
// Layer: runtime. Owner: the main thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Runtime {
 public:
  // Starts one thread for each core and runs `start(core)` on it before its first turn. A core whose backend cannot be
  // made, or whose start returns an error, makes this fail with that error after all threads have ended.
  static Result<std::unique_ptr<Runtime>> start(const CoreOptions& options,
                                                std::function<Result<void>(Core&)> start);
  ~Runtime();

  unsigned count() const;
  // For reading figures and draining events only; anything else goes through run_on.
  Core& core(unsigned index);
  // From any thread that is not a core's: runs `function` on that core soon (a locked queue; not for the mail path).
  void run_on(unsigned core, std::function<void(Core&)> function);
  // Asks every core to end once it has no live tasks, or after `bound`; then joins. Call once.
  // Returns the number of root tasks that had to be abandoned.
  std::size_t stop(std::chrono::milliseconds bound);
  // "2 cores on uring (single_issuer, defer_taskrun, ...), kernel 6.1.0": the start-up line.
  std::string describe() const;

 private:
  struct State;
  explicit Runtime(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::shard
