// What observing may cost.
#pragma once

#include <cstddef>

namespace ringpost::observe {

// Longer texts are cut here, at a character: a reply or a header of a peer must not fill the ring. An RFC
// 5321 reply line is 512 bytes at most and a path 256, so four reply lines fit.
inline constexpr std::size_t kFieldBytesMax = 2048;
// About 4,000 events of 256 bytes between two visits of the publisher, which comes every few milliseconds.
inline constexpr std::size_t kEventRingBytes = std::size_t{1} << 20;

// A trace is drained ten times a second: 4,000 lines of a core in between.
inline constexpr std::size_t kTraceRingBytes = std::size_t{1} << 20;
// A command line of SMTP is 512 bytes (RFC 5321 section 4.5.3.1.4); parameters may lengthen it.
inline constexpr std::size_t kTraceLineMax = 1024;
// What a session keeps until a domain matches: greeting, EHLO with its answer, STARTTLS, EHLO again and AUTH take a
// third of it. Every session may have that much while somebody traces a domain.
inline constexpr std::size_t kTraceHeldBytes = std::size_t{8} << 10;

}  // namespace ringpost::observe
