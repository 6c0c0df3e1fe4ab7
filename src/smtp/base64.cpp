#include "base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "ringpost/smtp/limits.hpp"

namespace ringpost::smtp {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

}  // namespace

void append_base64(std::string_view bytes, std::string& out) {
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out.push_back(i <= count ? kAlphabet[(group >> (18 - 6 * i)) & 63U] : '=');
    }
  }
}

std::optional<sasl::Secret> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > kAuthLineBytesMax) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);
  std::array<char, kAuthLineBytesMax> bytes;
  std::size_t size = 0;
  std::uint32_t group = 0;
  unsigned bits = 0;
  bool valid = true;
  for (char digit : digits) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(digit)];
    valid = valid && value != kInvalid;
    group = ((group << 6) | (value & 63U)) & 0xffffffU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[size++] = static_cast<char>((group >> bits) & 0xffU);
    }
  }
  // The bits behind the last whole byte must be zero, or one text would have many encodings.
  valid = valid && (group & ((1U << bits) - 1U)) == 0;
  sasl::Secret secret(std::string_view(bytes.data(), valid ? size : 0));
  sasl::wipe(std::span(bytes).first(size));
  if (!valid) return std::nullopt;
  return secret;
}

}  // namespace ringpost::smtp
