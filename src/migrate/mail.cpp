#include "ringpost/migrate/mail.hpp"

#include <fmt/format.h>

#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/mbox.hpp"

namespace ringpost::migrate {

std::int64_t date_in(std::string_view message) {
  const auto field = mail::find_field(message, "Date");
  const auto date = field ? mail::parse_date(field->value) : std::nullopt;
  return date && date->seconds() > 0 ? date->seconds() : kNoDate;
}

std::string key_of(std::string_view message_id, std::uint64_t size, std::int64_t date) {
  return fmt::format("{} {} {}", mail::unfold(message_id), size, date);
}

std::string key_of(std::string_view message, std::int64_t date) {
  const auto field = mail::find_field(message, "Message-ID");
  return key_of(field ? field->value : std::string_view{}, message.size(), date);
}

std::string with_crlf(std::string text) {
  std::size_t bare = 0;
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    if (at == 0 || text[at - 1] != '\r') ++bare;
  if (bare == 0) return text;
  std::string out;
  out.reserve(text.size() + bare);
  char before = 0;
  for (const char c : text) {
    if (c == '\n' && before != '\r') out += '\r';
    out += c;
    before = c;
  }
  return out;
}

std::string with_lf(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  mail::LfWriter writer;
  writer.write(text, out);
  writer.finish(out);
  return out;
}

}  // namespace ringpost::migrate
