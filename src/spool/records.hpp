// The records of the queue, as they stand in the log. docs/spool.md tells an operator how to read them.
//
// Layer: durable, private. Little-endian, no padding that is not named.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/journal/log.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::spool {

// The numbers are on disk.
enum class RecordType : std::uint8_t {
  body = 1,      // the whole message; its envelope follows in the same frame
  chunk = 2,     // a part of a message that came in pieces; the id is that of the body, not of the message
  body_end = 3,  // BodyEnd: the chunks of that body are the message `id`
  envelope =
      4,  // mail::encode_envelope; from here on the message is in the queue, with the body that came before it
  state = 5,  // StateHeader, StateItem[]
  done = 6,   // SegmentItem[]: the message has ended; those segments hold envelopes of it
  moved =
      7,  // SegmentItem[]: envelopes of the message in those segments (of another shard) do not count any more
};

// Flags of a record.
inline constexpr std::uint8_t kForeign =
    1;  // it concerns copies in other shards than the one that it stands in

struct BodyEnd {
  std::uint64_t body_id = 0;
  std::uint64_t size = 0;
  std::uint32_t chunk_count = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(BodyEnd) == 24);

// What the index table of a segment says of an ENVELOPE. Its body, if it has one in one piece, stands directly before it.
struct EnvelopeSummary {
  std::uint32_t recipients = 0;
  std::uint32_t body_size = 0;  // of the BODY record; 0 for a message in pieces, or without a byte
  std::uint32_t no_body = 0;    // 1: damage took it before the message was moved here
  std::uint32_t reserved = 0;
};
static_assert(sizeof(EnvelopeSummary) == 16);

// Where the BODY of `size` bytes stands that belongs to the envelope; nowhere when it cannot be there.
journal::Location body_before(journal::Location envelope, std::uint32_t size);

struct StateHeader {
  std::uint32_t count = 0;
  std::uint32_t whole = 0;  // 1: these are all outcomes that are not "pending, never tried"
};
// A StateItem with this for its state is a FinishedTarget: the target stands where the next attempt does, the rest is 0.
inline constexpr std::uint8_t kTargetFinished = 5;

struct StateItem {
  std::uint32_t recipient = 0;
  std::uint16_t attempts = 0;
  std::uint16_t code = 0;
  std::uint8_t state = 0;
  std::uint8_t warned = 0;
  std::uint16_t reserved = 0;
  std::uint32_t reserved_too = 0;
  std::int64_t next_attempt = 0;  // nanoseconds since 1970-01-01 UTC
};
static_assert(sizeof(StateHeader) == 8 && sizeof(StateItem) == 24);

struct SegmentItem {
  std::uint32_t shard = 0;
  std::uint32_t number = 0;
  std::uint64_t sequence = 0;
};
static_assert(sizeof(SegmentItem) == 16);

// 16 bytes of memory for each recipient that something has happened to.
struct [[gnu::packed, gnu::aligned(4)]] PackedOutcome {
  std::uint32_t recipient : 24 = 0;  // as many as an Entry has
  std::uint32_t aside : 8 = 0;       // no part of it: States has a use for the room
  std::uint16_t attempts = 0;
  std::uint16_t code : 12 = 0;
  std::uint16_t state : 3 = 0;
  std::uint16_t warned : 1 = 0;
  std::uint64_t next_attempt : 52 = 0;  // microseconds since 1970, to 2112
  std::uint64_t aside_too : 12 = 0;     // as `aside`: the high bits of a place

  bool final() const { return state != static_cast<std::uint16_t>(RecipientState::pending); }
  bool operator==(const PackedOutcome& other) const {
    return recipient == other.recipient && attempts == other.attempts && code == other.code &&
           state == other.state && warned == other.warned && next_attempt == other.next_attempt;
  }
};
static_assert(sizeof(PackedOutcome) == 16);

PackedOutcome pack(const Outcome& outcome);
Outcome unpack(const PackedOutcome& packed);

std::vector<std::byte> encode_state(std::span<const PackedOutcome> outcomes,
                                    std::span<const FinishedTarget> finished, bool whole);
struct DecodedState {
  bool whole = false;
  std::vector<PackedOutcome> outcomes;
  std::vector<FinishedTarget> finished;
};
std::optional<DecodedState> decode_state(std::span<const std::byte> payload);

std::vector<std::byte> encode_segments(std::span<const journal::SegmentName> names);
std::vector<journal::SegmentName> decode_segments(std::span<const std::byte> payload);

}  // namespace ringpost::spool
