// Characters as the IMAP grammar knows them (RFC 9051 section 9).
//
// Layer:   private to `imap`.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringpost::imap {

constexpr bool is_control(char c) {
  return static_cast<std::uint8_t>(c) < 32 || c == 127;
}
constexpr bool is_eight_bit(char c) {
  return static_cast<std::uint8_t>(c) > 127;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_atom_char(char c) {
  return !is_control(c) && !is_eight_bit(c) &&
         std::string_view("(){ %*\"\\]").find(c) == std::string_view::npos;
}
constexpr bool is_astring_char(char c) {
  return is_atom_char(c) || c == ']';
}
constexpr bool is_tag_char(char c) {
  return is_astring_char(c) && c != '+';
}
constexpr bool is_list_char(char c) {
  return is_astring_char(c) || c == '%' || c == '*';
}
constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

}  // namespace ringpost::imap
