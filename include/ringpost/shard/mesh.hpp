// What the cores of a process share: a bounded ring from each core to each other, who sleeps, and who has how many
// connections.
//
// Layer:  runtime. Owner: the runtime (or the simulator); outlives the cores.
// Rings:  one writer, one reader, no lock. A full ring refuses; the reader tells the writer when there is room again.
// Sleep:  a core publishes "asleep", looks at its queues once more, then waits. Who puts something there looks at
//         "asleep" afterwards and wakes only a sleeper. All four accesses are seq_cst: one of the two sees the other.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ringpost/io/backend.hpp"
#include "ringpost/shard/limits.hpp"
#include "ringpost/shard/message.hpp"

namespace ringpost::shard {

class Mesh {
 public:
  explicit Mesh(unsigned count);
  ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  unsigned count() const { return count_; }
  std::size_t ring_capacity() const { return capacity_; }
  // Once for each core, before any of them pushes.
  void attach(unsigned core, io::Backend& backend);

  // The core `from`: copies the message, or says that the ring is full. After that `pending(from)` becomes
  // true when there is room.
  [[nodiscard]] bool push(unsigned from, unsigned to, const Message& message);
  // The core `here`: runs at most `count_max` messages of each ring that leads to it; says how many.
  std::size_t run_messages(Core& here, unsigned to, std::size_t count_max);
  // The core itself: something has come, or a ring that was full has room.
  bool pending(unsigned core) const;

  void publish_asleep(unsigned core) { seats_[core].asleep.store(true, std::memory_order_seq_cst); }
  void publish_awake(unsigned core) { seats_[core].asleep.store(false, std::memory_order_relaxed); }
  // Any thread, after it has put something where the core looks: wakes it if it sleeps.
  void wake(unsigned core) noexcept;

  // Connections of a listener that a core holds or has been given. Any core.
  std::atomic<std::uint32_t>& load(unsigned slot, unsigned core) { return seats_[core].load[slot]; }
  // Whether a core takes connections of that listener at all: it has one of its own.
  std::atomic<bool>& takes(unsigned slot, unsigned core) { return seats_[core].takes[slot]; }

 private:
  struct Ring;
  struct alignas(64) Seat {
    std::atomic<bool> asleep{false};
    std::atomic<bool> room{false};  // a reader has made room in a ring that this core had found full
    io::Backend* backend = nullptr;
    unsigned first = 0;  // the ring to begin with, for fairness; the core's own
    alignas(64) std::array<std::atomic<std::uint32_t>, kListenersMax> load{};
    std::array<std::atomic<bool>, kListenersMax> takes{};
  };
  Ring& ring(unsigned from, unsigned to) const;
  std::size_t run_ring(Core& here, unsigned from, unsigned to, std::size_t count_max);

  unsigned count_;
  std::size_t capacity_;
  std::unique_ptr<Seat[]> seats_;
  std::vector<std::unique_ptr<Ring>> rings_;  // [to * count + from]; none from a core to itself
};

}  // namespace ringpost::shard
