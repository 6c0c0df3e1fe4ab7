#include "ringpost/mail/header.hpp"

#include <algorithm>
#include <array>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string unfold(std::string_view value) {
  std::string line;
  for (const char c : trim(value))
    if (c != '\r' && c != '\n') line += c;
  return line;
}

std::size_t HeaderReader::line_end(std::size_t from) const {
  const std::size_t newline = message_.find('\n', from);
  return newline == std::string_view::npos ? message_.size() : newline + 1;
}

bool HeaderReader::at_separator() const {
  const std::string_view rest = message_.substr(offset_);
  return rest.empty() || rest.starts_with("\r\n") || rest.starts_with("\n");
}

std::size_t HeaderReader::body_offset() const {
  const std::string_view rest = message_.substr(offset_);
  return offset_ + (rest.starts_with("\r\n") ? 2 : rest.starts_with("\n") ? 1 : 0);
}

namespace {

// RFC 5322 section 2.2: a name is of printable characters without colon; before the colon obsolete blanks may stand.
std::string_view field_name(std::string_view line) {
  std::string_view name = line.substr(0, line.find(':'));
  if (name.size() == line.size()) return {};
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  const bool printable = std::ranges::all_of(name, [](char c) { return c > 32 && c < 127; });
  return printable ? name : std::string_view{};
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::optional<HeaderField> HeaderReader::next() {
  while (!ended_ && !at_separator()) {
    const std::size_t begin = offset_;
    std::size_t end = line_end(begin);
    const std::string_view first_line = message_.substr(begin, end - begin);
    // A continuation of nothing, the From_ line of an mbox, a line that is no field: skipped, but only while
    // the header may go on. A line without colon after fields is a body whose empty line is missing.
    const bool continuation = is_blank(first_line.front());
    const std::string_view name = continuation ? std::string_view{} : field_name(first_line);
    if (name.empty()) {
      malformed_ = true;
      if (!continuation && fields_ != 0 && !first_line.contains(':')) break;
      offset_ = end;
      continue;
    }
    if (++fields_ > kHeaderFieldsMax) {
      malformed_ = true;
      break;
    }
    while (end < message_.size() && is_blank(message_[end])) end = line_end(end);
    offset_ = end;
    const std::size_t value_begin = message_.find(':', begin) + 1;
    return HeaderField{name, without_line_end(message_.substr(value_begin, end - value_begin)), begin,
                       end - begin};
  }
  ended_ = true;
  return std::nullopt;
}

std::optional<HeaderField> find_field(std::string_view message, std::string_view name) {
  HeaderReader reader(message);
  while (const auto field = reader.next())
    if (equal_ignoring_case(field->name, name)) return field;
  return std::nullopt;
}

std::size_t count_fields(std::string_view message, std::string_view name) {
  std::size_t count = 0;
  HeaderReader reader(message);
  while (const auto field = reader.next())
    if (equal_ignoring_case(field->name, name)) ++count;
  return count;
}

HopCount count_hops(std::string_view message) {
  HopCount hops;
  HeaderReader reader(message);
  while (const auto field = reader.next()) {
    if (equal_ignoring_case(field->name, "Received"))
      ++hops.received;
    else if (equal_ignoring_case(field->name, "Delivered-To"))
      ++hops.delivered_to;
  }
  return hops;
}

bool delivered_to_before(std::string_view message, std::string_view canonical_address) {
  HeaderReader reader(message);
  while (const auto field = reader.next())
    if (equal_ignoring_case(field->name, "Delivered-To") &&
        equal_ignoring_case(trim(field->value), canonical_address))
      return true;
  return false;
}

}  // namespace ringpost::mail
