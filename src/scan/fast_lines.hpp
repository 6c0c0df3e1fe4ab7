// Many bytes of text at once: copied, and their facts told to a tracker, but for the checksum.
//
// Layer:   private to `scan`.
#pragma once

#include <cstddef>

#include "ringpost/scan/data_unstuffer.hpp"

namespace ringpost::scan {

struct FastRules {
  bool stop_at_dot;   // before a dot that begins a line: DATA's stuffing
  bool stop_at_bare;  // in the block of a bare CR or LF, before that block: line ends are to be normalised
};

// Copies from the front of `in` to `out`, which has as much room, and returns how many bytes it took. Fewer
// than all: what is left begins with something to stop at, or is a few bytes that are quicker one by one, or
// there are no vectors.
std::size_t take_fast(std::span<const std::byte> in, std::byte* out, FactsTracker& tracker, FastRules rules);

}  // namespace ringpost::scan
