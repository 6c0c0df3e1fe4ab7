#include "ringpost/mail/date.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Calendar {
  std::chrono::year_month_day day;
  std::chrono::weekday weekday;
  std::chrono::hh_mm_ss<std::chrono::seconds> time;

  std::string_view day_name() const { return kDays[weekday.c_encoding()]; }
  std::string_view month_name() const { return kMonths[static_cast<unsigned>(day.month()) - 1]; }
};

Calendar calendar_of(WallTime time, int zone_minutes) {
  const std::chrono::sys_time<std::chrono::nanoseconds> exact{std::chrono::nanoseconds{time.nanoseconds}};
  const auto local = std::chrono::floor<std::chrono::seconds>(exact) + std::chrono::minutes{zone_minutes};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  return {std::chrono::year_month_day{day}, std::chrono::weekday{day},
          std::chrono::hh_mm_ss<std::chrono::seconds>{local - day}};
}

// Each message has a date or two: no format string is read for it.
void append_two(unsigned value, std::string& out) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

void append_clock(const Calendar& at, std::string& out) {
  append_two(static_cast<unsigned>(at.time.hours().count()), out);
  out += ':';
  append_two(static_cast<unsigned>(at.time.minutes().count()), out);
  out += ':';
  append_two(static_cast<unsigned>(at.time.seconds().count()), out);
}

}  // namespace

void append_date(WallTime time, int zone_minutes, std::string& out) {
  const Calendar at = calendar_of(time, zone_minutes);
  const auto zone = static_cast<unsigned>(std::abs(zone_minutes));
  const auto year = static_cast<unsigned>(static_cast<int>(at.day.year()));
  out.append(at.day_name()).append(", ");
  append_two(static_cast<unsigned>(at.day.day()), out);
  out.append(" ").append(at.month_name()).append(" ");
  append_two(year / 100, out);
  append_two(year % 100, out);
  out += ' ';
  append_clock(at, out);
  out += zone_minutes < 0 ? " -" : " +";
  append_two(zone / 60, out);
  append_two(zone % 60, out);
}

std::string format_date(WallTime time, int zone_minutes) {
  std::string out;
  append_date(time, zone_minutes, out);
  return out;
}

std::string format_mbox_date(WallTime time) {
  const Calendar at = calendar_of(time, 0);
  return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", at.day_name(), at.month_name(),
                     static_cast<unsigned>(at.day.day()), at.time.hours().count(), at.time.minutes().count(),
                     at.time.seconds().count(), static_cast<int>(at.day.year()));
}

namespace {

// Words and numbers of a date, blanks and comments between them skipped.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  bool skip(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string_view word() { return take(is_letter); }
  std::string_view digits() { return take(is_digit); }
  // Nullopt when there are fewer digits than `least` or more than `most`.
  std::optional<unsigned> number(std::size_t least, std::size_t most) {
    const std::string_view text = digits();
    if (text.size() < least || text.size() > most) return std::nullopt;
    unsigned value = 0;
    for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  }
  bool at_end() {
    skip_blanks();
    return text_.empty();
  }

 private:
  template <class Is>
  std::string_view take(Is is) {
    skip_blanks();
    std::size_t size = 0;
    while (size < text_.size() && is(text_[size])) ++size;
    const std::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    return taken;
  }
  void skip_blanks() {
    std::size_t depth = 0;
    while (!text_.empty() && (depth != 0 || is_space(text_.front()) || text_.front() == '(')) {
      if (text_.front() == '(')
        ++depth;
      else if (text_.front() == ')')
        --depth;
      else if (text_.front() == '\\' && text_.size() > 1)
        text_.remove_prefix(1);
      text_.remove_prefix(1);
    }
  }

  std::string_view text_;
};

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  for (unsigned i = 0; i < N; ++i)
    if (equal_ignoring_case(names[i], name.substr(0, 3)) && name.size() >= 3) return i;
  return std::nullopt;
}

// RFC 5322 section 4.3. Military letters were defined wrongly once, and so mean nothing: UTC.
int named_zone(std::string_view name) {
  struct Zone {
    std::string_view name;
    int minutes;
  };
  constexpr std::array<Zone, 8> kZones{{{"EDT", -4 * 60},
                                        {"EST", -5 * 60},
                                        {"CDT", -5 * 60},
                                        {"CST", -6 * 60},
                                        {"MDT", -6 * 60},
                                        {"MST", -7 * 60},
                                        {"PDT", -7 * 60},
                                        {"PST", -8 * 60}}};
  const auto* zone =
      std::ranges::find_if(kZones, [&](const Zone& z) { return equal_ignoring_case(z.name, name); });
  return zone == kZones.end() ? 0 : zone->minutes;
}

std::optional<int> read_zone(DateReader& reader) {
  const bool east = reader.skip('+');
  if (!east && !reader.skip('-')) return named_zone(reader.word());
  const auto hours_minutes = reader.number(4, 4);
  if (!hours_minutes || *hours_minutes % 100 > 59) return std::nullopt;
  const auto minutes = static_cast<int>(*hours_minutes / 100 * 60 + *hours_minutes % 100);
  return east ? minutes : -minutes;
}

std::optional<std::chrono::year> read_year(DateReader& reader) {
  const std::string_view text = reader.digits();
  if (text.size() < 2 || text.size() > 4) return std::nullopt;
  int year = 0;
  for (const char c : text) year = year * 10 + (c - '0');
  if (text.size() == 2) year += year < 50 ? 2000 : 1900;
  if (text.size() == 3) year += 1900;
  // What fits nanoseconds since 1970.
  if (year < 1900 || year > 2200) return std::nullopt;
  return std::chrono::year{year};
}

std::optional<std::chrono::seconds> read_time(DateReader& reader) {
  const auto hour = reader.number(1, 2);
  if (!hour || !reader.skip(':')) return std::nullopt;
  const auto minute = reader.number(1, 2);
  std::optional<unsigned> second = 0;
  if (reader.skip(':')) second = reader.number(1, 2);
  if (!minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::seconds{*hour * 3600 + *minute * 60 + *second};
}

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
  DateReader reader(text);
  if (!reader.word().empty()) reader.skip(',');  // the day of the week adds nothing, and is often wrong
  const auto day = reader.number(1, 2);
  if (reader.skip('-')) {
  }  // "21-Nov-1997" is IMAP's
  const auto month = index_of(kMonths, reader.word());
  if (reader.skip('-')) {
  }
  const auto year = read_year(reader);
  if (!day || !month || !year) return std::nullopt;
  const auto time = read_time(reader);
  const auto zone = read_zone(reader);
  const std::chrono::year_month_day date{*year, std::chrono::month{*month + 1}, std::chrono::day{*day}};
  if (!time || !zone || !date.ok() || !reader.at_end()) return std::nullopt;
  const auto seconds = std::chrono::sys_days{date} + *time - std::chrono::minutes{*zone};
  return WallTime{std::chrono::duration_cast<std::chrono::nanoseconds>(seconds.time_since_epoch()).count()};
}

}  // namespace ringpost::mail
