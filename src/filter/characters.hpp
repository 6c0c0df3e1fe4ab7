// Characters as rules know them: ASCII classes of bytes, and the blanks of Unicode.
//
// Layer:   private to `filter`.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringpost::filter {

inline constexpr auto kNowhere = std::string_view::npos;

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_letter(char c) {
  return is_upper(c) || is_lower(c);
}
constexpr bool is_alnum(char c) {
  return is_letter(c) || is_digit(c);
}
constexpr bool is_word(char c) {
  return is_alnum(c) || c == '_';
}
constexpr bool is_eight_bit(char c) {
  return static_cast<std::uint8_t>(c) > 127;
}
constexpr char to_lower(char c) {
  return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Which bytes are among some characters: a look into a table.
class CharacterSet {
 public:
  constexpr explicit CharacterSet(std::string_view characters) {
    for (const char c : characters) has_[static_cast<std::uint8_t>(c)] = true;
  }
  constexpr bool has(char c) const { return has_[static_cast<std::uint8_t>(c)]; }

 private:
  std::array<bool, 256> has_{};
};

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}
constexpr bool equal_nocase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t at = 0; at < a.size(); ++at)
    if (a[at] != b[at] && to_lower(a[at]) != to_lower(b[at])) return false;
  return true;
}
constexpr bool starts_nocase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_nocase(text.substr(0, prefix.size()), prefix);
}
constexpr bool ends_nocase(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && equal_nocase(text.substr(text.size() - suffix.size()), suffix);
}
constexpr std::size_t find_nocase(std::string_view text, std::string_view word, std::size_t from = 0) {
  const char first = word.empty() ? '\0' : to_lower(word.front());
  for (std::size_t at = from; at + word.size() <= text.size(); ++at)
    if (word.empty() || (to_lower(text[at]) == first && equal_nocase(text.substr(at, word.size()), word)))
      return at;
  return kNowhere;
}
constexpr bool contains_nocase(std::string_view text, std::string_view word) {
  return find_nocase(text, word) != kNowhere;
}
constexpr bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != kNowhere;
}
inline std::string replace_all(std::string written, std::string_view what, std::string_view by) {
  if (!contains(written, what)) return written;
  std::string_view text = written;
  std::string out;
  for (;;) {
    const std::size_t found = text.find(what);
    out += text.substr(0, found);
    if (found == kNowhere) return out;
    out += by;
    text.remove_prefix(found + what.size());
  }
}
// Each CRLF is an LF; other CRs stay.
inline std::string crlf_to_lf(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t cr = text.find('\r', at);
    while (cr != kNowhere && (cr + 1 == text.size() || text[cr + 1] != '\n')) cr = text.find('\r', cr + 1);
    out += text.substr(at, cr == kNowhere ? cr : cr - at);
    at = cr == kNowhere ? text.size() : cr + 1;
  }
  return out;
}
constexpr std::string_view trim_front(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}
constexpr std::string_view trim_back(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}
constexpr std::string_view trim(std::string_view text) {
  return trim_front(trim_back(text));
}
constexpr bool is_blank_line(std::string_view text) {
  return std::ranges::all_of(text, is_space);
}

// The next line with its newline, taken from the front of `rest`.
constexpr std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end == kNowhere ? kNowhere : end + 1);
  rest.remove_prefix(line.size());
  return line;
}

// Where the character of UTF-8 that ends at `end` begins.
constexpr std::size_t character_before(std::string_view utf8, std::size_t end) {
  std::size_t at = end - 1;
  while (at > 0 && (static_cast<std::uint8_t>(utf8[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

// Bytes of the Unicode blank (or ASCII space) at `at`; 0 when there is none. NBSP and U+0085 are blanks.
constexpr std::size_t blank_size_at(std::string_view utf8, std::size_t at) {
  const char c = utf8[at];
  if (is_space(c)) return 1;
  if (c == '\xC2') return at + 1 < utf8.size() && (utf8[at + 1] == '\xA0' || utf8[at + 1] == '\x85') ? 2 : 0;
  if ((c != '\xE1' && c != '\xE2' && c != '\xE3') || utf8.size() - at < 3) return 0;
  const std::string_view three = utf8.substr(at, 3);
  if (three == "\xE1\x9A\x80" || three == "\xE3\x80\x80" || three == "\xE2\x81\x9F") return 3;
  if (!three.starts_with("\xE2\x80")) return 0;
  const auto last = static_cast<std::uint8_t>(three[2]);
  return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF ? 3 : 0;
}

}  // namespace ringpost::filter
