// The cores of the process: makes, pins, starts, watches and stops them.
//
// Layer:   runtime. Owner: the main thread.
// Threads: one for each core ("core-0"), those of the offload pool ("offload-0") and the watchdog. All signals but
//          SIGPROF are blocked in them: signals are for the main thread.
// Stop:    services are told to stop first (through run_on); their root tasks end; then `stop`. Tasks that do not end
//          in its bound are abandoned: they and their core keep their memory, because an operation in flight may name
//          it, and the process is about to end anyway.
// After:   a stopped core does nothing more, but stays readable, and what services own may be destroyed by the main
//          thread, until the Runtime dies. A start that failed keeps its cores too, for the same reason.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Runtime {
 public:
  // Starts one thread for each core and, when all cores stand, runs `start(core)` on each, at the same time,
  // before its first turn. A core whose backend cannot be made, or whose start returns an error, makes this
  // fail with that error after all threads have ended.
  static Result<std::unique_ptr<Runtime>> start(const CoreOptions& options,
                                                std::function<Result<void>(Core&)> start);
  ~Runtime();  // stops at once if `stop` was not called
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // How many cores `start` would make with these options.
  static Result<unsigned> core_count(const CoreOptions& options);
  // The CPU of each of them.
  static Result<std::vector<unsigned>> cpus(const CoreOptions& options);
  unsigned count() const;
  // For reading figures and draining events only; anything else goes through run_on.
  Core& core(unsigned index);
  // From any thread that is not a core's: runs `function` on that core soon (a locked queue; not for the mail
  // path). Blocks while kForeignCallsMax calls wait for that core. After `stop` it does nothing.
  void run_on(unsigned core, std::function<void(Core&)> function);
  // Lets every core run until no core has a live task, or for `bound`; then none turns any more. What
  // run_on was given before is run first. Returns the number of root tasks that had to be abandoned.
  std::size_t stop(std::chrono::milliseconds bound);
  // "2 cores on uring (single_issuer, defer_taskrun), kernel 6.1.0": the start-up line.
  std::string describe() const;

 private:
  struct State;
  explicit Runtime(std::unique_ptr<State> state);
  static void keep_to_the_end(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::shard
