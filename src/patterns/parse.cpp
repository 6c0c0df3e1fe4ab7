// Choices, sequences and counts.
#include <charconv>

#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"
#include "parser.hpp"

namespace ringpost::patterns {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

}  // namespace

Tree Parser::run() {
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

bool Parser::take(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}
char Parser::next() {
  if (done()) throw Beyond{};
  return text_[at_++];
}

void Parser::rewrite(std::size_t from, std::string_view instead) {
  tree_.pcre2 += text_.substr(copied_, from - copied_);
  tree_.pcre2 += instead;
  copied_ = at_;
}

NodeIndex Parser::add(Node node) {
  if (tree_.nodes.size() >= kNodesMax) throw Beyond{};
  tree_.nodes.push_back(std::move(node));
  return static_cast<NodeIndex>(tree_.nodes.size() - 1);
}

NodeIndex Parser::choice() {
  if (++depth_ > kNestingMax) throw Beyond{};
  std::vector<NodeIndex> branches{sequence()};
  while (peek() == '|' && !done()) {
    ++at_;
    branches.push_back(sequence());
  }
  --depth_;
  return branches.size() == 1 ? branches[0] : add_with(NodeKind::choice, std::move(branches));
}

NodeIndex Parser::sequence() {
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

void Parser::skip_blanks() {
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

std::optional<std::uint32_t> Parser::number() {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (error == std::errc::result_out_of_range) throw Beyond{};
  if (error != std::errc{}) return std::nullopt;
  at_ = static_cast<std::size_t>(end - text_.data());
  return value;
}
void Parser::skip_spaces() {
  while (peek() == ' ' || peek() == '\t') ++at_;
}

// {n} {n,} {n,m} {,m}, with blanks where Perl takes them; false: a brace that stands for itself.
bool Parser::braces(std::uint32_t& min, std::uint32_t& max) {
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

NodeIndex Parser::quantified(NodeIndex atom) {
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
  const Greed greed = take("?") ? Greed::lazy : take("+") ? Greed::possessive : Greed::greedy;
  const NodeIndex made =
      add({.kind = NodeKind::repeat, .greed = greed, .min = min, .max = max, .children = {atom}});
  const char more = peek();
  if (!done() && (more == '*' || more == '+' || more == '?')) throw Beyond{};
  return made;
}

NodeIndex Parser::atom() {
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

std::optional<Tree> parse(const Pattern& pattern) {
  if (pattern.expression.size() > kExpressionSizeMax) return std::nullopt;
  try {
    return Parser(pattern).run();
  } catch (const Beyond&) {
    return std::nullopt;
  }
}

}  // namespace ringpost::patterns
