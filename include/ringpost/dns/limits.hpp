// The bounds of DNS names and messages.
//
// Layer: pure.
#pragma once

#include <cstddef>

namespace ringpost::dns {

// RFC 1035 §2.3.4: a label is at most 63 octets, a name on the wire at most 255, the root's zero octet included.
inline constexpr std::size_t kLabelBytesMax = 63;
inline constexpr std::size_t kNameBytesMax = 255;

// RFC 1035 §4.2.2: TCP frames a message with 16 bits of length.
inline constexpr std::size_t kMessageBytesMax = 65'535;
// RFC 1035 §4.2.1: what a client without EDNS takes over UDP.
inline constexpr std::size_t kPlainPayloadBytes = 512;
// What we announce with EDNS: fits IPv6's minimum MTU, so an answer is never fragmented; longer ones go over TCP.
inline constexpr std::size_t kEdnsPayloadBytes = 1232;

// Answer and authority records that we read from one message. The largest honest set (an A set of a big pool)
// has some dozens; the bound keeps a hostile message from costing more than microseconds.
inline constexpr std::size_t kRecordsMax = 512;
// Aliases followed inside one answer; recursive servers stop at about as many.
inline constexpr std::size_t kCnameChainMax = 12;

// Mail exchangers kept of one MX set, the most preferred first. RFC 5321 §5.1 wants at least two tried.
inline constexpr std::size_t kMxHostsMax = 64;

}  // namespace ringpost::dns
