#include "turn_watch.hpp"

#include <algorithm>

namespace ringpost::shard {

namespace {

Duration share(Duration whole, std::uint64_t part, std::uint64_t all) {
  if (all == 0) return Duration{0};
  return Duration{static_cast<std::int64_t>(static_cast<double>(whole.count()) * static_cast<double>(part) /
                                            static_cast<double>(all))};
}

}  // namespace

Stall TurnWatch::blame(Duration length) const noexcept {
  std::uint64_t all = 0;
  for (const Part& part : phases_) all += part.spent;
  const auto most = std::ranges::max_element(phases_, {}, &Part::spent);
  return {.length = length,
          .phase = static_cast<TurnPhase>(most - phases_.begin()),
          .phase_length = share(length, most->spent, all),
          .piece_length = share(length, most->slowest, all),
          .pieces = most->pieces,
          .code = most->code};
}

}  // namespace ringpost::shard
