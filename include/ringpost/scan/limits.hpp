// Limits of `scan`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::scan {

// Lines that begin with a dot, whose places a message carries so that sending it by DATA needs no second
// scan. Almost every mail has none; one with more is scanned again when it is sent.
inline constexpr std::size_t kDotOffsetsMax = 64;

// The free output bytes that always let a step of DataUnstuffer take one more byte of input: "CR LF x" after
// a dot and a bare CR, when line ends are normalised.
inline constexpr std::size_t kStepOutputMin = 3;

// The checksum follows the copy by at most this much, so that it reads what is still in the first-level cache.
inline constexpr std::size_t kFusedBlockSize = 8192;

}  // namespace ringpost::scan
