#include "ringpost/mail/charset.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <unicode/ucnv.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/scan/find_text.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

// 0x80 to 0x9F; 0 is no character.
constexpr std::array<char16_t, 32> kWindows1252{
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};
constexpr char32_t kReplacement = 0xFFFD;

char32_t from_windows_1252(std::uint8_t byte) {
  if (byte < 0x80 || byte >= 0xA0) return byte;
  const char32_t value = kWindows1252[byte - 0x80U];
  return value == 0 ? kReplacement : value;
}

std::string replace_bad_utf8(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Character one = utf8_at(bytes, at);
    const bool bad = one.size == 1 && is_eight_bit(bytes[at]);
    if (bad)
      append_utf8(kReplacement, out);
    else
      out += bytes.substr(at, one.size);
    at += one.size;
  }
  return out;
}

std::string replace_eight_bit(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(is_eight_bit(c) ? kReplacement : static_cast<char32_t>(c), out);
  return out;
}

enum class Family : std::uint8_t { ascii, windows_1252, utf8, other };

Family family_of(std::string_view charset) {
  const auto is = [&](std::string_view name) { return equal_ignoring_case(charset, name); };
  if (is("us-ascii") || is("ascii") || is("iso646-us") || is("ansi_x3.4-1968")) return Family::ascii;
  if (is("iso-8859-1") || is("iso8859-1") || is("windows-1252") || is("cp1252") || is("latin1"))
    return Family::windows_1252;
  if (is("utf-8") || is("utf8")) return Family::utf8;
  return Family::other;
}

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter open_converter(std::string_view charset, BadCharacters bad) {
  if (charset.empty() || charset.size() > kCharsetNameSizeMax) return nullptr;
  UErrorCode error = U_ZERO_ERROR;
  Converter converter(ucnv_open(std::string(charset).c_str(), &error));
  if (U_FAILURE(error) != 0 || !converter) return nullptr;
  if (bad == BadCharacters::refuse)
    ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  return U_FAILURE(error) != 0 ? nullptr : std::move(converter);
}

void append_utf16(const UChar* units, std::size_t count, char32_t& high, std::string& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const char32_t unit = units[i];
    if (unit >= 0xD800 && unit < 0xDC00) {
      high = unit;
    } else if (unit >= 0xDC00 && unit < 0xE000) {
      append_utf8(high == 0 ? kReplacement : 0x10000 + ((high - 0xD800) << 10U) + (unit - 0xDC00), out);
      high = 0;
    } else {
      append_utf8(unit, out);
    }
  }
}

std::optional<std::string> convert(std::string_view bytes, std::string_view charset, BadCharacters bad) {
  const Converter converter = open_converter(charset, bad);
  if (!converter) return std::nullopt;
  std::string out;
  out.reserve(bytes.size() * 2);
  const char* source = bytes.data();
  const char* const end = source + bytes.size();
  char32_t high = 0;
  std::array<UChar, 1024> units;
  for (;;) {
    UErrorCode error = U_ZERO_ERROR;
    UChar* target = units.data();
    ucnv_toUnicode(converter.get(), &target, units.data() + units.size(), &source, end, nullptr, 1, &error);
    append_utf16(units.data(), static_cast<std::size_t>(target - units.data()), high, out);
    if (error == U_BUFFER_OVERFLOW_ERROR) continue;
    if (U_FAILURE(error) != 0) return std::nullopt;
    return out;
  }
}

}  // namespace

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset, BadCharacters bad) {
  const bool replace = bad == BadCharacters::replace;
  const Family family = family_of(charset);
  if (family != Family::other && !has_eight_bit(bytes)) return std::string(bytes);
  switch (family) {
    case Family::ascii:
      return replace ? std::optional(replace_eight_bit(bytes)) : std::nullopt;
    case Family::windows_1252:
      if (!replace && std::ranges::any_of(bytes, [](char c) {
            return from_windows_1252(static_cast<std::uint8_t>(c)) == kReplacement;
          }))
        return std::nullopt;
      return windows_1252_to_utf8(bytes);
    case Family::utf8:
      if (is_utf8(bytes)) return std::string(bytes);
      return replace ? std::optional(replace_bad_utf8(bytes)) : std::nullopt;
    case Family::other:
      break;
  }
  return convert(bytes, charset, bad);
}

std::string windows_1252_to_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) append_utf8(from_windows_1252(static_cast<std::uint8_t>(c)), out);
  return out;
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(static_cast<std::uint8_t>(c), out);
  return out;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character one = utf8_at(text, at);
    if (one.value > 0xFF) return std::nullopt;
    out += static_cast<char>(one.value);
    at += one.size;
  }
  return out;
}

void append_utf8(char32_t character, std::string& out) {
  if (character > 0x10FFFF || (character >= 0xD800 && character < 0xE000)) character = kReplacement;
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((character >> shift) & 0x3FU)); };
  if (character < 0x80) {
    out += static_cast<char>(character);
  } else if (character < 0x800) {
    out += static_cast<char>(0xC0U | (character >> 6U));
    tail(0);
  } else if (character < 0x10000) {
    out += static_cast<char>(0xE0U | (character >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (character >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

Utf8Character utf8_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  const unsigned size = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
  if (size == 1 || text.size() - at < size) return {first, 1};
  char32_t value = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[at + i]);
    if ((byte & 0xC0U) != 0x80U) return {first, 1};
    value = value << 6U | (byte & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return {first, 1};
  return {value, static_cast<std::uint8_t>(size)};
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0U) != 0x80U; }));
}

bool has_eight_bit(std::string_view bytes) {
  return scan::find_eight_bit(scan::as_bytes(bytes)) != scan::kNotFound;
}

}  // namespace ringpost::mail
