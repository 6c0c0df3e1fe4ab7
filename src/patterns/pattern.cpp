#include "ringpost/patterns/pattern.hpp"

#include <fmt/format.h>

#include "ringpost/patterns/limits.hpp"

namespace ringpost::patterns {

namespace {

char closing(char opening) {
  switch (opening) {
    case '{':
      return '}';
    case '(':
      return ')';
    case '[':
      return ']';
    case '<':
      return '>';
    default:
      return opening;
  }
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The same delimiter on both sides must be escaped inside.
bool has_bare(std::string_view expression, char delimiter) {
  for (std::size_t at = 0; at < expression.size(); ++at) {
    if (expression[at] == '\\')
      ++at;
    else if (expression[at] == delimiter)
      return true;
  }
  return false;
}

}  // namespace

Result<Flags> parse_flags(std::string_view letters) {
  Flags flags;
  for (const char letter : letters) {
    switch (letter) {
      case 'i':
        flags.caseless = true;
        break;
      case 'm':
        flags.multiline = true;
        break;
      case 's':
        flags.dot_all = true;
        break;
      case 'x':
        flags.extended_more = flags.extended;
        flags.extended = true;
        break;
      case 'n':
        flags.no_captures = true;
        break;
      case 'g':
      case 'o':
      case 'a':
      case 'u':
      case 'l':
      case 'd':
      case 'p':
      case 'c':
        break;
      default:
        return fail(ErrorKind::permanent, fmt::format("unknown letter '{}' behind the expression", letter));
    }
  }
  return flags;
}

std::string to_string(const Flags& flags) {
  std::string letters;
  if (flags.caseless) letters += 'i';
  if (flags.multiline) letters += 'm';
  if (flags.dot_all) letters += 's';
  if (flags.extended) letters += 'x';
  if (flags.extended_more) letters += 'x';
  if (flags.no_captures) letters += 'n';
  return letters;
}

Result<Pattern> parse_delimited(std::string_view text) {
  if (text.size() > kExpressionSizeMax) return fail(ErrorKind::permanent, "the expression is too long");
  if (text.starts_with("qr"))
    text.remove_prefix(2);
  else if (text.starts_with('m'))
    text.remove_prefix(1);
  else if (!text.starts_with('/'))
    return fail(ErrorKind::permanent, "an expression begins with / or m and a delimiter");
  if (text.empty() || is_word(text[0]) || text[0] == '\\' || text[0] == ' ' || text[0] == '\t')
    return fail(ErrorKind::permanent, "an expression begins with / or m and a delimiter");
  const char close = closing(text[0]);
  const std::size_t end = text.find_last_not_of("abcdefghijklmnopqrstuvwxyz");
  if (end == 0 || end == std::string_view::npos || text[end] != close)
    return fail(ErrorKind::permanent, fmt::format("the closing '{}' is missing", close));
  Pattern pattern;
  pattern.expression = text.substr(1, end - 1);
  pattern.flags = RP_TRY(parse_flags(text.substr(end + 1)));
  if (close == text[0] && has_bare(pattern.expression, close))
    return fail(ErrorKind::permanent, fmt::format("'{}' inside the expression needs a backslash", close));
  return pattern;
}

}  // namespace ringpost::patterns
