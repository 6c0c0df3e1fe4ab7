// A hierarchical timer wheel: O(1) to arm and to disarm, one check a turn.
//
// Layer: runtime. Owner: one core. Resolution 1 ms: a timer fires at the first full millisecond that is not before its
//        deadline, never earlier. Every Instant is in range (far timers cascade).
// Order: timers due at one advance fire in the order of their deadlines, ties in the order of arming. What a firing
//        timer arms with a past deadline fires at the next advance.
// Place: a timer stands at the level of the highest base-64 digit in which its tick differs from the present one, so
//        every timer of a lower level is due before any of a higher one, and `next` looks at one level only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::shard {

// Derive or hold. Disarms itself when it dies.
class Timer : public ListLink<> {
 public:
  using Fire = void (*)(Timer& self);
  explicit Timer(Fire function) : fire(function) {}
  bool armed() const { return linked(); }
  Instant deadline() const { return deadline_; }
  Fire fire;

 private:
  friend class TimerWheel;
  Instant deadline_;
  std::uint64_t sequence_ = 0;  // of arming
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant now);
  // Arms, or moves an armed timer. A past deadline fires at the next advance. Instant::never() disarms.
  void arm(Timer& timer, Instant deadline);
  void disarm(Timer& timer) { timer.unlink(); }
  // Fires what is due, at most `count_max` timers (the others at the next advance); says how many.
  std::size_t advance(Instant now, std::size_t count_max = std::numeric_limits<std::size_t>::max());
  // When to call advance again: never later than the first armed timer fires; earlier when timers must
  // cascade on the way. Instant::never() when none is armed.
  Instant next() const;

 private:
  static constexpr unsigned kSlotBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kLevels = 8;  // 64^8 ms is more than an Instant can say
  using List = IntrusiveList<Timer>;
  struct Position {
    std::size_t level = kLevels;  // kLevels: nowhere
    std::size_t slot = 0;
    std::uint64_t tick = 0;  // at which the slot is due
  };

  void place(Timer& timer);
  Position first() const;
  void collect_due(std::uint64_t now);
  std::size_t fire_due(std::size_t count_max);

  std::array<std::array<List, kSlots>, kLevels> wheel_;
  // A set bit may be a slot that timers have left by themselves; looking clears it.
  mutable std::array<std::uint64_t, kLevels> occupied_{};
  mutable List due_;             // collected, in order, not yet fired
  std::vector<Timer*> sorting_;  // empty between calls
  std::uint64_t tick_;           // milliseconds already collected
  std::uint64_t sequence_ = 0;
  bool advancing_ = false;
};

}  // namespace ringpost::shard
