// The limits of net, each with its reason.
#pragma once

#include <cstddef>

namespace ringpost::net {

// Input that a flow has not looked at. A whole pipelined command group fits; more means that the flow is busy
// and the peer shall wait.
inline constexpr std::size_t kPendingBytesMax = 64 * 1024;
// Output that gathers between flushes: the largest block. Replies of one group fit many times over.
inline constexpr std::size_t kOutputBytesMax = 256 * 1024;
// Taken and dropped from a peer that has been told goodbye: what was on its way. One that sends on hears a reset.
inline constexpr std::size_t kLingerBytesMax = 1024 * 1024;
// The longest PROXY v2 header that we read: 16 bytes, addresses, and room for TLVs that we skip.
inline constexpr std::size_t kProxyHeaderBytesMax = 4096;

}  // namespace ringpost::net
