#include "byte_sets.hpp"

#include <fmt/format.h>

namespace ringpost::patterns {

namespace {

bool plain(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         byte == '_' || byte == '/' || byte == ':' || byte == '@' || byte == ',' || byte == ';' ||
         byte == '=' || byte == '%' || byte == '"' || byte == '\'';
}

std::string ranges(const ByteSet& set) {
  std::string text;
  for (unsigned first = 0; first < 256; ++first) {
    if (!set[first]) continue;
    unsigned last = first;
    while (last + 1 < 256 && set[last + 1]) ++last;
    text += byte_text(static_cast<unsigned char>(first));
    if (last > first + 1) text += '-';
    if (last > first) text += byte_text(static_cast<unsigned char>(last));
    first = last;
  }
  return text;
}

const ByteSet kDigits = bytes_between('0', '9');
const ByteSet kUpper = bytes_between('A', 'Z');
const ByteSet kLower = bytes_between('a', 'z');
const ByteSet kAlpha = kUpper | kLower;
const ByteSet kAlnum = kAlpha | kDigits;
const ByteSet kPunct = bytes_between('!', '~') & ~kAlnum;

}  // namespace

ByteSet bytes_of(std::string_view members) {
  ByteSet set;
  for (const char c : members) set.set(static_cast<unsigned char>(c));
  return set;
}

ByteSet bytes_between(unsigned first, unsigned last) {
  ByteSet set;
  for (unsigned byte = first; byte <= last && byte < 256; ++byte) set.set(byte);
  return set;
}

std::optional<ByteSet> escaped_class(char letter) {
  switch (letter) {
    case 'd':
      return kDigits;
    case 'D':
      return ~kDigits;
    case 'w':
      return kAlnum | bytes_of("_");
    case 'W':
      return ~(kAlnum | bytes_of("_"));
    case 's':
      return bytes_of(" \t\n\r\f\v");
    case 'S':
      return ~bytes_of(" \t\n\r\f\v");
    case 'h':
      return bytes_of(" \t\xa0");
    case 'H':
      return ~bytes_of(" \t\xa0");
    case 'v':
      return bytes_of("\n\v\f\r\x85");
    case 'V':
      return ~bytes_of("\n\v\f\r\x85");
    case 'N':
      return ~bytes_of("\n");
    default:
      return std::nullopt;
  }
}

std::optional<ByteSet> named_class(std::string_view name) {
  if (name == "alpha") return kAlpha;
  if (name == "digit") return kDigits;
  if (name == "alnum") return kAlnum;
  if (name == "upper") return kUpper;
  if (name == "lower") return kLower;
  if (name == "space") return bytes_of(" \t\n\r\f\v");
  if (name == "blank") return bytes_of(" \t");
  if (name == "punct") return kPunct;
  if (name == "cntrl") return bytes_between(0, 31) | bytes_between(127, 127);
  if (name == "graph") return bytes_between('!', '~');
  if (name == "print") return bytes_between(' ', '~');
  if (name == "xdigit") return kDigits | bytes_between('a', 'f') | bytes_between('A', 'F');
  if (name == "word") return kAlnum | bytes_of("_");
  if (name == "ascii") return bytes_between(0, 127);
  return std::nullopt;
}

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 128;
}

ByteSet folded(ByteSet set) {
  for (unsigned letter = 'a'; letter <= 'z'; ++letter) {
    const bool either = set[letter] || set[letter - 32];
    set[letter] = either;
    set[letter - 32] = either;
  }
  return set;
}

std::string byte_text(unsigned char byte) {
  return plain(byte) ? std::string(1, static_cast<char>(byte)) : fmt::format("\\x{:02x}", byte);
}

std::string class_text(const ByteSet& set) {
  if (set.all()) return "(?s:.)";
  if (set.count() == 1)
    for (unsigned byte = 0; byte < 256; ++byte)
      if (set[byte]) return byte_text(static_cast<unsigned char>(byte));
  const std::string inside = ranges(set);
  const std::string outside = ranges(~set);
  return inside.size() <= outside.size() + 1 ? "[" + inside + "]" : "[^" + outside + "]";
}

PackedSet packed(const ByteSet& set) {
  PackedSet bytes{};
  for (unsigned byte = 0; byte < 256; ++byte)
    if (set[byte]) bytes[byte / 8] = static_cast<unsigned char>(bytes[byte / 8] | 1U << (byte % 8));
  return bytes;
}

ByteSet unpacked(const PackedSet& bytes) {
  ByteSet set;
  for (unsigned byte = 0; byte < 256; ++byte) set[byte] = (bytes[byte / 8] >> (byte % 8) & 1U) != 0;
  return set;
}

}  // namespace ringpost::patterns
