#include "ringpost/mail/reply.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

std::string to_string(EnhancedStatus status) {
  return status.given() ? fmt::format("{}.{}.{}", status.category, status.subject, status.detail)
                        : std::string{};
}

namespace {

// One to three digits at the front of `text`, without a zero before others (RFC 3463 section 2).
std::optional<std::uint16_t> take_number(std::string_view& text) {
  std::uint16_t number = 0;
  const std::size_t most = std::min<std::size_t>(text.size(), 3);
  const auto [end, error] = std::from_chars(text.data(), text.data() + most, number);
  if (error != std::errc{}) return std::nullopt;
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (digits > 1 && text.front() == '0') return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

// The status at the front of `text`; takes it only when it is one.
std::optional<EnhancedStatus> take_status(std::string_view& text) {
  std::string_view rest = text;
  if (rest.size() < 5 || (rest[0] != '2' && rest[0] != '4' && rest[0] != '5') || rest[1] != '.')
    return std::nullopt;
  EnhancedStatus status{static_cast<std::uint16_t>(rest[0] - '0')};
  rest.remove_prefix(2);
  const auto subject = take_number(rest);
  if (!subject || !rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  const auto detail = take_number(rest);
  if (!detail || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
  status.subject = *subject;
  status.detail = *detail;
  text = rest;
  return status;
}

std::string_view without_blanks_before(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

std::string with_blanks_for_controls(std::string_view line) {
  std::string clean(line);
  std::ranges::replace_if(clean, is_control, ' ');
  return clean;
}

// As much of `text` as one line takes: all, or up to a blank; never half a UTF-8 character.
std::size_t line_break(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text.size();
  const std::size_t blank = text.substr(0, room).rfind(' ');
  if (blank != std::string_view::npos && blank != 0) return blank;
  while (room > 1 && (static_cast<std::uint8_t>(text[room]) & 0xC0U) == 0x80U) --room;
  return room;
}

}  // namespace

std::optional<EnhancedStatus> parse_enhanced_status(std::string_view text) {
  const auto status = take_status(text);
  return text.empty() ? status : std::nullopt;
}

EnhancedStatus effective_status(const Reply& reply) {
  const auto category = static_cast<std::uint16_t>(reply.code / 100);
  if (reply.status.category == category) return reply.status;
  return category == 2 || category == 4 || category == 5 ? EnhancedStatus{category, 0, 0} : EnhancedStatus{};
}

std::string to_string(const Reply& reply) {
  std::string line = fmt::format("{}", reply.code);
  if (reply.status.given()) line += " " + to_string(reply.status);
  if (!reply.text.empty()) line += " " + with_blanks_for_controls(reply.text);
  return line;
}

void append_reply(const Reply& reply, std::string& out) {
  append_reply(reply.code, reply.status, reply.text, out);
}

void append_reply(int code, EnhancedStatus status, std::string_view text, std::string& out) {
  const std::string digits = fmt::format("{}", code);
  const std::string status_text = status.given() ? to_string(status) + " " : std::string{};
  const std::size_t room = kReplyLineSizeMax - 2 - digits.size() - 1 - status_text.size();
  while (true) {
    const std::size_t newline = text.find('\n');
    const std::size_t size = line_break(text.substr(0, newline), room);
    const std::string line = with_blanks_for_controls(text.substr(0, size));
    const bool at_newline = size == newline;
    text.remove_prefix(size + (at_newline ? 1 : 0));
    if (!at_newline) text = without_blanks_before(text);
    const bool last = text.empty() && !at_newline;
    out.append(digits).append(last ? " " : "-").append(status_text).append(line).append("\r\n");
    if (last) return;
  }
}

void ReplyParser::reset() {
  reply_.code = 0;
  reply_.status = {};
  reply_.text.clear();
  lines_ = 0;
}

ReplyParser::Progress ReplyParser::feed(std::string_view line) {
  int code = 0;
  if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), is_digit)) return Progress::malformed;
  std::from_chars(line.data(), line.data() + 3, code);
  if (code < 200 || code > 599 || (lines_ != 0 && code != reply_.code)) return Progress::malformed;
  const bool more = line.size() > 3 && line[3] == '-';
  if (line.size() > 3 && !more && line[3] != ' ') return Progress::malformed;
  if (++lines_ > kReplyLinesMax) return Progress::malformed;

  std::string_view text = line.substr(std::min<std::size_t>(line.size(), 4));
  // Only the classes that have one: "354 5.0.0 is my version" keeps its text.
  if (code / 100 != 3) {
    if (const auto status = take_status(text)) {
      text = without_blanks_before(text);
      if (!reply_.status.given()) reply_.status = *status;
    }
  }
  reply_.code = code;
  if (lines_ > 1 && reply_.text.size() < kReplyTextSizeMax) reply_.text += '\n';
  reply_.text += text.substr(0, kReplyTextSizeMax - std::min(kReplyTextSizeMax, reply_.text.size()));
  return more ? Progress::more : Progress::complete;
}

Reply ReplyParser::take() {
  Reply reply = std::move(reply_);
  reset();
  return reply;
}

void ReplyParser::take(Reply& reply) {
  std::swap(reply, reply_);
  reset();
}

Result<Reply> parse_reply(std::string_view text) {
  ReplyParser parser;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const ReplyParser::Progress progress = parser.feed(line);
    if (progress == ReplyParser::Progress::malformed) break;
    if (progress == ReplyParser::Progress::more) continue;
    if (!text.empty()) break;
    return parser.take();
  }
  return fail(ErrorKind::permanent, "this is not an SMTP reply");
}

}  // namespace ringpost::mail
