// What names one message of one run, wherever it turns up again: "7f3a91c2-000-000000000042".
//
// Layer:  tool, pure. Fixed width, so that a prepared message is patched in place and a line that was cut off is seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::loadgen {

struct LoadId {
  std::uint32_t run = 0;       // random for each run
  std::uint32_t core = 0;      // below 1000
  std::uint64_t sequence = 0;  // of that core, from 0
  bool operator==(const LoadId&) const = default;
};

inline constexpr std::size_t kIdSize = 8 + 1 + 3 + 1 + 12;
inline constexpr std::size_t kChecksumSize = 8;
inline constexpr std::size_t kNanosecondsSize = 19;

void write_id(const LoadId& id, std::span<char, kIdSize> out);
std::string to_string(const LoadId& id);
std::optional<LoadId> parse_id(std::string_view text);

// A checksum (CRC-32C) as eight hexadecimal digits.
void write_checksum(std::uint32_t checksum, std::span<char, kChecksumSize> out);
std::string checksum_text(std::uint32_t checksum);
std::optional<std::uint32_t> parse_checksum(std::string_view text);

// With leading zeros.
void write_decimal(std::uint64_t number, std::span<char> out);

}  // namespace ringpost::loadgen
