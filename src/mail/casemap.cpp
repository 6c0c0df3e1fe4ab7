// i;unicode-casemap (RFC 5051): each character in title case, then taken apart.
#include <array>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "ringpost/mail/base_subject.hpp"
#include "ringpost/mail/charset.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

void append_key(char32_t character, const UNormalizer2* decomposition, std::string& out) {
  const UChar32 title = u_totitle(static_cast<UChar32>(character));
  std::array<UChar, 64> units;
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t size = unorm2_getDecomposition(decomposition, title, units.data(),
                                                    static_cast<std::int32_t>(units.size()), &error);
  if (size < 0 || U_FAILURE(error) != 0) return append_utf8(static_cast<char32_t>(title), out);
  for (std::int32_t at = 0; at < size;) {
    UChar32 one = 0;
    U16_NEXT(units.data(), at, size, one);
    append_utf8(static_cast<char32_t>(one), out);
  }
}

}  // namespace

std::string casemap_key(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  if (is_ascii(utf8)) {
    for (const char c : utf8) out += to_upper(c);
    return out;
  }
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* const decomposition = unorm2_getNFKDInstance(&error);
  for (std::size_t at = 0; at < utf8.size();) {
    const Utf8Character one = utf8_at(utf8, at);
    at += one.size;
    if (U_FAILURE(error) != 0 || one.value < 0x80)
      append_utf8(static_cast<char32_t>(u_totitle(static_cast<UChar32>(one.value))), out);
    else
      append_key(one.value, decomposition, out);
  }
  return out;
}

}  // namespace ringpost::mail
