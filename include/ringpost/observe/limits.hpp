// What observing may cost.
#pragma once

#include <cstddef>

namespace ringpost::observe {

// Longer texts are cut here, at a character: a reply or a header of a peer must not fill the ring. An RFC
// 5321 reply line is 512 bytes at most and a path 256, so four reply lines fit.
inline constexpr std::size_t kFieldBytesMax = 2048;
// About 4,000 events of 256 bytes between two visits of the publisher, which comes every few milliseconds.
inline constexpr std::size_t kEventRingBytes = std::size_t{1} << 20;

}  // namespace ringpost::observe
