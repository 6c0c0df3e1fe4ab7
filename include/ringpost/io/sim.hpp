// A whole world in one process: clock, network and disk from one seed, stepped by one thread.
//
// Layer:    runtime. The world outlives its backends. Same seed and same calls give the same run.
// Time:     passes only in poll() and advance(): when nothing is ready the clock jumps to the next thing that will be.
//           poll() of one backend returns early, perhaps with nothing, when another one has something to do.
// Network:  connections with a latency, deliveries cut at any byte, a bounded window; several listeners may share an
//           address. A close with unread bytes resets the peer.
// Disk:     what was written is lost at a power cut unless it was durable or synced; a name is lost, or comes back,
//           unless its directory was synced. Direct files want 4096-byte alignment.
// Not here: the poll operation (-EOPNOTSUPP), adopt().
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
  // Everything that was not made durable before now is lost, operations in flight among it; all handles die. The
  // backends are dead too: nothing completes on them any more, so destroy the cores on them and make new ones.
  void power_cut();
  Instant now() const;
  // When nothing is ready in the whole world: moves the clock to the earliest pending event, at most to `until`.
  void advance(Instant until);
  // So many handles may be open at once; one more gives -EMFILE.
  void limit_descriptors(std::size_t count);
  // Files may hold so much together; growing one past it gives -ENOSPC.
  void limit_disk(Bytes capacity);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::io
