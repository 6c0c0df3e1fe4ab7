// Escapes and brackets: what stands for a byte or a set of bytes.
#include <algorithm>
#include <charconv>

#include "byte_sets.hpp"
#include "parser.hpp"

namespace ringpost::patterns {

// Up to `count` digits of the base.
unsigned Parser::digits(unsigned base, std::size_t count) {
  unsigned value = 0;
  const char* first = text_.data() + at_;
  const char* last = first + std::min(count, text_.size() - at_);
  const auto [end, error] = std::from_chars(first, last, value, static_cast<int>(base));
  if (error == std::errc{}) at_ += static_cast<std::size_t>(end - first);
  return value;
}
unsigned Parser::braced(unsigned base) {
  if (next() != '{') throw Beyond{};
  skip_spaces();
  const unsigned value = digits(base, 8);
  skip_spaces();
  if (next() != '}') throw Beyond{};
  return value;
}
// The character of an escape that stands for one: \n \x41 \x{263a} \101 \cA \. Above 255: none that a byte can be.
std::optional<unsigned> Parser::character(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    case 'e':
      return 27;
    case 'a':
      return 7;
    case 'x':
      return peek() == '{' ? braced(16) : digits(16, 2);
    case 'o':
      return braced(8);
    case 'c':
      return static_cast<unsigned>(next() & 0x1f);
    case '0':
      --at_;
      return digits(8, 3);
    default:
      if (is_digit(c) || is_letter(c)) return std::nullopt;
      return static_cast<unsigned char>(c);
  }
}

NodeIndex Parser::back_reference(char c) {
  if (c == 'k') {
    const char open = next();
    return named(NodeKind::back_reference, name_up_to(open == '<' ? '>' : open == '{' ? '}' : '\''));
  }
  const bool in_braces = take("{");
  const bool relative = take("-");
  if (!is_digit(peek())) {
    if (!in_braces || relative) throw Beyond{};
    return named(NodeKind::back_reference, name_up_to('}'));
  }
  std::uint32_t value = number().value_or(0);
  if (relative) value = static_cast<std::uint32_t>(tree_.captures.size()) + 1 - value;
  if (in_braces && next() != '}') throw Beyond{};
  if (value == 0) throw Beyond{};
  return numbered(NodeKind::back_reference, value);
}

NodeIndex Parser::escape() {
  const std::size_t start = at_ - 1;
  const char c = next();
  // \N{...} is a character by name; any other class may be counted.
  if (const auto set = escaped_class(c); set && (c != 'N' || peek() != '{')) return add_set(*set);
  switch (c) {
    case 'b':
    case 'B':
      if (peek() == '{') throw Beyond{};
      return add_anchor(c == 'b' ? Anchor::word : Anchor::not_word);
    case 'A':
      return add_anchor(Anchor::text_start);
    case 'z':
      return add_anchor(Anchor::text_end);
    case 'Z':
      return add_anchor(Anchor::text_end_or_newline);
    case 'G':
    case 'K':
      return add_anchor(Anchor::other);
    case 'g':
    case 'k':
      return back_reference(c);
    case 'R':
      return line_break();
    // Perl takes these away while it reads a program; in a text that becomes an expression they are letters.
    case 'E':
    case 'F':
    case 'L':
    case 'Q':
    case 'U':
    case 'l':
    case 'u':
      rewrite(start, std::string_view(&c, 1));
      return add_byte(c);
    default:
      break;
  }
  if (c >= '1' && c <= '9') {
    --at_;
    return number_escape();
  }
  const auto value = character(c);
  if (!value) throw Beyond{};
  if (*value < 256) return add_byte(static_cast<char>(*value));
  rewrite(start, "(?!)");
  return add(NodeKind::never);
}

// A group if there is one by then, and always up to 9; else a byte in octal.
NodeIndex Parser::number_escape() {
  const std::size_t start = at_;
  const std::uint32_t value = number().value_or(0);
  if (value < 10 || value <= tree_.captures.size()) return numbered(NodeKind::back_reference, value);
  at_ = start;
  return add_byte(static_cast<char>(digits(8, 3)));
}

NodeIndex Parser::line_break() {
  const NodeIndex pair = add_byte('\r');
  tree_.nodes[pair].text = "\r\n";
  const NodeIndex either = add_with(NodeKind::choice, {pair, add_set(bytes_of("\n\v\f\r\x85"))});
  return add({.kind = NodeKind::look, .look = Look::atomic, .children = {either}});
}

// "[:alpha:]" behind its first bracket; nothing: the bracket stands for itself.
std::optional<Parser::Member> Parser::posix_class() {
  const char kind = peek();
  if (kind != ':' && kind != '.' && kind != '=') return std::nullopt;
  const std::size_t end = text_.find(":]", at_ + 1);
  const bool ends = end != std::string_view::npos;
  if (kind == ':' && ends) {
    std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    const bool negated = name.starts_with('^');
    if (negated) name.remove_prefix(1);
    if (const auto set = named_class(name)) {
      at_ = end + 2;
      return Member{negated ? ~*set : *set, std::nullopt};
    }
  }
  if (kind != ':' || (ends && end < text_.find(']', at_))) throw Beyond{};
  return std::nullopt;
}

Parser::Member Parser::member() {
  const char c = next();
  if (c == '[')
    if (auto named = posix_class()) return *std::move(named);
  if (c != '\\') return {{}, static_cast<unsigned char>(c)};
  const char letter = next();
  if (const auto set = escaped_class(letter); set && letter != 'N') return {*set, std::nullopt};
  if (letter == 'b') return {{}, 8U};
  if (letter >= '1' && letter <= '7') {
    --at_;
    return {{}, digits(8, 3)};
  }
  const auto value = character(letter);
  if (!value) throw Beyond{};
  return {{}, value};
}

NodeIndex Parser::bracket() {
  const std::size_t start = at_ - 1;
  const bool negated = take("^");
  ByteSet set;
  bool wide = false;
  for (bool first = true; first || peek() != ']'; first = false) {
    if (flags_.extended_more && (peek() == ' ' || peek() == '\t')) {
      ++at_;
      continue;
    }
    const Member low = member();
    set |= low.set;
    if (!low.single) continue;
    unsigned last = *low.single;
    if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
      const std::size_t dash = at_++;
      const Member high = member();
      if (high.single)
        last = *high.single;
      else
        at_ = dash;  // "a-\d": the dash stands for itself
      if (last < *low.single) throw Beyond{};
    }
    wide = wide || last > 255;
    set |= bytes_between(*low.single, last);
  }
  ++at_;
  if (flags_.caseless) set = folded(set);
  if (negated) set = ~set;
  if (wide) rewrite(start, set.none() ? "(?!)" : class_text(set));
  return set.none() ? add(NodeKind::never) : add_set(set);
}

}  // namespace ringpost::patterns
