// What the expression of a meta comes to. Templates, since a scan does this some hundred times for a mail, over trees in one piece
// of memory; what reads rules has them as they were parsed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/filter/meta_trees.hpp"

namespace ringpost::filter {

// A tree as it was parsed. A part of a tree is a number that the tree gives a meaning.
class ParsedTree {
 public:
  explicit ParsedTree(const std::vector<MetaNode>& nodes) : nodes_(nodes) {}
  std::uint32_t root() const { return static_cast<std::uint32_t>(nodes_.size() - 1); }
  bool is_rule(std::uint32_t part) const { return nodes_[part].kind == MetaNode::Kind::rule; }
  std::uint32_t rule(std::uint32_t part) const { return nodes_[part].rule; }
  MetaNode::Kind kind(std::uint32_t part) const { return nodes_[part].kind; }
  double number(std::uint32_t part) const { return nodes_[part].number; }
  std::span<const std::uint32_t> operands(std::uint32_t part) const { return nodes_[part].operands; }

 private:
  const std::vector<MetaNode>& nodes_;
};

// `Value` gives a rule's value, `Known` what can be had for nothing, if anything.
template <class Tree, class Value, class Known>
class Evaluation {
 public:
  using Kind = MetaNode::Kind;
  Evaluation(const Tree& tree, const Known& known, const Value* value)
      : tree_(tree), known_(known), value_(value) {}

  std::optional<double> run() const { return of(tree_.root(), value_ != nullptr); }

 private:
  // Nothing: a value is missing that may not be asked for. Most parts are rules, which need no call.
  [[gnu::always_inline]] std::optional<double> of(std::uint32_t part, bool ask) const {
    if (!tree_.is_rule(part)) return of_node(part, ask);
    const std::uint32_t rule = tree_.rule(part);
    if (rule == kNoRule) return 0;
    return ask ? std::optional((*value_)(rule)) : known_(rule);
  }
  std::optional<double> of_node(std::uint32_t part, bool ask) const {
    const std::span<const std::uint32_t> operands = tree_.operands(part);
    const Kind kind = tree_.kind(part);
    switch (kind) {
      case Kind::number:
        return tree_.number(part);
      case Kind::all:
        return all(operands, ask);
      case Kind::any:
        for (const std::uint32_t operand : operands)
          if (const auto value = of(operand, ask); !value || *value != 0) return value;
        return 0;
      case Kind::sum: {
        double sum = 0;
        for (const std::uint32_t operand : operands) {
          const auto value = of(operand, ask);
          if (!value) return value;
          sum += *value;
        }
        return sum;
      }
      case Kind::choice: {
        const auto condition = of(operands[0], ask);
        return condition ? of(operands[*condition != 0 ? 1 : 2], ask) : condition;
      }
      default:
        break;
    }
    const auto left = of(operands[0], ask);
    if (!left || operands.size() == 1) return left ? std::optional(single(kind, *left)) : left;
    const auto right = of(operands[1], ask);
    return right ? std::optional(pair(kind, *left, *right)) : right;
  }

  // One that is 0 decides, wherever it stands.
  std::optional<double> all(std::span<const std::uint32_t> operands, bool ask) const {
    if (ask)
      for (const std::uint32_t operand : operands)
        if (of(operand, false) == 0.0) return 0;
    double last = 0;
    bool missing = false;
    for (const std::uint32_t operand : operands) {
      const auto value = of(operand, ask);
      if (value == 0.0) return 0;
      missing = missing || !value;
      last = value.value_or(0);
    }
    return missing ? std::nullopt : std::optional(last);
  }

  static double single(Kind kind, double value) {
    if (kind == Kind::minus) return -value;
    return value == 0 ? 1 : 0;
  }
  static double pair(Kind kind, double left, double right) {
    switch (kind) {
      case Kind::difference:
        return left - right;
      case Kind::product:
        return left * right;
      case Kind::quotient:
        return right == 0 ? 0 : left / right;
      case Kind::less:
        return left < right ? 1 : 0;
      case Kind::greater:
        return left > right ? 1 : 0;
      case Kind::at_most:
        return left <= right ? 1 : 0;
      case Kind::at_least:
        return left >= right ? 1 : 0;
      case Kind::equal:
        return left == right ? 1 : 0;
      case Kind::unequal:
        return left != right ? 1 : 0;
      default:
        return static_cast<double>(whole(left) ^ whole(right));
    }
  }
  // Of a number that may be anything, for the operator on bits.
  static std::uint64_t whole(double number) {
    return number > 0 ? static_cast<std::uint64_t>(std::min(number, 1e15)) : 0;
  }

  const Tree& tree_;
  const Known& known_;
  const Value* value_;
};

// What a meta is worth to another: its own value, at least 1 when it hit.
inline double meta_worth(double value) {
  return value < 0 ? 1 : value;
}

// As `evaluate` and `evaluate_known` of arithmetic.hpp.
template <class Tree, class Value, class Known>
double evaluate_with(const Tree& tree, const Value& value, const Known& known) {
  return Evaluation<Tree, Value, Known>(tree, known, &value).run().value_or(0);
}
template <class Tree, class Known>
std::optional<double> evaluate_known_with(const Tree& tree, const Known& known) {
  struct Nobody {
    double operator()(std::uint32_t) const { return 0; }
  };
  return Evaluation<Tree, Nobody, Known>(tree, known, nullptr).run();
}

}  // namespace ringpost::filter
