// The turns of one core that held it for too long, and what each is to be blamed on.
//
// Layer:  runtime. Owner: one core, which writes and reads; others ask it.
// Cost:   nothing is written here but for a stall.
// Limits: kStallsKept; a newer stall takes the place of the oldest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/shard/limits.hpp"

namespace ringpost::shard {

// The parts of a turn, in their order.
enum class TurnPhase : std::uint8_t {
  kernel,       // an entry into the kernel that was not to wait
  completions,  // what the kernel had finished
  messages,     // of other cores and threads
  timers,
  coroutines,  // that were scheduled
  hooks,       // the end of the turn: the journal seals its frame
  submission,  // handing the batch over
};
inline constexpr std::size_t kTurnPhases = static_cast<std::size_t>(TurnPhase::submission) + 1;
std::string_view phase_name(TurnPhase phase);

struct Stall {
  WallTime time;                        // when it was over
  Duration length{0};                   // of the turn
  TurnPhase phase = TurnPhase::kernel;  // that took most of it
  Duration phase_length{0};             // by estimate, as the next one
  Duration piece_length{0};             // the slowest of `pieces`: a completion, a message, a coroutine ...
  std::uint32_t pieces = 0;             // that this phase ran
  const void* code = nullptr;           // where the slowest one began to run; null: not known
  Duration off_cpu{0};  // at least so much of it the kernel gave the CPU to others, by estimate
};

class StallLog {
 public:
  void add(const Stall& stall) { kept_[count_++ % kStallsKept] = stall; }
  std::vector<Stall> recent() const;  // the newest last

 private:
  std::array<Stall, kStallsKept> kept_{};
  std::uint64_t count_ = 0;
};

}  // namespace ringpost::shard
