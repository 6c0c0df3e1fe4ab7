// Messages of a service to other cores that must not be lost when a ring is full: they wait here, in order.
//
// Layer: runtime. Owner: one service on one core; registered at its turn end, so it must die before its core.
// Limit: `capacity` messages for each peer; past it `post` refuses and the service keeps what it wanted to say.
#pragma once

#include <cstddef>
#include <vector>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Outbox final : TurnHook {
 public:
  Outbox(Core& core, std::size_t capacity);

  // Into the ring, or behind what waits for it already; false when that has reached its limit. Never blocks.
  [[nodiscard]] bool post(unsigned core, const Message& message);
  std::size_t waiting(unsigned core) const { return lines_[core].messages.size() - lines_[core].sent; }

 private:
  struct Line {
    std::vector<Message> messages;
    std::size_t sent = 0;  // the first so many have left
  };
  static void turn_ends(TurnHook& self);
  void flush(unsigned core);
  Core& core_;
  std::size_t capacity_;
  std::size_t waiting_ = 0;  // in all lines
  std::vector<Line> lines_;
};

}  // namespace ringpost::shard
