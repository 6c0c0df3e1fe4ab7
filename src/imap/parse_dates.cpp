// "1-Feb-1994" of SEARCH and "01-Feb-1994 21:52:25 -0800" of APPEND.
#include <array>
#include <chrono>

#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool digits(Cursor& in, std::size_t least, std::size_t most, unsigned& out) {
  const std::string_view text = in.take_while(is_digit);
  if (text.size() < least || text.size() > most) return in.fail("a date is broken");
  out = 0;
  for (const char c : text) out = out * 10 + static_cast<unsigned>(c - '0');
  return true;
}

bool month(Cursor& in, unsigned& out) {
  const std::string_view name = in.take_while(is_letter);
  for (out = 1; out <= kMonths.size(); ++out)
    if (mail::equal_ignoring_case(kMonths[out - 1], name)) return true;
  return in.fail("a date has no such month");
}

bool day_month_year(Cursor& in, std::chrono::sys_days& out) {
  unsigned day = 0;
  unsigned month_number = 0;
  unsigned year = 0;
  if (!digits(in, 1, 2, day) || !in.expect('-') || !month(in, month_number) || !in.expect('-') ||
      !digits(in, 4, 4, year))
    return false;
  const year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month_number},
                            std::chrono::day{day}};
  if (!date.ok()) return in.fail("there is no such day");
  out = std::chrono::sys_days{date};
  return true;
}

bool zone(Cursor& in, int& minutes) {
  const bool west = in.skip('-');
  if (!west && !in.expect('+')) return false;
  unsigned number = 0;
  if (!digits(in, 4, 4, number)) return false;
  constexpr unsigned kZoneMax = 1500;  // as far east as clocks go, and one hour
  if (number % 100 > 59 || number > kZoneMax) return in.fail("there is no such zone");
  const auto value = static_cast<int>(number / 100 * 60 + number % 100);
  minutes = west ? -value : value;
  return true;
}

}  // namespace

bool read_date(Cursor& in, std::chrono::sys_days& out) {
  const bool quoted = in.skip('"');
  return day_month_year(in, out) && (!quoted || in.expect('"'));
}

bool read_date_time(Cursor& in, WallTime& time, int& zone_minutes) {
  std::chrono::sys_days day;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  if (!in.expect('"')) return false;
  in.skip(' ');  // before a day of one digit
  if (!day_month_year(in, day) || !in.space() || !digits(in, 2, 2, hour) || !in.expect(':') ||
      !digits(in, 2, 2, minute) || !in.expect(':') || !digits(in, 2, 2, second) || !in.space() ||
      !zone(in, zone_minutes) || !in.expect('"'))
    return false;
  const auto year = static_cast<int>(year_month_day{day}.year());
  // What fits nanoseconds since 1970.
  if (year < 1700 || year > 2200) return in.fail("a date is too far away");
  if (hour > 23 || minute > 59 || second > 60) return in.fail("there is no such time");
  const auto seconds = day.time_since_epoch() + std::chrono::hours{hour} + std::chrono::minutes{minute} +
                       std::chrono::seconds{second} - std::chrono::minutes{zone_minutes};
  time = {std::chrono::duration_cast<std::chrono::nanoseconds>(seconds).count()};
  return true;
}

}  // namespace ringpost::imap
