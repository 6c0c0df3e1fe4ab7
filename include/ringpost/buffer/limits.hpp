// What buffers may take. The budget itself is given to each Pool by its core.
#pragma once

#include <cstddef>

namespace ringpost::buffer {

// Blocks start on a cache line, so that two of them never share one and the scan kernels load aligned.
inline constexpr std::size_t kAlignment = 64;
// A pool is `tight` with less than this part of its budget left: new work is refused while old work can still finish.
inline constexpr std::size_t kTightPart = 10;

}  // namespace ringpost::buffer
