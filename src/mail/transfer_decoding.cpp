#include "ringpost/mail/transfer_decoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

constexpr std::uint8_t kNoDigit = 64;
constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  std::uint8_t value = 0;
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    digits[static_cast<std::uint8_t>(c)] = value++;
  return digits;
}();

void append_group(std::uint32_t bits, unsigned digits, std::string& out) {
  bits <<= 6U * (4 - digits);
  for (unsigned i = 0; i + 1 < digits; ++i) out += static_cast<char>(bits >> (16 - 8 * i) & 0xFFU);
}

// Where the text ends when the padding at its end is left off.
std::size_t without_padding(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 &&
         (text[end - 1] == '=' || is_space(text[end - 1]) || text[end - 1] == '\f' || text[end - 1] == '\v'))
    --end;
  return end;
}

}  // namespace

std::string decode_base64_tolerant(std::string_view text) {
  text = text.substr(0, without_padding(text));
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  unsigned digits = 0;
  for (const char c : text) {
    const std::uint8_t digit = c == '=' ? 0 : kDigits[static_cast<std::uint8_t>(c)];
    if (digit == kNoDigit) continue;
    bits = bits << 6U | digit;
    if (++digits < 4) continue;
    append_group(bits, 4, out);
    bits = 0;
    digits = 0;
  }
  append_group(bits, digits, out);
  return out;
}

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto line_end_at = [&](std::size_t at) -> std::size_t {
    if (at < text.size() && text[at] == '\n') return 1;
    return at + 1 < text.size() && text[at] == '\r' && text[at + 1] == '\n' ? 2 : 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (is_blank(c)) {
      const std::size_t end = std::min(text.find_first_not_of(" \t", at), text.size());
      if (line_end_at(end) == 0) out += text.substr(at, end - at);
      at = end;
    } else if (c != '=') {
      out += c;
      ++at;
    } else {
      std::size_t end = std::min(text.find_first_not_of(" \t", at + 1), text.size());
      if (const std::size_t size = line_end_at(end); size > 0) {
        at = end + size;
      } else if (text.size() - at > 2 && hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0) {
        out += static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
        at += 3;
      } else {
        out += c;
        ++at;
      }
    }
  }
  return out;
}

}  // namespace ringpost::mail
