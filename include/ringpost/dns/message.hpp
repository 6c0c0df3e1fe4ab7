// DNS messages: queries and responses to octets, octets to queries and answers.
//
// Layer:  pure. No I/O, no clock.
// Input:  one whole message, as UDP or TCP carries it; anything at all may be in it.
// Limits: dns/limits.hpp; a message beyond them is an error, never a part of one.
// RFCs:   1035 §4, 6891 (EDNS), 6840 §5.7 (AD in a query asks for AD in the answer), 2308.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/dns/answer.hpp"
#include "ringpost/dns/limits.hpp"

namespace ringpost::dns {

enum class Rcode : std::uint8_t {
  ok = 0,
  format_error = 1,
  servfail = 2,
  nxdomain = 3,
  not_implemented = 4,
  refused = 5
};

// Reads the response to `asked`. Aliases are followed inside the message. A response to another question, or
// one that cannot be read, is a temporary error; what the server answered, failures included, is the Answer.
Result<Answer> parse_message(std::span<const std::byte> message, const Question& asked);

struct Query {
  std::uint16_t id = 0;
  Question question;
  bool recursion_desired = true;
  // The longest response that the asker takes over UDP.
  std::size_t payload_bytes_max = kPlainPayloadBytes;
};

// A recursive query with EDNS and the AD bit, or without both for servers that choke on them.
std::vector<std::byte> encode_query(std::uint16_t id, const Question& question, bool edns = true);
// The other end of that: for who plays a server. An error means "no question that can be answered".
Result<Query> parse_query(std::span<const std::byte> message);
// What a server says to a message that parse_query does not take: NOTIMP to another operation than a query, REFUSED to another
// class than IN, FORMERR to all else. Nothing: it is no question, or too short to be answered (RFC 1035 section 4.1.1).
std::optional<std::vector<std::byte>> refuse_query(std::span<const std::byte> message);

// A response, as a server writes it.
struct Message {
  Query query;
  Rcode rcode = Rcode::ok;
  bool authoritative = false;
  bool authentic = false;
  std::vector<Record> answers;
  std::vector<Record> authority;

  // With more than `bytes_max` the records are dropped and TC is set, so that the asker comes back over TCP.
  std::vector<std::byte> encode(std::size_t bytes_max) const;
};

}  // namespace ringpost::dns
