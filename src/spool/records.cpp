#include "records.hpp"

#include <algorithm>

#include "ringpost/journal/format.hpp"

namespace ringpost::spool {

journal::Location body_before(journal::Location envelope, std::uint32_t size) {
  const std::size_t behind = journal::record_size(size);
  if (size == 0 || envelope.offset < journal::kFirstFrame + sizeof(journal::FrameHeader) + behind) return {};
  return {envelope.segment, static_cast<std::uint32_t>(envelope.offset - behind), size};
}

namespace {
constexpr std::uint32_t kRecipientMask = (1U << 24) - 1;
constexpr std::int64_t kMicrosecond = 1000;
constexpr std::int64_t kNextAttemptMax = (std::int64_t{1} << 52) - 1;
}  // namespace

PackedOutcome pack(const Outcome& outcome) {
  PackedOutcome packed;
  packed.recipient = outcome.recipient & kRecipientMask;
  packed.attempts = outcome.attempts;
  packed.code = static_cast<std::uint16_t>(std::min<unsigned>(outcome.code, 999) & 0xFFFU);
  packed.state = static_cast<std::uint16_t>(static_cast<unsigned>(outcome.state) & 7U);
  packed.warned = outcome.warned ? 1 : 0;
  const auto next =
      std::clamp<std::int64_t>(outcome.next_attempt.nanoseconds / kMicrosecond, 0, kNextAttemptMax);
  packed.next_attempt = static_cast<std::uint64_t>(next) & kNextAttemptMax;
  return packed;
}

Outcome unpack(const PackedOutcome& packed) {
  return {.recipient = packed.recipient,
          .state = static_cast<RecipientState>(packed.state),
          .attempts = packed.attempts,
          .next_attempt = {static_cast<std::int64_t>(packed.next_attempt) * kMicrosecond},
          .code = packed.code,
          .warned = packed.warned != 0};
}

namespace {

StateItem item_of(const PackedOutcome& outcome) {
  return {.recipient = outcome.recipient,
          .attempts = outcome.attempts,
          .code = outcome.code,
          .state = static_cast<std::uint8_t>(outcome.state),
          .warned = static_cast<std::uint8_t>(outcome.warned),
          .next_attempt = static_cast<std::int64_t>(outcome.next_attempt) * kMicrosecond};
}
StateItem item_of(const FinishedTarget& finished) {
  return {.recipient = finished.recipient,
          .state = kTargetFinished,
          .next_attempt = static_cast<std::int64_t>(finished.target)};
}

PackedOutcome outcome_of(const StateItem& item) {
  return pack({.recipient = item.recipient,
               .state = static_cast<RecipientState>(item.state),
               .attempts = item.attempts,
               .next_attempt = {item.next_attempt},
               .code = item.code,
               .warned = item.warned != 0});
}

}  // namespace

std::vector<std::byte> encode_state(std::span<const PackedOutcome> outcomes,
                                    std::span<const FinishedTarget> finished, bool whole) {
  const std::size_t count = outcomes.size() + finished.size();
  std::vector<std::byte> bytes(sizeof(StateHeader) + count * sizeof(StateItem));
  const StateHeader header{static_cast<std::uint32_t>(count), whole ? 1U : 0U};
  std::memcpy(bytes.data(), &header, sizeof header);
  std::byte* at = bytes.data() + sizeof header;
  const auto put = [&](const auto& what) {
    const StateItem item = item_of(what);
    std::memcpy(at, &item, sizeof item);
    at += sizeof item;
  };
  for (const PackedOutcome& outcome : outcomes) put(outcome);
  for (const FinishedTarget& target : finished) put(target);
  return bytes;
}

std::optional<DecodedState> decode_state(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(StateHeader)) return std::nullopt;
  const auto header = journal::load<StateHeader>(payload);
  if ((payload.size() - sizeof header) / sizeof(StateItem) < header.count) return std::nullopt;
  DecodedState decoded{.whole = header.whole != 0};
  for (std::size_t i = 0; i < header.count; ++i) {
    const auto item = journal::load<StateItem>(payload, sizeof header + i * sizeof(StateItem));
    if (item.state > kTargetFinished || item.recipient > kRecipientMask) return std::nullopt;
    if (item.state == kTargetFinished)
      decoded.finished.push_back({item.recipient, static_cast<std::uint64_t>(item.next_attempt)});
    else
      decoded.outcomes.push_back(outcome_of(item));
  }
  return decoded;
}

std::vector<std::byte> encode_segments(std::span<const journal::SegmentName> names) {
  std::vector<std::byte> bytes(names.size() * sizeof(SegmentItem));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const SegmentItem item{names[i].shard, names[i].number, names[i].sequence};
    std::memcpy(bytes.data() + i * sizeof item, &item, sizeof item);
  }
  return bytes;
}

std::vector<journal::SegmentName> decode_segments(std::span<const std::byte> payload) {
  std::vector<journal::SegmentName> names;
  for (std::size_t at = 0; at + sizeof(SegmentItem) <= payload.size(); at += sizeof(SegmentItem)) {
    const auto item = journal::load<SegmentItem>(payload, at);
    names.push_back({item.shard, item.number, item.sequence});
  }
  return names;
}

}  // namespace ringpost::spool
