#include "decoded_text.hpp"

#include <array>
#include <optional>
#include <vector>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/charset.hpp"
#include "ringpost/mail/transfer_decoding.hpp"

#include "characters.hpp"

namespace ringpost::filter {

namespace {

using mail::BadCharacters;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

// Charsets in which 7-bit bytes are ASCII, by the names that mails use.
bool extends_ascii(std::string_view charset) {
  const std::string name = lower(charset);
  for (const std::string_view known : {"us-ascii", "ascii", "iso646-us", "utf-8", "utf8", "big5", "gbk",
                                       "gb18030", "gb-18030", "iso-8859", "iso8859", "iso 8859"})
    if (name == known) return true;
  if (name.starts_with("iso-8859-") || name.starts_with("iso8859-"))
    return all_digits(std::string_view(name).substr(name.rfind('-') + 1));
  if (name.starts_with("windows-")) return name.size() == 12 && all_digits(std::string_view(name).substr(8));
  return name.starts_with("koi8-") || name.starts_with("euc-");
}

bool is_ascii_name(std::string_view charset) {
  return equal_nocase(charset, "us-ascii") || equal_nocase(charset, "ascii");
}

// Which of the two bytes of most characters is zero, or small.
std::string_view utf16_order(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return "UTF-16";
  std::array<std::size_t, 2> sums{};
  for (std::size_t i = 0; i < bytes.size(); ++i) sums[i % 2] += static_cast<std::uint8_t>(bytes[i]);
  if (sums[0] > sums[1] * 4) return "UTF-16LE";
  return sums[1] > sums[0] * 4 ? "UTF-16BE" : "";
}

// A charset that ICU knows by another name, or that is part of a larger one.
std::string_view known_name(std::string_view charset) {
  if (starts_nocase(charset, "gb18030") || starts_nocase(charset, "gb-18030")) return "gb18030";
  if (equal_nocase(charset, "ks_c_5601-1987")) return "windows-949";
  return charset;
}

std::optional<std::string> decode_declared(std::string_view bytes, std::string_view charset, Trust trust) {
  if (is_ascii_name(charset) && trust == Trust::verify) return std::nullopt;
  if (starts_nocase(charset, "utf-16") || starts_nocase(charset, "utf16")) {
    const std::string_view order = utf16_order(bytes);
    return order.empty() ? std::nullopt : mail::to_utf8(bytes, order, BadCharacters::refuse);
  }
  return mail::to_utf8(bytes, known_name(charset),
                       trust == Trust::declared ? BadCharacters::replace : BadCharacters::refuse);
}

}  // namespace

DecodedText decode_text(std::string_view bytes, std::string_view charset, Trust trust) {
  const bool eight_bit = mail::has_eight_bit(bytes);
  if (!eight_bit && extends_ascii(charset)) return {std::string(bytes), false};
  if (eight_bit && trust == Trust::verify && mail::is_utf8(bytes)) return {std::string(bytes), true};
  if (auto decoded = decode_declared(bytes, charset, trust)) return {*std::move(decoded), true};
  if (!eight_bit) return {std::string(bytes), false};
  return {mail::windows_1252_to_utf8(bytes), true};
}

namespace {

struct EncodedWord {
  std::string charset;  // lower case
  std::string bytes;
  std::size_t size = 0;  // of the word in the text
};

bool is_charset_character(char c) {
  return is_word(c) || c == '*' || c == '-';
}

// The encoded word at `at`, with its bytes when asked.
std::optional<EncodedWord> encoded_word_at(std::string_view text, std::size_t at, bool decode) {
  if (!text.substr(at).starts_with("=?")) return std::nullopt;
  std::size_t next = at + 2;
  while (next < text.size() && is_charset_character(text[next])) ++next;
  if (next == at + 2 || text.size() - next < 3 || text[next] != '?' || text[next + 2] != '?')
    return std::nullopt;
  const char encoding = to_lower(text[next + 1]);
  if (encoding != 'b' && encoding != 'q') return std::nullopt;
  const std::size_t begin = next + 3;
  const std::size_t end = text.find('?', begin);
  if (end == kNowhere || end + 1 >= text.size() || text[end + 1] != '=') return std::nullopt;
  EncodedWord word{lower(text.substr(at + 2, next - at - 2)), {}, end + 2 - at};
  if (!decode) return word;
  std::string content(text.substr(begin, end - begin));
  if (encoding == 'b') {
    word.bytes = mail::decode_base64_tolerant(content);
  } else {
    for (char& c : content)
      if (c == '_') c = ' ';
    word.bytes = mail::decode_quoted_printable(content);
  }
  return word;
}

// Blanks between two encoded words are no text.
std::size_t blanks_between_words(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_space(text[end])) ++end;
  return end > at && end < text.size() && encoded_word_at(text, end, false) ? end - at : 0;
}

bool has_no_words(std::string_view name) {
  if (starts_nocase(name, "resent-")) {
    const std::string_view rest = name.substr(7);
    if (equal_nocase(rest, "message-id") || equal_nocase(rest, "date")) return true;
  }
  for (const std::string_view known :
       {"received", "message-id", "date", "mime-version", "references", "in-reply-to"})
    if (equal_nocase(name, known)) return true;
  return starts_nocase(name, "list-");
}

std::string in_charset(const std::string& bytes, std::string_view charset) {
  return decode_text(bytes, charset.substr(0, charset.find('*')), Trust::declared).text;
}

// Words of one charset that follow each other are decoded as one: senders split characters between them.
std::string decode_all_words(std::string_view text) {
  std::string out;
  std::string pending;
  std::string charset;
  const auto flush = [&] {
    if (!charset.empty()) out += in_charset(pending, charset);
    pending.clear();
    charset.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    if (const auto word = encoded_word_at(text, at, true)) {
      if (word->charset != charset) flush();
      charset = word->charset;
      pending += word->bytes;
      at += word->size;
      at += blanks_between_words(text, at);
      continue;
    }
    flush();
    const std::size_t next = std::min(text.find('=', at + 1), text.size());
    out += text.substr(at, next - at);
    at = next;
  }
  flush();
  return out;
}

}  // namespace

