// The shapes in which a string goes out.
#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "ringpost/imap/limits.hpp"
#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/imap/response_writer.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"

namespace ringpost::imap {

namespace {

struct Bytes {
  bool quotable = true;  // as far as single bytes tell
  bool eight_bit = false;
  bool nul = false;
  bool specials = false;
};
Bytes look_at(std::string_view text) {
  Bytes found;
  for (const char c : text) {
    found.eight_bit |= is_eight_bit(c);
    found.nul |= c == '\0';
    found.quotable &= c != '\r' && c != '\n';
    found.specials |= c == '"' || c == '\\';
  }
  found.quotable &= !found.nul && text.size() <= kQuotedBytesMax;
  return found;
}

void append_quoted(std::string_view text, bool specials, std::string& out) {
  out += '"';
  if (!specials) {
    out += text;
  } else {
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void append_string(std::string_view text, bool utf8, std::string& out) {
  const Bytes bytes = look_at(text);
  if (bytes.quotable && (!bytes.eight_bit || (utf8 && mail::is_utf8(text))))
    return append_quoted(text, bytes.specials, out);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}{{{}}}\r\n"), bytes.nul ? "~" : "", text.size());
  out += text;
}

void append_astring(std::string_view text, bool utf8, std::string& out) {
  constexpr std::size_t kAtomBytes = 64;
  const bool nil = mail::equal_ignoring_case(text, "NIL");
  if (!text.empty() && text.size() <= kAtomBytes && !nil && std::ranges::all_of(text, is_astring_char)) {
    out += text;
    return;
  }
  append_string(text, utf8, out);
}

void append_nstring(std::optional<std::string_view> text, bool utf8, std::string& out) {
  if (text)
    append_string(*text, utf8, out);
  else
    out += "NIL";
}

void append_mailbox(std::string_view utf8_name, const Dialect& dialect, std::string& out) {
  if (dialect.utf8_names()) return append_string(utf8_name, true, out);
  append_string(modified_utf7(utf8_name), false, out);
}

void append_date_time(WallTime time, int zone_minutes, std::string& out) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::nanoseconds> exact{std::chrono::nanoseconds{time.nanoseconds}};
  const auto local = std::chrono::floor<std::chrono::seconds>(exact) + std::chrono::minutes{zone_minutes};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{local - day};
  const int zone = std::abs(zone_minutes);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{:2}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}\""),
                 static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                 static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count(), zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

}  // namespace ringpost::imap
