// The part of address.hpp that knows of Unicode: domains through libidn2, and what is UTF-8.
#include <algorithm>
#include <memory>

#include <idn2.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

struct FreeIdn {
  void operator()(char* text) const { idn2_free(text); }
};
using IdnText = std::unique_ptr<char, FreeIdn>;

// Bytes of the character that begins with `lead`; 0 when none does. The shortest form of each is told by `least`.
std::size_t sequence_size(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte (RFC 3629 section 4).
bool is_second_byte(std::uint8_t lead, std::uint8_t second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return second >= 0x80 && second <= 0xBF;
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t size = sequence_size(lead);
    if (size == 0 || size > text.size() - i) return false;
    if (size > 1 && !is_second_byte(lead, static_cast<std::uint8_t>(text[i + 1]))) return false;
    for (std::size_t k = 2; k < size; ++k)
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xC0U) != 0x80U) return false;
    i += size;
  }
  return true;
}

std::expected<void, AddressFault> append_canonical_domain(std::string_view domain, std::string& out) {
  if (domain.starts_with('[')) {
    const bool ipv6 = equal_ignoring_case(domain.substr(0, 6), "[IPv6:");
    if (ipv6) out += "[IPv6:";
    append_lower(domain.substr(ipv6 ? 6 : 0), out);
    return {};
  }
  if (is_ascii(domain)) {
    append_lower(domain, out);
    return {};
  }
  char* result = nullptr;
  const int status =
      idn2_to_ascii_8z(std::string(domain).c_str(), &result, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  const IdnText ascii(result);
  if (status != IDN2_OK || !is_valid_domain(ascii.get(), false))
    return std::unexpected(AddressFault::bad_domain);
  append_lower(ascii.get(), out);
  return {};
}

std::string unicode_domain(std::string_view canonical_domain) {
  if (!canonical_domain.contains("xn--")) return std::string(canonical_domain);
  char* result = nullptr;
  const int status = idn2_to_unicode_8z8z(std::string(canonical_domain).c_str(), &result, 0);
  const IdnText unicode(result);
  return status == IDN2_OK ? std::string(unicode.get()) : std::string(canonical_domain);
}

}  // namespace ringpost::mail
