#include "arithmetic.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "ringpost/filter/limits.hpp"

#include "evaluation.hpp"
#include "setting_values.hpp"

namespace ringpost::filter {

namespace {

using Kind = MetaNode::Kind;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Operator {
  std::string_view text;
  Kind kind;
  int strength;  // the higher, the closer it binds
};
// Longer ones first.
constexpr auto kOperators = std::to_array<Operator>({
    {"||", Kind::any, 1},
    {"&&", Kind::all, 2},
    {"==", Kind::equal, 4},
    {"!=", Kind::unequal, 4},
    {"<=", Kind::at_most, 5},
    {">=", Kind::at_least, 5},
    {"^", Kind::exclusive, 3},
    {"<", Kind::less, 5},
    {">", Kind::greater, 5},
    {"+", Kind::sum, 6},
    {"-", Kind::difference, 6},
    {"*", Kind::product, 7},
    {"/", Kind::quotient, 7},
});

class Parser {
 public:
  Parser(std::string_view text, const Operand& operand) : text_(text), operand_(operand) {}

  Result<std::vector<MetaNode>> run() {
    const std::uint32_t root = RP_TRY(choice());
    skip();
    if (at_ != text_.size()) return wrong(fmt::format("'{}' does not fit here", text_.substr(at_, 10)));
    if (root + 1 != nodes_.size()) nodes_.push_back(MetaNode(nodes_[root]));
    return std::move(nodes_);
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  const Operator* peek_operator() {
    skip();
    for (const Operator& candidate : kOperators)
      if (text_.substr(at_).starts_with(candidate.text)) return &candidate;
    return nullptr;
  }
  Result<std::uint32_t> add(MetaNode node) {
    if (nodes_.size() >= kMetaNodesMax) return wrong("the expression is too large");
    nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  // Chains of one operator become one node, so that a sum over all rules is no deep tree.
  static bool chains(Kind kind) { return kind == Kind::all || kind == Kind::any || kind == Kind::sum; }

  Result<std::uint32_t> binary(int strength) {
    std::uint32_t left = RP_TRY(unary());
    bool fresh = false;  // `left` was made here and may take another operand
    for (;;) {
      const Operator* found = peek_operator();
      if (found == nullptr || found->strength < strength) return left;
      at_ += found->text.size();
      const std::uint32_t right = RP_TRY(binary(found->strength + 1));
      if (fresh && chains(found->kind) && nodes_[left].kind == found->kind) {
        nodes_[left].operands.push_back(right);
        continue;
      }
      left = RP_TRY(add({.kind = found->kind, .operands = {left, right}}));
      fresh = true;
    }
  }

  // a ? b : c, which binds weakest and to the right.
  Result<std::uint32_t> choice() {
    const std::uint32_t condition = RP_TRY(binary(1));
    if (!takes('?')) return condition;
    if (++depth_ > kMetaDepthMax) return wrong("the expression nests too deep");
    const std::uint32_t then = RP_TRY(choice());
    if (!takes(':')) return wrong("a ':' is missing behind '?'");
    const std::uint32_t otherwise = RP_TRY(choice());
    --depth_;
    return add({.kind = Kind::choice, .operands = {condition, then, otherwise}});
  }
  bool takes(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<std::uint32_t> unary() {
    skip();
    if (at_ >= text_.size()) return wrong("the expression ends too early");
    const char c = text_[at_];
    if (++depth_ > kMetaDepthMax) return wrong("the expression nests too deep");
    Result<std::uint32_t> made = wrong(fmt::format("'{}' does not fit here", text_.substr(at_, 10)));
    if (c == '!' || c == '-' || c == '+') {
      ++at_;
      made = unary();
      if (made && c != '+')
        made = add({.kind = c == '!' ? Kind::negation : Kind::minus, .operands = {*made}});
    } else if (c == '(') {
      made = parenthesis();
    } else if (is_digit(c) || c == '.') {
      made = number();
    } else if (is_name(c)) {
      made = name();
    }
    --depth_;
    return made;
  }

  Result<std::uint32_t> parenthesis() {
    ++at_;
    skip();
    if (at_ < text_.size() && text_[at_] == ')') {
      ++at_;
      return add({});
    }
    const std::uint32_t inside = RP_TRY(choice());
    skip();
    if (at_ >= text_.size() || text_[at_] != ')') return wrong("a ')' is missing");
    ++at_;
    return inside;
  }

  Result<std::uint32_t> number() {
    double value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value, std::chars_format::fixed);
    if (error != std::errc{}) return wrong("a number cannot be read");
    at_ = static_cast<std::size_t>(end - text_.data());
    if (at_ < text_.size() && is_name(text_[at_])) return wrong("a name begins with a letter");
    return add({.number = value});
  }

  Result<std::uint32_t> name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    std::optional<std::string_view> argument;
    skip();
    if (at_ < text_.size() && text_[at_] == '(') {
      const std::size_t close = text_.find(')', at_);
      if (close == std::string_view::npos) return wrong("a ')' is missing");
      argument = text_.substr(at_ + 1, close - at_ - 1);
      while (argument->starts_with(' ')) argument->remove_prefix(1);
      while (argument->ends_with(' ')) argument->remove_suffix(1);
      at_ = close + 1;
    }
    return operand_(name, argument, nodes_);
  }

  std::string_view text_;
  const Operand& operand_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  std::vector<MetaNode> nodes_;
};

}  // namespace

Result<std::vector<MetaNode>> parse_arithmetic(std::string_view text, const Operand& operand) {
  return Parser(text, operand).run();
}

namespace {

bool is_of_number(char c) {
  return is_digit(c) || c == '.' || c == '-' || c == '+';
}
// "2", "0.5", and what one or two of '-' and '+' are, or a dot, which no number is.
bool is_read_as_number(std::string_view token) {
  if (token.size() <= 2 && std::ranges::none_of(token, is_digit)) return true;
  const std::size_t dot = token.find('.');
  const std::string_view whole = token.substr(0, dot);
  const std::string_view part = dot == std::string_view::npos ? "0" : token.substr(dot + 1);
  return !whole.empty() && !part.empty() && std::ranges::all_of(whole, is_digit) &&
         std::ranges::all_of(part, is_digit);
}

}  // namespace

// SpamAssassin cuts a meta into words with an expression that takes "-1", "1+2" and ".5" for one each, and refuses the rule.
Result<std::vector<MetaNode>> parse_meta(std::string_view text, const Operand& operand) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_of_number(text[at])) {
      while (at < text.size() && is_of_number(text[at])) ++at;
      if (const std::string_view token = text.substr(start, at - start); !is_read_as_number(token))
        return fail(
            ErrorKind::permanent,
            fmt::format("'{}' is no number; put blanks around operators, and 0 before a point", token));
    }
    while (at < text.size() && is_name(text[at])) ++at;
    if (at == start) ++at;
  }
  return parse_arithmetic(text, operand);
}

namespace {

auto bounds_of(const KnownValue& known) {
  return [&known](std::uint32_t rule) {
    const auto value = known(rule);
    return value ? Range::exactly(*value) : Range::anything();
  };
}

}  // namespace

double evaluate(const std::vector<MetaNode>& nodes, const RuleValue& value, const KnownValue& known) {
  return nodes.empty() ? 0 : evaluate_with(ParsedTree(nodes), value, bounds_of(known));
}

std::optional<double> evaluate_known(const std::vector<MetaNode>& nodes, const KnownValue& known) {
  if (nodes.empty()) return 0;
  const ParsedTree tree(nodes);
  const Range found = range_with(tree, tree.root(), bounds_of(known));
  return found.known() ? std::optional(found.least) : std::nullopt;
}

std::uint32_t add_number(std::vector<MetaNode>& nodes, double number) {
  nodes.push_back({.number = number});
  return static_cast<std::uint32_t>(nodes.size() - 1);
}

}  // namespace ringpost::filter
