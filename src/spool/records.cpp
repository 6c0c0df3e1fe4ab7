#include "records.hpp"

#include <cstring>

namespace ringpost::spool {

namespace {

struct NegationHeader {
  std::uint32_t segments = 0;
  std::uint32_t outcomes = 0;
};
struct StoredSegment {
  std::uint32_t shard = 0;
  std::uint32_t number = 0;
  std::uint64_t sequence = 0;
};
struct StoredOutcome {
  std::uint32_t recipient = 0;
  std::uint8_t state = 0;
  std::uint8_t warned = 0;
  std::uint16_t attempts = 0;
  std::int64_t next_attempt = 0;
  std::uint16_t code = 0;
  std::uint16_t reserved = 0;
  std::uint32_t reserved_too = 0;
};
static_assert(sizeof(NegationHeader) == 8 && sizeof(StoredSegment) == 16 && sizeof(StoredOutcome) == 24);

template <class T>
void put(const T& value, std::vector<std::byte>& out) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class T>
T take(std::span<const std::byte>& from) {
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  from = from.subspan(sizeof value);
  return value;
}

}  // namespace

void encode(const Negation& negation, std::vector<std::byte>& out) {
  out.clear();
  put(NegationHeader{static_cast<std::uint32_t>(negation.segments.size()),
                     static_cast<std::uint32_t>(negation.outcomes.size())},
      out);
  for (const journal::SegmentName& name : negation.segments)
    put(StoredSegment{name.shard, name.number, name.sequence}, out);
  for (const Outcome& outcome : negation.outcomes)
    put(StoredOutcome{.recipient = outcome.recipient,
                      .state = static_cast<std::uint8_t>(outcome.state),
                      .warned = static_cast<std::uint8_t>(outcome.warned ? 1 : 0),
                      .attempts = outcome.attempts,
                      .next_attempt = outcome.next_attempt.nanoseconds,
                      .code = outcome.code},
        out);
}

std::optional<Negation> decode_negation(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(NegationHeader)) return std::nullopt;
  const auto header = take<NegationHeader>(payload);
  if (payload.size() != std::uint64_t{header.segments} * sizeof(StoredSegment) +
                            std::uint64_t{header.outcomes} * sizeof(StoredOutcome))
    return std::nullopt;
  Negation negation;
  for (std::uint32_t i = 0; i < header.segments; ++i) {
    const auto stored = take<StoredSegment>(payload);
    negation.segments.push_back({stored.shard, stored.number, stored.sequence});
  }
  for (std::uint32_t i = 0; i < header.outcomes; ++i) {
    const auto stored = take<StoredOutcome>(payload);
    if (stored.state > static_cast<std::uint8_t>(RecipientState::cancelled)) return std::nullopt;
    negation.outcomes.push_back({.recipient = stored.recipient,
                                 .state = static_cast<RecipientState>(stored.state),
                                 .attempts = stored.attempts,
                                 .next_attempt = {stored.next_attempt},
                                 .code = stored.code,
                                 .warned = stored.warned != 0});
  }
  return negation;
}

}  // namespace ringpost::spool
