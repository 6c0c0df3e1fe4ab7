// The spool's record types and their payloads. docs/spool-format.md says it in words.
//
// Layer: durable, private; pure. Little-endian. Decoders check every bound: they read what a disk gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/journal/log.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::spool {

enum RecordType : std::uint8_t {
  kBody = 1,      // a whole message
  kChunk = 2,     // ChunkHeader, then a part of a message
  kEnvelope = 3,  // EnvelopeHeader, then a mail::EnvelopeRecord; makes body or chunks of the same id a message
  kState = 4,     // Negation: what has become of the recipients so far; the last one of an id counts
  kDone = 5,      // Negation without outcomes: every recipient is final
};

struct ChunkHeader {
  std::uint64_t offset = 0;  // of this part in the message
};
static_assert(sizeof(ChunkHeader) == 8);

struct EnvelopeHeader {
  std::uint64_t body_size = 0;
  std::uint32_t recipient_count = 0;
  std::uint32_t chunked = 0;  // 1: the message is in chunks
};
static_assert(sizeof(EnvelopeHeader) == 16);

// What a STATE or DONE says: which segments hold what it negates, and the outcome of each recipient it speaks of.
struct Negation {
  std::vector<journal::SegmentName> segments;
  std::vector<Outcome> outcomes;
};
void encode(const Negation& negation, std::vector<std::byte>& out);
std::optional<Negation> decode_negation(std::span<const std::byte> payload);

template <class Header>
std::optional<Header> decode_header(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, payload.data(), sizeof header);
  return header;
}

}  // namespace ringpost::spool
