#include "clean_text.hpp"

#include <iterator>

#include <fmt/format.h>

#include "ringpost/mail/charset.hpp"

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

bool is_control(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0);
}

}  // namespace

std::string clean_text(std::string_view text) {
  std::string clean;
  const std::string whole =
      mail::to_utf8(text.substr(0, kPeerTextMax), "utf-8", mail::BadCharacters::replace).value_or("");
  for (std::size_t at = 0; at < whole.size();) {
    const mail::Utf8Character one = mail::utf8_at(whole, at);
    if (is_control(one.value))
      fmt::format_to(std::back_inserter(clean), "\\x{:02x}", static_cast<unsigned>(one.value));
    else
      clean.append(whole, at, one.size);
    at += one.size;
  }
  if (text.size() > kPeerTextMax) clean += "...";
  return clean;
}

}  // namespace ringpost::loadgen
