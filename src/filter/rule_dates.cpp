#include "rule_dates.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

struct Zone {
  std::string_view name;
  int offset;  // +hhmm
};
// The zones of RFC 822, and those that servers really write.
constexpr auto kZones = std::to_array<Zone>(
    {{"ACDT", 1030}, {"ACST", 930}, {"ADT", -300}, {"AEDT", 1100}, {"AEST", 1000},  {"AKDT", -800},
     {"AKST", -900}, {"AST", -400}, {"AWST", 800}, {"BRST", -200}, {"BRT", -300},   {"BST", 100},
     {"CDT", -500},  {"CEST", 200}, {"CET", 100},  {"CST", -600},  {"EDT", -400},   {"EEST", 300},
     {"EET", 200},   {"EST", -500}, {"GMT", 0},    {"HADT", -900}, {"HAST", -1000}, {"HKT", 800},
     {"HST", -1000}, {"IDT", 300},  {"IST", 100},  {"JST", 900},   {"KST", 900},    {"MDT", -600},
     {"MEST", 200},  {"MESZ", 200}, {"MET", 100},  {"MEZ", 100},   {"MSD", 400},    {"MSK", 300},
     {"MST", -700},  {"NDT", -230}, {"NST", -330}, {"NZDT", 1300}, {"NZST", 1200},  {"PDT", -700},
     {"PHT", 800},   {"PST", -800}, {"SGT", 800},  {"UT", 0},      {"UTC", 0},      {"WEST", 100},
     {"WET", 0}});

constexpr std::size_t kWordsUsual = 16;

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  words.reserve(kWordsUsual);
  const auto parts = [](char c) { return is_space(c) || c == ','; };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !parts(text[end])) ++end;
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// 1 to 12; 0 when it is none.
unsigned month_of(std::string_view word) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  const std::size_t at = word.size() == 3 ? kMonths.find(lower(word)) : kNowhere;
  return at == kNowhere || at % 3 != 0 ? 0 : static_cast<unsigned>(at / 3) + 1;
}

std::optional<int> digits(std::string_view word, std::size_t most) {
  if (word.empty() || word.size() > most || !std::ranges::all_of(word, is_digit)) return std::nullopt;
  int value = 0;
  for (const char c : word) value = value * 10 + (c - '0');
  return value;
}

struct Date {
  int year = 0;
  unsigned month = 0;
  int day = 0;
  bool timeless = false;  // its time counts for nothing
};

int full_year(std::string_view word, int value) {
  if (word.size() == 4) return value;
  return value + (word.size() == 2 && value < 50 ? 2000 : 1900);
}

// "22 Aug 2002", "22 Aug 02", and "Aug 22 12:34:53 2002". SpamAssassin takes the last for midnight, and its scores were found so.
std::optional<Date> find_date(const std::vector<std::string_view>& words) {
  for (const std::size_t year_size : {4U, 3U}) {
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
      const auto day = digits(words[i], 9);
      const unsigned month = month_of(words[i + 1]);
      const auto year = digits(words[i + 2], year_size);
      const bool sized = year && (year_size == 4 ? words[i + 2].size() == 4 : words[i + 2].size() >= 2);
      if (day && month != 0 && sized) return Date{full_year(words[i + 2], *year), month, *day};
    }
    if (year_size != 4) break;
    for (std::size_t i = 0; i + 3 < words.size(); ++i) {
      const auto day = digits(words[i + 1], 9);
      const auto year = digits(words[i + 3], 4);
      if (month_of(words[i]) != 0 && day && year && words[i + 3].size() == 4 &&
          std::ranges::count(words[i + 2], ':') == 2)
        return Date{*year, month_of(words[i]), *day, true};
    }
  }
  return std::nullopt;
}

struct Time {
  int hour = 0, minute = 0, second = 0;
};

std::optional<Time> read_time(std::string_view word) {
  const std::size_t first = word.find(':');
  if (first == kNowhere) return std::nullopt;
  const std::size_t second = word.find(':', first + 1);
  const auto hour = digits(word.substr(0, first), 2);
  const auto minute = digits(word.substr(first + 1, second == kNowhere ? kNowhere : second - first - 1), 2);
  if (!hour || !minute || (second == kNowhere ? word.size() : second) - first != 3) return std::nullopt;
  Time time{*hour, *minute, 0};
  if (second != kNowhere) {
    const auto seconds = digits(word.substr(second + 1), 2);
    if (!seconds || word.size() - second != 3) return std::nullopt;
    time.second = *seconds;
  }
  return Time{std::min(time.hour, 23), std::min(time.minute, 59), std::min(time.second, 59)};
}

// As "+hhmm".
int find_zone(const std::vector<std::string_view>& words) {
  for (const std::string_view word : words) {
    const auto number = word.size() == 5 ? digits(word.substr(1), 4) : std::nullopt;
    if (number && (word.front() == '+' || word.front() == '-'))
      return word.front() == '-' ? -*number : *number;
  }
  for (std::string_view word : words) {
    while (!word.empty() && !is_word(word.front())) word.remove_prefix(1);
    while (!word.empty() && !is_word(word.back())) word.remove_suffix(1);
    if (word.size() < 2 || word.size() > 4 || !std::ranges::all_of(word, is_upper)) continue;
    const auto zone = std::ranges::find(kZones, word, &Zone::name);
    return zone == kZones.end() ? 0 : zone->offset;
  }
  return 0;
}

}  // namespace

std::optional<std::int64_t> parse_rule_date(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  auto date = find_date(words);
  if (!date) return std::nullopt;
  Time time;
  for (const std::string_view word : words)
    if (const auto found = date->timeless ? std::nullopt : read_time(word)) {
      time = *found;
      break;
    }
  using namespace std::chrono;
  const auto last =
      static_cast<unsigned>(year_month_day_last(year(date->year), month_day_last(month(date->month))).day());
  if (date->day > static_cast<int>(last)) {
    date->day = 1;
    date->year += date->month == 12 ? 1 : 0;
    date->month = date->month % 12 + 1;
  }
  date->year = std::clamp(date->year, 1970, 2037);
  const sys_days days =
      year_month_day(year(date->year), month(date->month), day(static_cast<unsigned>(date->day)));
  const std::int64_t seconds =
      days.time_since_epoch().count() * 86'400LL + time.hour * 3600 + time.minute * 60 + time.second;
  const int zone = find_zone(words);
  return std::max<std::int64_t>(seconds - (zone / 100 * 60 + zone % 100) * 60LL, 0);
}

}  // namespace ringpost::filter
