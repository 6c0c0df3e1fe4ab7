#include "preview.hpp"

#include "ringpost/access/limits.hpp"
#include "ringpost/mail/charset.hpp"
#include "ringpost/mail/transfer_decoding.hpp"

namespace ringpost::access {

namespace {

// Enough of a part for its first words, also in base64 and between tags.
constexpr std::uint64_t kLookedAt = 8 * 1024;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Blanks in one, and no more characters than a preview has.
std::string first_words(std::string_view text) {
  std::string words;
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size() && characters < kPreviewCharacters;) {
    const auto character = mail::utf8_at(text, at);
    if (is_blank(text[at])) {
      if (!words.empty() && words.back() != ' ') {
        words += ' ';
        ++characters;
      }
    } else {
      words += text.substr(at, character.size);
      ++characters;
    }
    at += character.size;
  }
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

}  // namespace

std::string decoded_text(const mail::MimePart& part, std::string_view bytes) {
  std::string text(bytes);
  if (same_word(part.encoding, "base64")) text = mail::decode_base64_tolerant(bytes);
  if (same_word(part.encoding, "quoted-printable")) text = mail::decode_quoted_printable(bytes);
  std::string_view charset = "us-ascii";
  for (const mail::MimeParameter& parameter : part.parameters)
    if (same_word(parameter.name, "charset")) charset = parameter.value;
  if (same_word(charset, "us-ascii")) charset = "utf-8";  // 8-bit text that says nothing is most often that
  if (auto utf8 = mail::to_utf8(text, charset, mail::BadCharacters::replace)) return *std::move(utf8);
  return mail::windows_1252_to_utf8(text);
}

std::string without_markup(std::string_view html) {
  std::string text;
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] != '<') {
      text += html[at++];
      continue;
    }
    const auto rest = html.substr(at);
    const auto skips = [&](std::string_view name) {
      return rest.size() > name.size() && same_word(rest.substr(1, name.size()), name);
    };
    std::size_t end = html.find('>', at);
    for (const std::string_view name : {std::string_view("style"), std::string_view("script")})
      if (skips(name)) end = html.find('>', html.find("</", at + 1));
    text += ' ';
    at = end == std::string_view::npos ? html.size() : end + 1;
  }
  return text;
}

Task<Result<std::optional<std::string>>> make_preview(MessageParts& parts) {
  const mail::MimeStructure* structure = RP_CO_TRY(co_await parts.structure());
  for (const mail::MimePart& part : structure->parts) {
    if (!same_word(part.type, "text")) continue;
    const std::string bytes =
        RP_CO_TRY(co_await parts.text({part.body_offset, std::min(part.body_size, kLookedAt)}));
    std::string text = decoded_text(part, bytes);
    if (same_word(part.subtype, "html")) text = without_markup(text);
    co_return std::optional(first_words(text));
  }
  co_return std::optional<std::string>();
}

}  // namespace ringpost::access
