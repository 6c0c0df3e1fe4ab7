// Perl's syntax to a tree. One recursive descent; a Parser lives for one call of parse().
#include <charconv>
#include <map>

#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

// What this parser does not read ends the parse at once; it never leaves this file.
struct Beyond {};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name(char c) {
  return is_digit(c) || is_letter(c) || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

class Parser {
 public:
  explicit Parser(const Pattern& pattern) : text_(pattern.expression), flags_(pattern.flags) {}

  Tree run() {
    tree_.root = choice();
    if (at_ != text_.size()) throw Beyond{};
    for (const auto& [node, name] : named_) {
      const auto found = names_.find(name);
      if (found == names_.end()) throw Beyond{};
      tree_.nodes[node].number = found->second;
    }
    for (const Node& node : tree_.nodes)
      if ((node.kind == NodeKind::back_reference || node.kind == NodeKind::recursion ||
           node.kind == NodeKind::conditional) &&
          node.number > tree_.captures.size())
        throw Beyond{};
    tree_.pcre2 += text_.substr(copied_);
    return std::move(tree_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool done() const { return at_ >= text_.size(); }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  char next() {
    if (done()) throw Beyond{};
    return text_[at_++];
  }
  // PCRE2 gets `instead` for what stands from `from` up to here.
  void rewrite(std::size_t from, std::string_view instead) {
    tree_.pcre2 += text_.substr(copied_, from - copied_);
    tree_.pcre2 += instead;
    copied_ = at_;
  }

  NodeIndex add(Node node) {
    if (tree_.nodes.size() >= kNodesMax) throw Beyond{};
    tree_.nodes.push_back(std::move(node));
    return static_cast<NodeIndex>(tree_.nodes.size() - 1);
  }
  NodeIndex add(NodeKind kind) {
    Node node;
    node.kind = kind;
    return add(std::move(node));
  }
  NodeIndex add_byte(char c) {
    Node node;
    node.kind = NodeKind::bytes;
    node.caseless = flags_.caseless;
    node.text.assign(1, c);
    return add(std::move(node));
  }
  NodeIndex add_set(ByteSet set) {
    Node node;
    node.kind = NodeKind::set;
    node.set = set;
    return add(std::move(node));
  }
  NodeIndex add_anchor(Anchor anchor) {
    Node node;
    node.kind = NodeKind::anchor;
    node.anchor = anchor;
    return add(std::move(node));
  }
  NodeIndex add_with(NodeKind kind, std::vector<NodeIndex> children) {
    Node node;
    node.kind = kind;
    node.children = std::move(children);
    return add(std::move(node));
  }

  NodeIndex choice() {
    if (++depth_ > kNestingMax) throw Beyond{};
    std::vector<NodeIndex> branches{sequence()};
    while (peek() == '|' && !done()) {
      ++at_;
      branches.push_back(sequence());
    }
    --depth_;
    return branches.size() == 1 ? branches[0] : add_with(NodeKind::choice, std::move(branches));
  }

  NodeIndex sequence() {
    std::vector<NodeIndex> parts;
    bool last_is_plain = false;
    while (skip_blanks(), !done() && peek() != '|' && peek() != ')') {
      const NodeIndex atom = this->atom();
      skip_blanks();
      const NodeIndex part = quantified(atom);
      const Node& node = tree_[part];
      const bool plain = part == atom && node.kind == NodeKind::bytes;
      if (node.kind == NodeKind::empty) continue;
      if (plain && last_is_plain && tree_[parts.back()].caseless == node.caseless)
        tree_.nodes[parts.back()].text += node.text;
      else
        parts.push_back(part);
      last_is_plain = plain;
    }
    if (parts.empty()) return add(NodeKind::empty);
    return parts.size() == 1 ? parts[0] : add_with(NodeKind::sequence, std::move(parts));
  }

  void skip_blanks() {
    while (flags_.extended && !done()) {
      if (is_blank(peek()))
        ++at_;
      else if (peek() == '#')
        while (!done() && next() != '\n') {
        }
      else
        return;
    }
  }

  std::optional<std::uint32_t> number() {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }

  // {n} {n,} {n,m} {,m}, with blanks where Perl takes them; false: a brace that stands for itself.
  bool braces(std::uint32_t& min, std::uint32_t& max) {
    const std::size_t start = at_;
    ++at_;
    skip_spaces();
    const auto low = number();
    skip_spaces();
    std::optional<std::uint32_t> high = low;
    if (take(",")) {
      skip_spaces();
      high = number();
      skip_spaces();
      if (low && !high) high = kUnbounded;
    }
    if ((!low && !high) || !take("}")) {
      at_ = start;
      return false;
    }
    min = low.value_or(0);
    max = high.value_or(kUnbounded);
    const std::string_view written = text_.substr(start, at_ - start);
    if (!low || written.find_first_of(" \t") != std::string_view::npos)
      rewrite(start, max == kUnbounded ? "{" + std::to_string(min) + ",}"
                                       : "{" + std::to_string(min) + "," + std::to_string(max) + "}");
    if (min > kRepeatMax || (max != kUnbounded && (max > kRepeatMax || max < min))) throw Beyond{};
    return true;
  }

  NodeIndex quantified(NodeIndex atom) {
    std::uint32_t min = 0;
    std::uint32_t max = kUnbounded;
    switch (peek()) {
      case '*':
        ++at_;
        break;
      case '+':
        ++at_;
        min = 1;
        break;
      case '?':
        ++at_;
        max = 1;
        break;
      case '{':
        if (!braces(min, max)) return atom;
        break;
      default:
        return atom;
    }
    Node node;
    node.kind = NodeKind::repeat;
    node.min = min;
    node.max = max;
    node.greed = take("?") ? Greed::lazy : take("+") ? Greed::possessive : Greed::greedy;
    node.children = {atom};
    const NodeIndex made = add(std::move(node));
    const char more = peek();
    if (!done() && (more == '*' || more == '+' || more == '?')) throw Beyond{};
    return made;
  }

  NodeIndex atom() {
    const char c = next();
    switch (c) {
      case '(':
        return group();
      case '[':
        return bracket();
      case '\\':
        return escape();
      case '.':
        return add_set(flags_.dot_all ? ~ByteSet{} : ~bytes_of("\n"));
      case '^':
        return add_anchor(flags_.multiline ? Anchor::line_start : Anchor::text_start);
      case '$':
        return add_anchor(flags_.multiline ? Anchor::line_end : Anchor::text_end_or_newline);
      case '*':
      case '+':
      case '?':
        throw Beyond{};
      default:
        return add_byte(c);
    }
  }

  NodeIndex closed(NodeIndex inside) {
    if (next() != ')') throw Beyond{};
    return inside;
  }

  NodeIndex capture(std::string_view name) {
    const auto number = static_cast<std::uint32_t>(tree_.captures.size() + 1);
    tree_.captures.push_back(0);
    if (!name.empty()) names_.try_emplace(std::string(name), number);
    Node node;
    node.kind = NodeKind::capture;
    node.number = number;
    node.children = {scoped()};
    const NodeIndex made = add(std::move(node));
    tree_.captures[number - 1] = made;
    return made;
  }
  // Up to the closing parenthesis; flags set inside end there.
  NodeIndex scoped() {
    const Flags outside = flags_;
    const NodeIndex inside = closed(choice());
    flags_ = outside;
    return inside;
  }
  NodeIndex look(Look kind) {
    Node node;
    node.kind = NodeKind::look;
    node.look = kind;
    node.children = {scoped()};
    return add(std::move(node));
  }
  std::string_view name_up_to(char end) {
    const std::size_t start = at_;
    while (is_name(peek()) && !done()) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (name.empty() || is_digit(name[0]) || next() != end) throw Beyond{};
    return name;
  }
  NodeIndex named(NodeKind kind, std::string_view name) {
    Node node;
    node.kind = kind;
    node.caseless = flags_.caseless;
    const NodeIndex made = add(std::move(node));
    named_.emplace_back(made, name);
    return made;
  }
  NodeIndex numbered(NodeKind kind, std::uint32_t number) {
    Node node;
    node.kind = kind;
    node.caseless = flags_.caseless;
    node.number = number;
    return add(std::move(node));
  }

  NodeIndex group() {
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

  NodeIndex conditional() {
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

  NodeIndex flags() {
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
          tree_.pcre2 += text_.substr(copied_, at_ - 1 - copied_);  // PCRE2 knows none of them
          copied_ = at_;
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

  // Up to `count` digits of the base.
  unsigned digits(unsigned base, std::size_t count) {
    unsigned value = 0;
    const char* first = text_.data() + at_;
    const char* last = first + std::min(count, text_.size() - at_);
    const auto [end, error] = std::from_chars(first, last, value, static_cast<int>(base));
    if (error == std::errc{}) at_ += static_cast<std::size_t>(end - first);
    return value;
  }
  unsigned braced(unsigned base) {
    if (next() != '{') throw Beyond{};
    skip_spaces();
    const unsigned value = digits(base, 8);
    skip_spaces();
    if (next() != '}') throw Beyond{};
    return value;
  }
  // The character of an escape that stands for one: \n \x41 \x{263a} \101 \cA \. Above 255: none that a byte can be.
  std::optional<unsigned> character(char c) {
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

  NodeIndex back_reference(char c) {
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

  NodeIndex escape() {
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
      const std::size_t digits_at = at_;
      const std::uint32_t value = number().value_or(0);
      if (value < 10 || value <= tree_.captures.size()) return numbered(NodeKind::back_reference, value);
      at_ = digits_at;
      return add_byte(static_cast<char>(digits(8, 3)));
    }
    const auto value = character(c);
    if (!value) throw Beyond{};
    if (*value < 256) return add_byte(static_cast<char>(*value));
    rewrite(start, "(?!)");
    return add(NodeKind::never);
  }

  NodeIndex line_break() {
    const NodeIndex pair = add_byte('\r');
    tree_.nodes[pair].text = "\r\n";
    Node node;
    node.kind = NodeKind::look;
    node.look = Look::atomic;
    node.children = {add_with(NodeKind::choice, {pair, add_set(bytes_of("\n\v\f\r\x85"))})};
    return add(std::move(node));
  }

  struct Member {
    ByteSet set;
    std::optional<unsigned> single;  // it may begin or end a range
  };

  Member member() {
    const char c = next();
    if (c == '[' && (peek() == ':' || peek() == '.' || peek() == '=')) {
      const std::size_t end = text_.find(":]", at_ + 1);
      if (peek() == ':' && end != std::string_view::npos) {
        std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
        const bool negated = name.starts_with('^');
        if (negated) name.remove_prefix(1);
        if (const auto set = named_class(name)) {
          at_ = end + 2;
          return {negated ? ~*set : *set, std::nullopt};
        }
      }
      if (peek() != ':' || (end != std::string_view::npos && end < text_.find(']', at_))) throw Beyond{};
    }
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

  NodeIndex bracket() {
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

  std::string_view text_;
  std::size_t at_ = 0;
  Flags flags_;
  Tree tree_;
  unsigned depth_ = 0;
  std::size_t copied_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> names_;
  std::vector<std::pair<NodeIndex, std::string>> named_;
};

}  // namespace

std::optional<Tree> parse(const Pattern& pattern) {
  if (pattern.expression.size() > kExpressionSizeMax) return std::nullopt;
  try {
    return Parser(pattern).run();
  } catch (const Beyond&) {
    return std::nullopt;
  }
}

}  // namespace ringpost::patterns
