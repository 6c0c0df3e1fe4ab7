// The connection slots of destinations, as their owner core keeps them: who holds how many, who waits.
//
// Layer:  judgement (pure). Owner: the core that owns the destination (by hash of its name).
// Rule:   a slot is a right to one open connection. First come first served over all cores; it comes back only when
//         the holder says that its connection is closed, never by time-out. A holder is told when others wait.
// Limits: a destination is forgotten when nobody holds or waits; waiters are bounded by one for each core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ringpost::shaping {

class SlotTable {
 public:
  // What is told to a waiter when its turn comes: its core, and a value of its own.
  struct Waiter {
    unsigned core = 0;
    void* destination = nullptr;
  };

  // A slot now, or a place in the line (at most one for each core and destination; asking again keeps the place).
  bool acquire(std::string_view name, std::uint32_t limit, Waiter waiter);
  // A connection is closed. The waiter that gets the slot, if any: tell it.
  std::optional<Waiter> release(std::string_view name, std::uint32_t limit);
  // The core no longer wants one. False: it was not in the line, so a grant is on its way to it.
  bool leave(std::string_view name, unsigned core);
  bool others_wait(std::string_view name, unsigned core) const;
  std::uint32_t held(std::string_view name) const;
  std::size_t size() const { return destinations_.size(); }

 private:
  struct Destination {
    std::uint32_t held = 0;
    std::deque<Waiter> waiting;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  std::unordered_map<std::string, Destination, Hash, std::equal_to<>> destinations_;
};

}  // namespace ringpost::shaping
