// What newer kernels offer and liburing 2.3 does not name yet. Used only after the self-test found it working.
//
// Layer: io, private. Names differ from the library's, so that a newer one may define its own.
#pragma once

#include <cstdint>

#include <liburing.h>

namespace ringpost::io::extra {

// A buffer of the provided ring is used up piece by piece instead of once (Linux 6.12). Flag of
// IORING_REGISTER_PBUF_RING, in the field that liburing 2.3 calls `pad`.
inline constexpr std::uint16_t kBufferRingIncremental = 2;
// The completion took a piece of its buffer; the rest of the buffer is still the kernel's.
inline constexpr std::uint32_t kCompletionBufferMore = 1U << 4;
// The ring was asked for with a smallest wait (Linux 6.12), as a field of io_uring_getevents_arg.
inline constexpr std::uint32_t kFeatureMinWait = 1U << 15;
// A core that waits for connections is idle, not waiting for a disk: keep it out of the load figures (Linux 6.15).
inline constexpr std::uint32_t kFeatureNoIowait = 1U << 17;
inline constexpr unsigned kEnterNoIowait = 1U << 7;

// io_uring_getevents_arg with the newer meaning of its padding.
struct GeteventsArgument {
  std::uint64_t signal_mask = 0;
  std::uint32_t signal_mask_size = 0;
  std::uint32_t min_wait_microseconds = 0;
  std::uint64_t timeout = 0;  // address of a __kernel_timespec
};
static_assert(sizeof(GeteventsArgument) == sizeof(io_uring_getevents_arg));

}  // namespace ringpost::io::extra
