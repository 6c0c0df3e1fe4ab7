// One connection of a load: connects, secures, converses, closes; and again, until there is no more work.
//
// Layer: tool. Owner: the coroutine LoadCore::drive on one core.
#pragma once

#include <memory>

#include "ringpost/net/connection.hpp"

#include "load_core.hpp"

namespace ringpost::loadgen {

class LoadFlow : public ListLink<> {
 public:
  LoadFlow(LoadCore& core, const Target& target) : load_core_(core), target_(target) {}
  virtual ~LoadFlow() = default;
  LoadFlow(const LoadFlow&) = delete;
  LoadFlow& operator=(const LoadFlow&) = delete;
  friend FramePool& frame_pool(LoadFlow& flow) { return flow.load_core_.core().frames(); }

  Task<void> run();
  // Nothing new is begun from now on: a flow that waits for no answer should leave.
  virtual void stop() {}
  // Ends what it waits for on its connection.
  void abort();

 protected:
  // All that is said on connection_, which is connected, and secure where TLS is implicit. True when something was
  // done: then the next connection need not wait.
  virtual Task<bool> converse() = 0;

  // Before a connection is made: there is something to do, or there never will be.
  virtual Task<bool> ready();

  enum class LoginAnswer : std::uint8_t { accepted, deferred, denied };
  void note_login(LoginAnswer answer);
  Task<bool> start_tls();
  // After the word for it in the clear was answered.
  Task<bool> switch_to_tls();
  LoadFigures& counters() { return load_core_.counters(); }
  const LoadOptions& load() const { return load_core_.load_plan().load(); }
  Instant deadline() { return load_core_.core().now() + load().timeout; }

  std::unique_ptr<net::Connection> connection_;

 private:
  Task<bool> visit();
  LoadCore& load_core_;
  const Target& target_;
};

}  // namespace ringpost::loadgen
