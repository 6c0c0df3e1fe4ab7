// Bytes of a mail in UTF-8, by what they are rather than by what they claim.
//
// Layer:   private to `filter`.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::filter {

struct DecodedText {
  std::string text;  // UTF-8
  // It was decoded to characters. Not so, it is all ASCII: characters from U+0080 to U+00FF that HTML entities bring into such
  // a text are matched as one byte each, unless one beyond comes with them.
  bool wide = false;
};

enum class Trust : unsigned char {
  verify,   // valid UTF-8 is UTF-8 whatever is declared; a charset that the bytes contradict is not believed
  declared  // of an encoded word: its charset is believed, what is not of it becomes U+FFFD
};
DecodedText decode_text(std::string_view bytes, std::string_view charset, Trust trust);

// The value of a field as rules see it: unfolded, encoded words decoded unless the field has none by nature, UTF-8.
void append_decoded_field(std::string& out, std::string_view name, std::string_view value);
// Only the second half of it: encoded words.
std::string decode_words(std::string_view name, std::string_view value);

}  // namespace ringpost::filter
