// Parentheses: groups, lookarounds, names, flags.
#include "parser.hpp"

namespace ringpost::patterns {

NodeIndex Parser::closed(NodeIndex inside) {
  if (next() != ')') throw Beyond{};
  return inside;
}

NodeIndex Parser::capture(std::string_view name) {
  const auto number = static_cast<std::uint32_t>(tree_.captures.size() + 1);
  tree_.captures.push_back(0);
  if (!name.empty()) names_.try_emplace(std::string(name), number);
  const NodeIndex made = add({.kind = NodeKind::capture, .number = number, .children = {scoped()}});
  tree_.captures[number - 1] = made;
  return made;
}
// Up to the closing parenthesis; flags set inside end there.
NodeIndex Parser::scoped() {
  const Flags outside = flags_;
  const NodeIndex inside = closed(choice());
  flags_ = outside;
  return inside;
}
NodeIndex Parser::look(Look kind) {
  return add({.kind = NodeKind::look, .look = kind, .children = {scoped()}});
}
std::string_view Parser::name_up_to(char end) {
  const std::size_t start = at_;
  while (is_letter(peek()) || is_digit(peek()) || peek() == '_') ++at_;
  const std::string_view name = text_.substr(start, at_ - start);
  if (name.empty() || is_digit(name[0]) || next() != end) throw Beyond{};
  return name;
}
NodeIndex Parser::named(NodeKind kind, std::string_view name) {
  const NodeIndex made = numbered(kind, 0);
  named_.emplace_back(made, name);
  return made;
}

NodeIndex Parser::group() {
  if (peek() == '*') throw Beyond{};
  if (!take("?")) return flags_.no_captures ? scoped() : capture({});
  if (take("#")) {
    while (next() != ')') {
    }
    return add(NodeKind::empty);
  }
  if (take(":")) return scoped();
  if (take("=")) return look(Look::ahead);
  if (take("!")) return look(Look::not_ahead);
  if (take("<=")) return look(Look::behind);
  if (take("<!")) return look(Look::not_behind);
  if (take(">")) return look(Look::atomic);
  if (take("P<") || take("<")) return capture(name_up_to('>'));
  if (take("'")) return capture(name_up_to('\''));
  if (take("P=")) return named(NodeKind::back_reference, name_up_to(')'));
  if (take("P>") || take("&")) return named(NodeKind::recursion, name_up_to(')'));
  if (take("R)") || take("0)")) return numbered(NodeKind::recursion, 0);
  if (is_digit(peek())) return closed(numbered(NodeKind::recursion, number().value_or(0)));
  if (take("(")) return conditional();
  return flags();
}

NodeIndex Parser::conditional() {
  NodeIndex made = 0;
  if (is_digit(peek()))
    made = numbered(NodeKind::conditional, number().value_or(0));
  else if (take("<"))
    made = named(NodeKind::conditional, name_up_to('>'));
  else if (take("'"))
    made = named(NodeKind::conditional, name_up_to('\''));
  else
    throw Beyond{};
  closed(made);
  const Flags outside = flags_;
  std::vector<NodeIndex> branches{sequence()};
  if (take("|"))
    branches.push_back(sequence());
  else
    branches.push_back(add(NodeKind::empty));
  flags_ = outside;
  tree_.nodes[made].children = std::move(branches);
  return closed(made);
}

NodeIndex Parser::flags() {
  const Flags outside = flags_;
  bool on = true;
  if (take("^")) flags_ = Flags{};
  for (;;) {
    const char c = next();
    switch (c) {
      case 'i':
        flags_.caseless = on;
        break;
      case 'm':
        flags_.multiline = on;
        break;
      case 's':
        flags_.dot_all = on;
        break;
      case 'x':
        flags_.extended_more = on && flags_.extended && text_[at_ - 2] == 'x';
        flags_.extended = on;
        break;
      case 'n':
        flags_.no_captures = on;
        break;
      case 'a':
      case 'u':
      case 'l':
      case 'd':
      case 'p':
        rewrite(at_ - 1, "");  // PCRE2 knows none of them
        break;
      case '-':
        on = false;
        break;
      case ')':
        return add(NodeKind::empty);
      case ':': {
        const NodeIndex inside = closed(choice());
        flags_ = outside;
        return inside;
      }
      default:
        throw Beyond{};
    }
  }
}

}  // namespace ringpost::patterns
