#include "mbox_form.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "ringpost/mail/header.hpp"

#include "words.hpp"

namespace ringpost::migrate {

namespace {

using imap::SystemFlags;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 6> kMarks{"Status", "X-Status", "X-Keywords",
                                                 "X-UID",  "X-IMAP",   "X-IMAPbase"};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r\n"), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find_first_of(" \t\r\n"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// "01:05:34" or "01:05"
std::optional<std::int64_t> seconds_of_day(std::string_view word) {
  std::int64_t seconds = 0;
  std::size_t parts = 0;
  for (std::string_view left = word;; ++parts) {
    const std::size_t colon = std::min(left.find(':'), left.size());
    const auto value = parse_number(left.substr(0, colon));
    if (!value || *value > 60 || parts == 3) return std::nullopt;
    seconds = seconds * 60 + *value;
    if (colon == left.size()) break;
    left.remove_prefix(colon + 1);
  }
  if (parts == 0) return std::nullopt;
  return parts == 1 ? seconds * 60 : seconds;
}

// "+0100" in seconds
std::int64_t zone_seconds(std::string_view word) {
  const auto value = word.size() == 5 ? parse_number(word.substr(1)) : std::nullopt;
  if (!value || (word[0] != '+' && word[0] != '-')) return 0;
  const std::int64_t seconds = std::int64_t{*value / 100} * 3600 + std::int64_t{*value % 100} * 60;
  return word[0] == '+' ? seconds : -seconds;
}

}  // namespace

std::optional<std::int64_t> from_line_date(std::string_view line) {
  if (!line.starts_with("From ")) return std::nullopt;
  const auto words = words_of(line);
  // The time has the month and the day before it, and the year, perhaps with a zone on either side of it, behind.
  for (std::size_t i = 3; i + 1 < words.size(); ++i) {
    const auto time = seconds_of_day(words[i]);
    const auto month =
        std::ranges::find_if(kMonths, [&](std::string_view m) { return same_word(m, words[i - 2]); });
    const auto day = parse_number(words[i - 1]);
    if (!time || month == kMonths.end() || !day || *day == 0 || *day > 31) continue;
    std::int64_t zone = 0;
    std::optional<std::uint32_t> year;
    for (std::size_t j = i + 1; j < words.size() && j <= i + 2; ++j) {
      zone += zone_seconds(words[j]);
      if (const auto number = parse_number(words[j]); number && words[j].size() == 4 && !year) year = number;
    }
    if (!year) continue;
    const std::chrono::year_month_day date{
        std::chrono::year(static_cast<int>(*year)),
        std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1), std::chrono::day(*day)};
    if (!date.ok()) continue;
    return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400} + *time - zone;
  }
  return std::nullopt;
}

namespace {

void read_mark(std::string_view name, std::string_view value, MboxMail& mail) {
  if (same_word(name, "Status") || same_word(name, "X-Status")) {
    constexpr std::array<std::pair<char, std::uint8_t>, 5> kLetters{{{'R', SystemFlags::kSeen},
                                                                     {'A', SystemFlags::kAnswered},
                                                                     {'F', SystemFlags::kFlagged},
                                                                     {'D', SystemFlags::kDeleted},
                                                                     {'T', SystemFlags::kDraft}}};
    for (const auto& [letter, bit] : kLetters)
      if (value.find(letter) != std::string_view::npos) mail.flags.system.bits |= bit;
  } else if (same_word(name, "X-Keywords")) {
    for (const std::string_view word : words_of(value))
      if (imap::is_keyword(word)) mail.flags.keywords.emplace_back(word);
  } else if (same_word(name, "X-UID")) {
    mail.uid = parse_number(mail::trim(value)).value_or(0);
  } else if (const auto words = words_of(value); words.size() >= 2) {
    mail.uid_validity = parse_number(words[0]).value_or(0);
    const std::uint32_t last = parse_number(words[1]).value_or(0);
    mail.uid_next = last == ~std::uint32_t{0} ? 0 : last + 1;
  }
}

// ">From ", ">>From "
bool is_quoted(std::string_view line) {
  const std::size_t start = line.find_first_not_of('>');
  return start != 0 && start != std::string_view::npos && line.substr(start).starts_with("From ");
}

}  // namespace

MboxMail read_mbox_mail(std::string_view text) {
  MboxMail mail;
  std::string kept;
  kept.reserve(text.size());
  mail::HeaderReader header(text);
  std::size_t copied = 0;
  while (const auto field = header.next()) {
    if (std::ranges::none_of(kMarks, [&](std::string_view mark) { return same_word(mark, field->name); }))
      continue;
    kept += text.substr(copied, field->offset - copied);
    copied = field->offset + field->size;
    read_mark(field->name, field->value, mail);
  }
  for (std::string_view left = text.substr(copied); !left.empty();) {
    const std::size_t end = std::min(left.find('\n'), left.size() - 1) + 1;
    const std::string_view line = left.substr(0, end);
    kept += is_quoted(line) ? line.substr(1) : line;
    left.remove_prefix(end);
  }
  mail.bytes = with_crlf(std::move(kept));
  return mail;
}

std::string mbox_marks(const MailboxFacts& mailbox, const MessageFacts& message, MboxMarks marks) {
  std::string text;
  const auto has = [&](std::uint8_t bit) { return message.flags.system.has(bit); };
  std::string status;
  if (has(SystemFlags::kAnswered)) status += 'A';
  if (has(SystemFlags::kFlagged)) status += 'F';
  if (has(SystemFlags::kDraft)) status += 'T';
  if (has(SystemFlags::kDeleted)) status += 'D';
  if (marks.uids && marks.first)
    text += fmt::format("X-IMAPbase: {} {:010}\r\n", mailbox.uid_validity,
                        mailbox.uid_next == 0 ? 0 : mailbox.uid_next - 1);
  if (marks.uids) text += fmt::format("X-UID: {}\r\n", message.uid);
  if (has(SystemFlags::kSeen)) text += "Status: RO\r\n";
  if (!status.empty()) text += "X-Status: " + status + "\r\n";
  if (!message.flags.keywords.empty())
    text += fmt::format("X-Keywords: {}\r\n", fmt::join(message.flags.keywords, " "));
  return text;
}

}  // namespace ringpost::migrate
