// Accepts connections on one core and gives a fresh one away when this core has more than its share.
//
// Layer:  runtime. Owner: one core; every core of the listener has its own, on the same address (SO_REUSEPORT).
// Share:  a core keeps a connection unless it holds more than an eighth (and at least 4) over the least loaded core.
// Limits: shard/limits.hpp. Without descriptors or memory it pauses and tries again; the kernel's backlog waits.
#pragma once

#include <cstdint>
#include <functional>

#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Listener final : io::Operation, Timer {
 public:
  // `accepted(core, socket)` is called on the core that shall keep the connection, never on another.
  // `slot` (below kListenersMax) numbers the listeners of the process the same way on every core, so that the
  // other core finds its own.
  using Accepted = std::function<void(Core&, io::Handle)>;
  Listener(Core& core, unsigned slot, io::Handle listening, Accepted accepted);
  ~Listener();  // never armed, or stopped() has resumed

  void arm();
  // Stops accepting; `co_await stopped()` resumes after the final completion, with the listening socket
  // closed. What other cores hand over until then still arrives; afterwards it is closed.
  void stop();
  Task<void> stopped();
  // The service says when a connection that it was given has ended: keeps the load table true.
  void ended();
  std::uint32_t connections() const;  // that this core holds
  std::uint64_t connections_everywhere()
      const;  // that all cores hold of this slot; others' part is a moment old

 private:
  static void completed(io::Operation& self, const io::Completion& completion);
  static void pause_over(Timer& self);
  static void receive(Core& here, unsigned slot, io::Handle socket);
  void submit();
  void place(io::Handle socket);
  void keep(io::Handle socket);
  unsigned home_of_next() const;
  void pause();

  Core& core_;
  unsigned slot_;
  io::Handle listening_;
  Accepted accepted_;
  Signal ended_;
  bool in_flight_ = false;
  bool stopping_ = false;
};

}  // namespace ringpost::shard
