// RFC 2047: words of other alphabets in header fields.
#include <algorithm>
#include <optional>
#include <vector>

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
  // There is no "?" in an encoded text: what looks like one ends here, however long the field is.
  const std::size_t text_begin = charset_end + 3;
  const std::size_t end = text.find('?', text_begin);
  if (end == std::string_view::npos || !text.substr(end).starts_with("?=")) return std::nullopt;

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

// Encoded words with nothing but blanks between them.
struct Run {
  std::vector<Word> words;
  std::vector<std::size_t> begins;  // of each word
  std::size_t size = 0;
};
Run read_run(std::string_view text) {
  Run run;
  for (std::size_t at = 0;;) {
    auto word = read_word(text.substr(at));
    if (!word) return run;
    run.size = at + word->size;
    run.begins.push_back(at);
    run.words.push_back(*std::move(word));
    for (at = run.size; at < text.size() && is_space(text[at]);) ++at;
  }
}

// A run is one text, for a character may be split over two words. Where that is none, each word is by itself, and one that is none
// either stays as it came.
void append_run(const Run& run, std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  for (const Word& word : run.words) out += word.text;
  if (is_utf8(std::string_view(out).substr(before))) return;
  out.resize(before);
  bool after_decoded = true;
  for (std::size_t i = 0, end = 0; i < run.words.size(); ++i) {
    const Word& word = run.words[i];
    const bool decoded = is_utf8(word.text);
    if (!decoded || !after_decoded) out += text.substr(end, run.begins[i] - end);
    out += decoded ? std::string_view(word.text) : text.substr(run.begins[i], word.size);
    after_decoded = decoded;
    end = run.begins[i] + word.size;
  }
}

}  // namespace

std::string decode_encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (const Run run = read_run(text); run.size != 0) {
      append_run(run, text, out);
      text.remove_prefix(run.size);
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
