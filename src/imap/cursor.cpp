#include "cursor.hpp"

#include <algorithm>

#include "ringpost/imap/limits.hpp"
#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"

namespace ringpost::imap {

std::optional<LiteralHead> find_literal_head(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  LiteralHead head;
  std::size_t end = line.size() - 1;
  if (end != 0 && line[end - 1] == '+') {
    head.unasked = true;
    --end;
  }
  std::size_t begin = end;
  while (begin != 0 && is_digit(line[begin - 1])) --begin;
  if (begin == end || begin == 0 || line[begin - 1] != '{') return std::nullopt;
  for (const char digit : line.substr(begin, end - begin)) {
    const auto value = static_cast<std::uint64_t>(digit - '0');
    head.overflow = head.overflow || head.size > (kLiteralSizeMax - value) / 10;
    head.size = head.overflow ? kLiteralSizeMax : head.size * 10 + value;
  }
  head.offset = begin - 1;
  if (head.offset != 0 && line[head.offset - 1] == '~') {
    head.binary = true;
    --head.offset;
  }
  return head;
}

bool Cursor::fail(std::string_view reason) {
  return fail({Condition::bad, {}, reason});
}

bool Cursor::fail(const StatusResponse& why) {
  if (fault_.text.empty()) fault_ = why;
  return false;
}

bool Cursor::end() {
  while (skip(' ')) {
  }
  return at_end() || fail("more than the command takes");
}

bool Cursor::skip(char c) {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Cursor::expect(char c) {
  if (skip(c)) return true;
  switch (c) {
    case ' ':
      return fail(at_end() ? "an argument is missing" : "a blank is missing");
    case '(':
      return fail("a list in parentheses is missing");
    case ')':
      return fail("a parenthesis is not closed");
    default:
      return fail("a character is missing");
  }
}

bool Cursor::skip_word(std::string_view word) {
  if (!mail::equal_ignoring_case(rest().substr(0, word.size()), word)) return false;
  const std::string_view behind = rest().substr(word.size());
  if (!behind.empty() && is_atom_char(behind.front())) return false;
  at_ += word.size();
  return true;
}

bool Cursor::atom(std::string_view& out) {
  out = take_while(is_atom_char);
  return !out.empty() || fail("a word is missing");
}

bool Cursor::quoted(std::string& out) {
  out.clear();
  for (++at_; !at_end(); ++at_) {
    char c = text_[at_];
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      if (++at_ == text_.size()) break;
      c = text_[at_];
      if (c != '"' && c != '\\') return fail("only quotes and backslashes may be quoted");
    }
    if (c == '\r' || c == '\n') break;
    out += c;
  }
  return fail("a quoted string is not closed");
}

bool Cursor::literal(std::string& out) {
  const std::size_t line_end = text_.find("\r\n", at_);
  if (line_end == std::string_view::npos) return fail("a literal is missing");
  const auto head = find_literal_head(text_.substr(at_, line_end - at_));
  if (!head || head->offset != 0 || head->overflow) return fail("a literal is broken");
  const std::size_t begin = line_end + 2;
  if (text_.size() - begin < head->size) return fail("a literal is missing");
  out = text_.substr(begin, head->size);
  if (!head->binary && out.find('\0') != std::string::npos) return fail("a literal holds NUL");
  at_ = begin + head->size;
  return true;
}

bool Cursor::string(std::string& out) {
  if (peek() == '"') return quoted(out);
  if (peek() == '{' || peek() == '~') return literal(out);
  return fail("a string is missing");
}

bool Cursor::skip_empty_string() {
  const std::size_t begin = at_;
  std::string text;
  if ((peek() == '"' || peek() == '{') && string(text) && text.empty()) return true;
  at_ = begin;
  return false;
}

bool Cursor::astring(std::string& out) {
  const std::string_view word = take_while(is_astring_char);
  if (word.empty() || (word == "~" && peek() == '{')) {
    at_ -= word.size();
    return string(out);
  }
  out = word;
  return true;
}

bool Cursor::nstring(std::optional<std::string>& out) {
  if (skip_word("NIL")) {
    out.reset();
    return true;
  }
  out.emplace();
  return string(*out);
}

bool Cursor::number(std::uint64_t& out, std::uint64_t most) {
  const std::string_view digits = take_while(is_digit);
  if (digits.empty()) return fail("a number is missing");
  out = 0;
  for (const char digit : digits) {
    const auto value = static_cast<std::uint64_t>(digit - '0');
    if (out > (most - value) / 10) return fail("a number is too large");
    out = out * 10 + value;
  }
  return true;
}

bool Cursor::number32(std::uint32_t& out, bool zero_allowed) {
  std::uint64_t value = 0;
  if (!number(value, UINT32_MAX)) return false;
  if (value == 0 && !zero_allowed) return fail("a number may not be 0");
  out = static_cast<std::uint32_t>(value);
  return true;
}

bool Cursor::range_end(std::uint32_t& out) {
  if (skip('*')) {
    out = 0;
    return true;
  }
  return number32(out, false);
}

bool Cursor::range(SequenceSet::Range& out) {
  if (!range_end(out.first)) return false;
  out.last = out.first;
  return !skip(':') || range_end(out.last);
}

bool Cursor::set(SequenceSet& out) {
  if (skip('$')) {
    out = SequenceSet::saved_result();
    return true;
  }
  std::size_t count = 0;
  do {
    SequenceSet::Range one;
    if (!range(one)) return false;
    if (++count > kSetRangesMax) return fail("a set has too many ranges");
    out.add(one);
  } while (skip(','));
  return true;
}

bool Cursor::one_of_set(SequenceSet& out) {
  SequenceSet::Range one;
  if (!range_end(one.first)) return false;
  one.last = one.first;
  out.add(one);
  return true;
}

bool Cursor::known_set(NumberSet& out) {
  SequenceSet written;
  if (!set(written)) return false;
  if (written.saved() || written.has_star()) return fail("a set of known numbers has no * and no $");
  out = written.resolve(UINT32_MAX);
  return true;
}

bool Cursor::page(Page& out) {
  out.from_end = skip('-');
  if (!number32(out.from, false) || !expect(':')) return false;
  if (skip('-') != out.from_end) return fail("a page is counted from one end");
  return number32(out.to, false);
}

bool Cursor::mailbox(bool utf8, std::string& out) {
  std::string wire;
  if (!astring(wire)) return false;
  auto name = read_mailbox_name(wire, utf8);
  if (!name) return fail("that is no name of a mailbox");
  out = *std::move(name);
  return true;
}

}  // namespace ringpost::imap
