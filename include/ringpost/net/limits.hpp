// The limits of net, each with its reason.
#pragma once

#include <cstddef>

#include "ringpost/base/units.hpp"

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
// What a compressed connection costs: 2^(13 + 2) + 2^(6 + 9) bytes to send, up to 40 KiB to receive (the peer chooses the window).
// Mail in small answers gains little from a larger window.
inline constexpr int kCompressionWindowBits = 13;
inline constexpr int kCompressionMemoryLevel = 6;
inline constexpr int kCompressionLevel =
    3;  // four times as fast as zlib's own choice, for a tenth more bytes
// What is compressed before it is sent.
inline constexpr std::size_t kCompressedBytesMax = 64 * 1024;
// A load balancer speaks at once; who is silent is none.
inline constexpr Duration kProxyHeaderTimeout = std::chrono::seconds(5);

}  // namespace ringpost::net
