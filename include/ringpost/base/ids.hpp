// The identity of a message, the same in memory, in the log, on disk and in the text that people see.
//
// Layer: base. Bits, high to low: epoch:20 | shard:10 | sequence:34. The epoch is one for the spool, raised durably at
//        every start before the first id is given, so no id is ever given twice.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost {

struct MessageId {
  std::uint64_t value = 0;  // 0 is "none"

  static constexpr unsigned kSequenceBits = 34;
  static constexpr unsigned kShardBits = 10;
  static constexpr unsigned kEpochBits = 20;

  static constexpr MessageId make(std::uint32_t epoch, std::uint32_t shard, std::uint64_t sequence) {
    return {(std::uint64_t{epoch} << (kSequenceBits + kShardBits)) | (std::uint64_t{shard} << kSequenceBits) |
            sequence};
  }
  constexpr std::uint32_t epoch() const {
    return static_cast<std::uint32_t>(value >> (kSequenceBits + kShardBits));
  }
  constexpr std::uint32_t shard() const {
    return static_cast<std::uint32_t>(value >> kSequenceBits) & ((1U << kShardBits) - 1);
  }
  constexpr std::uint64_t sequence() const { return value & ((std::uint64_t{1} << kSequenceBits) - 1); }
  constexpr explicit operator bool() const { return value != 0; }
  constexpr auto operator<=>(const MessageId&) const = default;
};

// The queue id: 13 characters of Crockford base 32 (no I, L, O, U), fixed width, sorts as the number does.
std::string to_string(MessageId id);
std::optional<MessageId> parse_message_id(std::string_view text);

}  // namespace ringpost
