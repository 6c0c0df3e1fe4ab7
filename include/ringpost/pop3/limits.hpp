// Bounds of one POP3 conversation, each with its reason. What an operator may change is in ServerSettings.
//
// Layer: pure.
#pragma once

#include <cstddef>

namespace ringpost::pop3 {

// RFC 2449 section 4: a command line has at most 255 octets with CRLF. After login nothing longer is of use.
inline constexpr std::size_t kCommandLineBytesMax = 512;
// Before login: AUTH may bring a token with it, and RFC 4954's bound for a line of an exchange is the custom.
inline constexpr std::size_t kAuthLineBytesMax = 12288;
// What a driver holds behind a command that is not answered yet; then it stops receiving.
inline constexpr std::size_t kUnparsedBytesMax = 64 * 1024;
inline constexpr std::size_t kUniqueIdBytesMax = 70;  // RFC 1939 section 7
// An overlong line is read and dropped up to here; then the connection ends.
inline constexpr std::size_t kDroppedLineBytesMax = 1024 * 1024;
inline constexpr std::size_t kOutputBytesFlush = 16 * 1024;
inline constexpr std::size_t kIdleBufferBytes = 256;

}  // namespace ringpost::pop3
