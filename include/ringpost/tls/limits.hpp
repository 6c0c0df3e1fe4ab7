// The limits of tls, each with its reason. The bytes and the time of a handshake are bounded by the driver.
#pragma once

#include <cstddef>

namespace ringpost::tls {

// The most plaintext in one record (RFC 8446 section 5.1).
inline constexpr std::size_t kRecordBytesMax = 16 * 1024;
// Ciphertext that waits for the socket. write() takes no more until some is consumed: the same amount as a
// session's clear-text output, so a slow reader costs the same with and without TLS.
inline constexpr std::size_t kOutputBytesMax = 256 * 1024;
// An output buffer up to this size is kept by an idle session: the usual SMTP reply fits.
inline constexpr std::size_t kIdleBufferBytes = 512;
// A peer's certificate chain; real ones have under 10 KiB.
inline constexpr int kPeerChainBytesMax = 64 * 1024;
// Names with a certificate of their own in one server context.
inline constexpr std::size_t kServerNamesMax = 10'000;
// Sessions kept for resumption by one client context. Each holds the peer's chain, some 15 KiB: 16 MiB a core.
inline constexpr std::size_t kClientSessionsMax = 1024;
// Ticket keys that still open tickets: the one that seals and the two before it.
inline constexpr std::size_t kTicketKeysMax = 3;
// Seconds that a ticket is good for. With a rotation every 12 hours each ticket lives its full time.
inline constexpr long kTicketLifetimeSeconds = 24L * 60 * 60;
// RFC 9266 section 2.
inline constexpr std::size_t kChannelBindingBytes = 32;

}  // namespace ringpost::tls
