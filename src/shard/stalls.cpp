#include "ringpost/shard/stalls.hpp"

#include <algorithm>

namespace ringpost::shard {

std::string_view phase_name(TurnPhase phase) {
  constexpr std::array kNames = std::to_array<std::string_view>(
      {"kernel", "completions", "messages", "timers", "coroutines", "hooks", "submission"});
  static_assert(kNames.size() == kTurnPhases);
  return kNames.at(static_cast<std::size_t>(phase));
}

std::vector<Stall> StallLog::recent() const {
  const std::uint64_t first = count_ - std::min<std::uint64_t>(count_, kStallsKept);
  std::vector<Stall> stalls;
  for (std::uint64_t i = first; i < count_; ++i) stalls.push_back(kept_[i % kStallsKept]);
  return stalls;
}

}  // namespace ringpost::shard
