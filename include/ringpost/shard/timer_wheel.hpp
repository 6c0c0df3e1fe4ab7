// A hierarchical timer wheel: O(1) to arm and to disarm, one check a turn.
//
// Layer: runtime. Owner: one core. Resolution 1 ms (a timer never fires early); range is unbounded (far timers
// cascade). Timers due at one turn fire in the order of their deadlines, ties in the order of arming.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant now);
  // Arms, or moves an armed timer. A past deadline fires at the next advance. Instant::never() disarms.
  void arm(Timer& timer, Instant deadline);
  void disarm(Timer& timer) { timer.unlink(); }
  // Fires what is due; says how many.
  std::size_t advance(Instant now);
  // Not later than the earliest deadline (may be a little earlier); Instant::never() when empty.
  Instant next() const;

 private:
  static constexpr unsigned kSlotBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kLevels = 7;  // 64^7 ms = 139 years
  std::array<std::array<IntrusiveList<Timer>, kSlots>, kLevels> wheel_;
  std::array<std::uint64_t, kLevels> occupied_{};  // a hint: a set bit may be an emptied slot
  std::uint64_t tick_;  // milliseconds already fired
};

}  // namespace ringpost::shard
