#include "ringpost/imap/search_key.hpp"

#include <array>

#include <fmt/format.h>

#include "ringpost/imap/flags.hpp"

namespace ringpost::imap {

namespace {

using Kind = SearchKey::Kind;

constexpr std::array<std::string_view, 28> kNames{"all",      "and",          "or",
                                                  "not",      "sequence",     "uid",
                                                  "flag",     "keyword",      "header",
                                                  "body",     "text",         "before",
                                                  "on",       "since",        "sent_before",
                                                  "sent_on",  "sent_since",   "saved_before",
                                                  "saved_on", "saved_since",  "save_date_supported",
                                                  "larger",   "smaller",      "older",
                                                  "younger",  "mod_sequence", "email_id",
                                                  "thread_id"};

std::string set_text(const SequenceSet& set) {
  if (set.saved()) return "$";
  std::string out;
  const auto end = [](std::uint32_t number) {
    return number == 0 ? std::string("*") : std::to_string(number);
  };
  for (const SequenceSet::Range& range : set.written()) {
    if (!out.empty()) out += ',';
    out += range.first == range.last ? end(range.first) : end(range.first) + ':' + end(range.last);
  }
  return out;
}

std::string day_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date{day};
  return fmt::format(" {}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string argument_text(const SearchKey& key) {
  switch (key.kind) {
    case Kind::sequence:
    case Kind::uid:
      return ' ' + set_text(key.set);
    case Kind::flag: {
      std::string flags = " ";
      append_flags({static_cast<std::uint8_t>(key.number)}, {}, flags);
      return flags;
    }
    case Kind::keyword:
      return ' ' + key.name;
    case Kind::header:
      return fmt::format(" {} \"{}\"", key.name, key.text);
    case Kind::body:
    case Kind::text:
    case Kind::email_id:
    case Kind::thread_id:
      return fmt::format(" \"{}\"", key.text);
    case Kind::larger:
    case Kind::smaller:
    case Kind::older:
    case Kind::younger:
    case Kind::mod_sequence:
      return fmt::format(" {}", key.number);
    case Kind::all:
    case Kind::conjunction:
    case Kind::disjunction:
    case Kind::negation:
    case Kind::save_date_supported:
      return {};
    default:
      return day_text(key.date);
  }
}

}  // namespace

std::string to_string(const SearchKey& key) {
  static_assert(kNames.size() == static_cast<std::size_t>(Kind::thread_id) + 1);
  std::string out(kNames[static_cast<std::size_t>(key.kind)]);
  out += argument_text(key);
  for (const SearchKey& child : key.children) out += ' ' + to_string(child);
  return key.children.empty() && out.find(' ') == std::string::npos ? out : '(' + out + ')';
}

}  // namespace ringpost::imap
