#include "load_id.hpp"

#include <algorithm>
#include <charconv>

namespace ringpost::loadgen {

namespace {

template <class Number>
std::optional<Number> all_digits(std::string_view text, int base) {
  // from_chars takes a sign; we do not.
  if (text.empty() || text.front() == '-') return std::nullopt;
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void write_hexadecimal(std::uint32_t number, std::span<char, 8> out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = out.size(); i-- > 0; number >>= 4U) out[i] = kDigits[number & 15U];
}

}  // namespace

void write_decimal(std::uint64_t number, std::span<char> out) {
  for (std::size_t i = out.size(); i-- > 0; number /= 10) out[i] = static_cast<char>('0' + number % 10);
}

void write_id(const LoadId& id, std::span<char, kIdSize> out) {
  write_hexadecimal(id.run, out.first<8>());
  out[8] = '-';
  write_decimal(id.core, out.subspan<9, 3>());
  out[12] = '-';
  write_decimal(id.sequence, out.subspan<13, 12>());
}

std::string to_string(const LoadId& id) {
  std::string text(kIdSize, '0');
  write_id(id, std::span<char, kIdSize>(text));
  return text;
}

std::optional<LoadId> parse_id(std::string_view text) {
  if (text.size() != kIdSize || text[8] != '-' || text[12] != '-') return std::nullopt;
  const auto run = all_digits<std::uint32_t>(text.substr(0, 8), 16);
  const auto core = all_digits<std::uint32_t>(text.substr(9, 3), 10);
  const auto sequence = all_digits<std::uint64_t>(text.substr(13), 10);
  if (!run || !core || !sequence) return std::nullopt;
  return LoadId{*run, *core, *sequence};
}

void write_checksum(std::uint32_t checksum, std::span<char, kChecksumSize> out) {
  write_hexadecimal(checksum, out);
}

std::string checksum_text(std::uint32_t checksum) {
  std::string text(kChecksumSize, '0');
  write_checksum(checksum, std::span<char, kChecksumSize>(text));
  return text;
}

std::optional<std::uint32_t> parse_checksum(std::string_view text) {
  return text.size() == kChecksumSize ? all_digits<std::uint32_t>(text, 16) : std::nullopt;
}

}  // namespace ringpost::loadgen