namespace {

std::string in_one_line(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '\r' && at + 1 < value.size() && value[at + 1] == '\n') continue;
    const bool folded_tab = value[at] == '\t' && at > 0 && value[at - 1] == '\n';
    if (value[at] != '\n') text += folded_tab ? ' ' : value[at];
  }
  return text;
}

}  // namespace

std::string decode_words(std::string_view name, std::string_view value) {
  std::string text(value);
  if (contains(value, "\n")) text = in_one_line(value);
  if (mail::has_eight_bit(text)) text = decode_text(text, "UTF-8", Trust::verify).text;
  if (has_no_words(name) || !contains(text, "=?")) return text;
  return decode_all_words(text);
}

void append_decoded_field(std::string& out, std::string_view name, std::string_view value) {
  value = trim_front(value);
  const std::size_t begin = out.size();
  for (std::size_t at = 0; at < value.size();) {
    std::size_t end = std::min(value.find('\n', at), value.size());
    const bool folds = end + 1 < value.size() && is_blank(value[end + 1]);
    if (!folds) end = std::min(end + 1, value.size());
    out += value.substr(at, end - at);
    at = end;
    if (!folds) continue;
    out += ' ';
    ++at;
    while (at < value.size() && is_blank(value[at])) ++at;
  }
  const auto unfolded = [&] { return std::string_view(out).substr(begin); };
  out.resize(begin + trim_back(unfolded()).size());
  const bool plain =
      !contains(unfolded(), "\n") && !contains(unfolded(), "=?") && !mail::has_eight_bit(unfolded());
  if (plain) return;
  const std::string decoded = decode_words(name, unfolded());
  out.resize(begin);
  out += decoded;
}

}  // namespace ringpost::filter
