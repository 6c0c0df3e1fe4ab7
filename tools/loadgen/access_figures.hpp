// What a load of mailboxes counts on one core.
//
// Layer: tool. One core writes, others may read the counters; refusals are read after the end.
#pragma once

#include <array>
#include <cstddef>

#include "load_figures.hpp"

namespace ringpost::loadgen {

inline constexpr std::size_t kDeedsMax = 12;

struct AccessFigures : LoadFigures {
  // Of one kind of operation.
  struct Of {
    observe::Counter acknowledged;
    observe::Counter items;  // messages, lines of a list, numbers found
    observe::Counter bytes;  // received, and what was appended
    observe::Histogram latency_ns;
  };
  std::array<Of, kDeedsMax> deeds;
  observe::Counter news;  // changes that the server told by itself
  Refusals refusals;
};

}  // namespace ringpost::loadgen
