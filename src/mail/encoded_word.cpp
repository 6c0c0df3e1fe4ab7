// RFC 2047: words of other alphabets in header fields.
#include <algorithm>
#include <optional>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/mail/charset.hpp"
#include "ringpost/mail/header_address.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

std::optional<std::string> decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i] == '_' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

// A character of these may be split over two words; those of others are whole in theirs (RFC 2047 section 5).
bool is_unicode(std::string_view charset) {
  return equal_ignoring_case(charset, "utf-8") || equal_ignoring_case(charset, "us-ascii");
}

struct Word {
  std::string text;
  std::size_t size = 0;  // of the encoded word
};

// The encoded word at the front of `text`.
std::optional<Word> read_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || text.size() - charset_end < 5 || text[charset_end + 2] != '?')
    return std::nullopt;
  const std::size_t text_begin = charset_end + 3;
  const std::size_t end = text.find("?=", text_begin);
  if (end == std::string_view::npos) return std::nullopt;

  std::string_view charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // a language may follow (RFC 2231)
  const std::string_view encoded = text.substr(text_begin, end - text_begin);
  const char encoding = to_lower(text[charset_end + 1]);
  auto decoded = encoding == 'q'   ? decode_q(encoded)
                 : encoding == 'b' ? decode_base64(encoded)
                                   : std::nullopt;
  if (!decoded) return std::nullopt;
  if (is_unicode(charset)) return Word{*std::move(decoded), end + 2};
  auto in_utf8 = to_utf8(*decoded, charset, BadCharacters::refuse);
  if (!in_utf8) return std::nullopt;
  return Word{*std::move(in_utf8), end + 2};
}

// A run of encoded words is one text: a character may be split over two of them.
struct Run {
  std::string text;
  std::size_t size = 0;
};
std::optional<Run> read_run(std::string_view text) {
  Run run;
  while (auto word = read_word(text.substr(run.size))) {
    run.text += word->text;
    run.size += word->size;
    std::size_t blanks = 0;
    while (run.size + blanks < text.size() && is_space(text[run.size + blanks])) ++blanks;
    if (!read_word(text.substr(run.size + blanks))) break;
    run.size += blanks;
  }
  if (run.size == 0 || !is_utf8(run.text)) return std::nullopt;
  return run;
}

}  // namespace

std::string decode_encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (const auto run = read_run(text)) {
      out += run->text;
      text.remove_prefix(run->size);
      continue;
    }
    // To the next word that may be encoded; at least one byte.
    const std::size_t size = std::min(text.find("=?", 1), text.size());
    out += text.substr(0, size);
    text.remove_prefix(size);
  }
  // What was encoded may have been anything, line ends too.
  std::ranges::replace_if(out, is_control, ' ');
  return out;
}

std::string encode_display_name(std::string_view name) {
  const auto plain = [](char c) { return is_atext(c) || c == ' '; };
  if (is_ascii(name) && std::ranges::all_of(name, plain)) return std::string(name);
  std::string out;
  if (is_ascii(name)) {
    out += '"';
    for (const char c : name) {
      if (c == '"' || c == '\\') out += '\\';
      out += is_control(c) ? ' ' : c;
    }
    return out += '"';
  }
  constexpr std::size_t kBytesPerWord =
      45;  // 60 characters of base64 and the frame: under 75 (RFC 2047 section 2)
  while (!name.empty()) {
    std::size_t size = std::min(name.size(), kBytesPerWord);
    while (size > 1 && size < name.size() && (static_cast<std::uint8_t>(name[size]) & 0xC0U) == 0x80U) --size;
    out += out.empty() ? "=?utf-8?B?" : " =?utf-8?B?";
    append_base64(name.substr(0, size), out);
    out += "?=";
    name.remove_prefix(size);
  }
  return out;
}

}  // namespace ringpost::mail
