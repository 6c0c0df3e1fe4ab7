// Where the time of one turn goes: by phase, and the slowest piece of each. Only read when the turn was a stall.
//
// Owner: Core. Cost: one look at the processor's counter for each piece, about 10 ns; no clock, no call of the system.
#pragma once

#include <array>
#include <cstdint>

#include "ringpost/shard/stalls.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#else
#include <chrono>
#endif

namespace ringpost::shard {

// Rises evenly; its unit does not matter, for only shares are formed of it.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  return __rdtsc();
#elif defined(__aarch64__)
  std::uint64_t count = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

class TurnWatch {
 public:
  // `now` is ticks(): given, so that a test can give others.
  void begin(std::uint64_t now) noexcept {
    phases_ = {};
    mark_ = now;
  }
  // A piece of `phase` has ended, which began where the one before did end; `code` is what ran.
  void piece(TurnPhase phase, const void* code, std::uint64_t now) noexcept {
    const std::uint64_t spent = now - mark_;
    mark_ = now;
    Part& part = phases_[static_cast<std::size_t>(phase)];
    part.spent += spent;
    ++part.pieces;
    if (spent < part.slowest) return;
    part.slowest = spent;
    part.code = code;
  }
  // What to blame for a turn of that length.
  Stall blame(Duration length) const noexcept;

 private:
  struct Part {
    std::uint64_t spent = 0;
    std::uint64_t slowest = 0;
    const void* code = nullptr;
    std::uint32_t pieces = 0;
  };
  std::array<Part, kTurnPhases> phases_{};
  std::uint64_t mark_ = 0;
};

}  // namespace ringpost::shard
