// Accepts connections on one core and gives a fresh one away when this core has more than its share.
//
// Layer: runtime. Owner: one core; every core of the listener has its own, on the same address (SO_REUSEPORT).
// Share: a core keeps a connection unless it holds more than an eighth (and at least 4) over the least loaded core.
#pragma once

#include <cstdint>
#include <functional>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Listener final : io::Operation {
 public:
  // `accepted(core, socket)` is called on the core that shall keep the connection, never on another.
  // `slot` numbers the listeners of the process the same way on every core, so that the other core finds its own.
  using Accepted = std::function<void(Core&, io::Handle)>;
  Listener(Core& core, unsigned slot, io::Handle listening, Accepted accepted);
  ~Listener();

  void arm();
  // Stops accepting; `co_await stopped()` resumes after the final completion and closes the listening socket.
  void stop();
  Task<void> stopped();
  // The service says when a connection that it was given has ended: keeps the load table true.
  void ended();

 private:
  static void completed(io::Operation& self, const io::Completion& completion);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::shard
