#include "ringpost/mail/message_id.hpp"

#include <chrono>

#include <fmt/format.h>

#include "ascii.hpp"

namespace ringpost::mail {

std::string make_message_id(WallTime now, MessageId id, std::string_view hostname) {
  const std::chrono::sys_time<std::chrono::nanoseconds> exact{std::chrono::nanoseconds{now.nanoseconds}};
  const auto day = std::chrono::floor<std::chrono::days>(exact);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(exact) - day};
  return fmt::format("<{:04}{:02}{:02}T{:02}{:02}{:02}.{}@{}>", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(), to_string(id),
                     hostname);
}

std::string_view find_message_id(std::string_view value) {
  const std::size_t begin = value.find('<');
  if (begin == std::string_view::npos) return {};
  const std::size_t end = value.find('>', begin);
  return end == std::string_view::npos ? std::string_view{} : value.substr(begin, end + 1 - begin);
}

}  // namespace ringpost::mail
