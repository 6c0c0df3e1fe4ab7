// Characters as the mail grammars know them. Never the C library's: those ask the locale.
//
// Layer:   private to `mail`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringpost::mail {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}
constexpr bool is_eight_bit(char c) {
  return static_cast<std::uint8_t>(c) > 127;
}
constexpr bool is_control(char c) {
  return static_cast<std::uint8_t>(c) < 32 || c == 127;
}
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_space(char c) {
  return is_blank(c) || c == '\r' || c == '\n';
}
// RFC 5322 section 3.2.3, and UTF-8 (RFC 6531 section 3.3).
constexpr bool is_atext(char c) {
  return is_letter(c) || is_digit(c) || is_eight_bit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}
constexpr bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (is_eight_bit(c)) return false;
  return true;
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
inline constexpr std::string_view kHexDigits = "0123456789ABCDEF";

inline void append_lower(std::string_view text, std::string& out) {
  for (const char c : text) out += to_lower(c);
}
inline std::string lower(std::string_view text) {
  std::string out;
  append_lower(text, out);
  return out;
}

}  // namespace ringpost::mail
