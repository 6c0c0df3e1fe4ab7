#include "ringpost/mail/xtext.hpp"

#include "ringpost/mail/address.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

void append_xtext(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 33 && byte <= 126 && c != '+' && c != '=') {
      out += c;
      continue;
    }
    out += '+';
    out += kHexDigits[byte >> 4U];
    out += kHexDigits[byte & 15U];
  }
}

std::string xtext(std::string_view text) {
  std::string out;
  append_xtext(text, out);
  return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '+') {
      // RFC 3461 leaves '=' out; senders of ENVID put it in unencoded, and it is plain here.
      if (c < 33 || c > 126) return std::nullopt;
      out += c;
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

namespace {

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xC0U | (point >> 6U));
  } else {
    if (point < 0x10000) {
      put(0xE0U | (point >> 12U));
    } else {
      put(0xF0U | (point >> 18U));
      put(0x80U | ((point >> 12U) & 0x3FU));
    }
    put(0x80U | ((point >> 6U) & 0x3FU));
  }
  put(0x80U | (point & 0x3FU));
}

// "\x{10FFFF}" at the front of `text`: takes it and gives the code point.
std::optional<std::uint32_t> take_embedded(std::string_view& text) {
  if (!text.starts_with("\\x{")) return std::nullopt;
  std::uint32_t point = 0;
  std::size_t i = 3;
  for (; i < text.size() && i < 9 && hex_value(text[i]) >= 0; ++i)
    point = point * 16 + static_cast<std::uint32_t>(hex_value(text[i]));
  if (i == 3 || i >= text.size() || text[i] != '}') return std::nullopt;
  if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return std::nullopt;
  text.remove_prefix(i + 1);
  return point;
}

// RFC 6533 section 3: utf-8-addr-xtext and utf-8-addr-unitext.
std::optional<std::string> decode_utf8_address(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() == '\\') {
      const auto point = take_embedded(text);
      if (!point) return std::nullopt;
      append_utf8(*point, out);
      continue;
    }
    if (is_control(text.front())) return std::nullopt;
    out += text.front();
    text.remove_prefix(1);
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

std::uint32_t take_point(std::string_view& utf8) {
  const auto lead = static_cast<std::uint8_t>(utf8.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  std::uint32_t point = size == 1 ? lead : lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) point = (point << 6U) | (static_cast<std::uint8_t>(utf8[i]) & 0x3FU);
  utf8.remove_prefix(size);
  return point;
}

void append_utf8_address_xtext(std::string_view utf8, std::string& out) {
  constexpr std::string_view kEncoded = "+=\\";
  while (!utf8.empty()) {
    const std::uint32_t point = take_point(utf8);
    const bool plain = point > 32 && point < 127 && !kEncoded.contains(static_cast<char>(point));
    if (plain) {
      out += static_cast<char>(point);
      continue;
    }
    out += "\\x{";
    unsigned shift = 20;
    while (shift > 4 && (point >> shift) == 0) shift -= 4;
    for (;; shift -= 4) {
      out += kHexDigits[(point >> shift) & 15U];
      if (shift == 0) break;
    }
    out += '}';
  }
}

}  // namespace

std::optional<OriginalRecipient> parse_orcpt(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == 0 || semicolon == std::string_view::npos) return std::nullopt;
  for (const char c : value.substr(0, semicolon))
    if (!is_atext(c) || is_eight_bit(c)) return std::nullopt;
  OriginalRecipient original{lower(value.substr(0, semicolon)), {}};
  const std::string_view encoded = value.substr(semicolon + 1);
  auto decoded = original.type == "utf-8" ? decode_utf8_address(encoded) : decode_xtext(encoded);
  if (!decoded || decoded->empty()) return std::nullopt;
  original.address = *std::move(decoded);
  return original;
}

std::string make_orcpt(std::string_view address, bool smtputf8) {
  std::string out;
  if (is_ascii(address) || !is_utf8(address)) {
    out = "rfc822;";
    append_xtext(address, out);
    return out;
  }
  out = "utf-8;";
  if (smtputf8 && address.find_first_of("+=\\") == std::string_view::npos)
    out += address;
  else
    append_utf8_address_xtext(address, out);
  return out;
}

}  // namespace ringpost::mail
