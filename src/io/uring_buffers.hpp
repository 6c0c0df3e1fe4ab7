// The core's receive buffers, shared by all its connections: the kernel takes one when bytes are there.
//
// Layer: io, private. Owner: one ring; dies after it.
// Turn:  bytes taken in one turn go back to the kernel in recycle(), at the start of the next.
// Kinds: incremental: a buffer is filled piece by piece, by whoever receives next, and comes back when it is full.
//        classic: one receive, one buffer, however little came.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "uring_ring.hpp"

namespace ringpost::io {

class ReceiveBuffers {
 public:
  enum class Kind : bool { classic, incremental };
  static constexpr std::uint16_t kGroup = 0;

  // `ring` must not be enabled yet.
  static Result<std::unique_ptr<ReceiveBuffers>> make(Ring& ring, Bytes total, Bytes each, Kind kind);
  ~ReceiveBuffers();
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  // The bytes that a completion brought. Call it for every completion that names a buffer, in their order.
  std::span<const std::byte> take(const io_uring_cqe& completion);
  void recycle();
  std::uint32_t count() const { return count_; }
  // The most that one turn has used up since it was asked last.
  std::uint32_t taken_max() { return std::exchange(taken_max_, 0); }

 private:
  ReceiveBuffers(std::uint32_t count, std::uint32_t size, Kind kind)
      : count_(count), size_(size), kind_(kind) {}
  void offer(std::uint16_t buffer);
  void publish();

  std::uint32_t count_;
  std::uint32_t size_;
  Kind kind_;
  std::byte* memory_ = nullptr;     // count_ buffers of size_
  io_uring_buf* offers_ = nullptr;  // the ring that the kernel reads; its tail lies in the first element
  std::uint16_t tail_ = 0;
  std::uint32_t taken_max_ = 0;
  std::vector<std::uint32_t> filled_;   // by buffer: how much of it was handed out
  std::vector<std::uint16_t> used_up_;  // in this turn
};

}  // namespace ringpost::io
