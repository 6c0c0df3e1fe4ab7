// Bounds of one SMTP conversation, each with its reason. What an operator may change is in ServerSettings.
//
// Layer: pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::smtp {

// ---- server ----
// RFC 5321 section 4.5.3.1.4: a command line has at most 512 octets with CRLF.
inline constexpr std::size_t kCommandLineBytesMax = 512;
// MAIL and RCPT grow by their extensions: SIZE 26, BODY 17, SMTPUTF8 10, AUTH 500, DSN some 130 and 530
// octets (RFCs 1870, 6152, 6531, 4954, 3461). One round number above both sums.
inline constexpr std::size_t kMailLineBytesMax = 2048;
// RFC 4954 section 4: an authentication exchange must be allowed 12288 octets a line, CRLF included.
inline constexpr std::size_t kAuthLineBytesMax = 12288;
// Replies gathered before the session asks to be flushed: some hundred short replies, one socket send.
inline constexpr std::size_t kOutputBytesFlush = 8192;
// An idle session gives back buffers larger than this; below it the next transaction needs no allocation.
inline constexpr std::size_t kIdleBufferBytes = 256;
// Recipients for which an idle session keeps room.
inline constexpr std::size_t kIdleRecipients = 4;
// A body that is being dropped goes through this much stack at a time.
inline constexpr std::size_t kDiscardBytes = 4096;

// ---- client ----
// RFC 5321 asks for 512; servers that quote links write more. Longer: the line is not SMTP, we hang up.
inline constexpr std::size_t kPeerReplyLineBytesMax = 4096;
// Transactions whose replies are outstanding on one connection. One travels, one is being judged, one is written.
inline constexpr std::size_t kTransactionsInFlightMax = 4;
// Commands written without waiting, summed over transactions: their replies must fit the peer's send buffer while we
// still write, or both sides wait for ever (RFC 2920 section 3.1). 64 KiB of window hold about 1000 replies.
inline constexpr std::size_t kPipelinedCommandsMax = 1000;

}  // namespace ringpost::smtp
