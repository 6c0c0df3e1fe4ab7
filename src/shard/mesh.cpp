#include "ringpost/shard/mesh.hpp"

#include <algorithm>
#include <bit>

#include "ringpost/base/assert.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

namespace {

std::size_t capacity_for(unsigned count) {
  const std::size_t peers = std::max(1U, count - 1);
  return std::clamp(std::bit_floor(kInboundMessages / peers), kRingMessagesMin, kRingMessagesMax);
}

}  // namespace

// Free-running counts; the writer's and the reader's lines are apart.
struct Mesh::Ring {
  explicit Ring(std::size_t capacity) : slots(std::make_unique<Message[]>(capacity)) {}
  std::unique_ptr<Message[]> slots;
  alignas(64) std::atomic<std::size_t> written{0};
  std::size_t read_seen = 0;  // the writer's last look at `read`
  alignas(64) std::atomic<std::size_t> read{0};
  std::atomic<bool> starved{false};  // the writer found no room
};

Mesh::Mesh(unsigned count)
    : count_(count), capacity_(capacity_for(count)), seats_(std::make_unique<Seat[]>(count)) {
  RP_ASSERT(count >= 1 && count <= kCoresMax);
  rings_.resize(std::size_t{count} * count);
  for (unsigned to = 0; to < count; ++to)
    for (unsigned from = 0; from < count; ++from)
      if (from != to) rings_[std::size_t{to} * count + from] = std::make_unique<Ring>(capacity_);
}
Mesh::~Mesh() = default;

Mesh::Ring& Mesh::ring(unsigned from, unsigned to) const {
  RP_ASSERT(from < count_ && to < count_ && from != to);
  return *rings_[std::size_t{to} * count_ + from];
}

void Mesh::attach(unsigned core, io::Backend& backend) {
  RP_ASSERT(core < count_ && seats_[core].backend == nullptr);
  seats_[core].backend = &backend;
}

bool Mesh::push(unsigned from, unsigned to, const Message& message) {
  Ring& way = ring(from, to);
  const std::size_t written = way.written.load(std::memory_order_relaxed);
  if (written - way.read_seen == capacity_) {
    way.read_seen = way.read.load(std::memory_order_acquire);
    if (written - way.read_seen == capacity_) {
      // Say so first, then look again: the reader makes room first, then looks whether anybody starves.
      way.starved.store(true, std::memory_order_seq_cst);
      way.read_seen = way.read.load(std::memory_order_seq_cst);
      if (written - way.read_seen == capacity_) return false;
    }
  }
  way.slots[written & (capacity_ - 1)] = message;
  way.written.store(written + 1, std::memory_order_seq_cst);
  wake(to);
  return true;
}

void Mesh::wake(unsigned core) noexcept {
  Seat& seat = seats_[core];
  if (seat.asleep.load(std::memory_order_seq_cst) && seat.asleep.exchange(false)) seat.backend->wake();
}

bool Mesh::pending(unsigned core) const {
  if (seats_[core].room.load(std::memory_order_seq_cst)) return true;
  for (unsigned from = 0; from < count_; ++from) {
    if (from == core) continue;
    const Ring& way = ring(from, core);
    if (way.written.load(std::memory_order_seq_cst) != way.read.load(std::memory_order_relaxed)) return true;
  }
  return false;
}

std::size_t Mesh::run_messages(Core& here, unsigned to, std::size_t count_max) {
  Seat& seat = seats_[to];
  // Whoever waits for room tries again at the end of this turn.
  if (seat.room.load(std::memory_order_relaxed)) seat.room.exchange(false, std::memory_order_seq_cst);
  std::size_t count = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const unsigned from = (seat.first + i) % count_;
    if (from != to) count += run_ring(here, from, to, count_max);
  }
  if (count != 0) seat.first = (seat.first + 1) % count_;
  return count;
}

std::size_t Mesh::run_ring(Core& here, unsigned from, unsigned to, std::size_t count_max) {
  Ring& way = ring(from, to);
  const std::size_t read = way.read.load(std::memory_order_relaxed);
  const std::size_t count = std::min(way.written.load(std::memory_order_acquire) - read, count_max);
  if (count == 0) return 0;
  for (std::size_t i = 0; i < count; ++i) {
    Message& message = way.slots[(read + i) & (capacity_ - 1)];
    here.runs(reinterpret_cast<const void*>(message.run));
    message.run(here, message.payload);
    here.message_ended();
  }
  way.read.store(read + count, std::memory_order_seq_cst);
  if (way.starved.load(std::memory_order_seq_cst)) {
    way.starved.store(false, std::memory_order_relaxed);
    seats_[from].room.store(true, std::memory_order_seq_cst);
    wake(from);
  }
  return count;
}

}  // namespace ringpost::shard
