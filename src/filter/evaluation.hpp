// What the expression of a meta comes to. Templates, since a scan does this some hundred times for a mail, over trees in one piece
// of memory; what reads rules has them as they were parsed.
//
// Bounds: a part that is not known lies between two numbers. Where these decide, as in "A + B + C > 3" with two of the three at 0,
// nobody asks for the rest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/filter/meta_trees.hpp"

namespace ringpost::filter {

// What a part can be worth.
struct Range {
  static constexpr double kEndless = std::numeric_limits<double>::infinity();
  static constexpr double kAbove0 = std::numeric_limits<double>::min();

  double least = 0, most = 0;

  static constexpr Range exactly(double value) { return {value, value}; }
  static constexpr Range anything() { return {-kEndless, kEndless}; }
  constexpr bool known() const { return least == most; }
  constexpr bool is_zero() const { return least == 0 && most == 0; }
  constexpr bool is_true() const { return least > 0 || most < 0; }
};

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
  std::span<const std::uint32_t> cheapest_first(std::uint32_t part) const { return operands(part); }

 private:
  const std::vector<MetaNode>& nodes_;
};

// `Value` gives a rule's value, `Bounds` what can be said of it for nothing.
template <class Tree, class Value, class Bounds>
class Evaluation {
 public:
  using Kind = MetaNode::Kind;
  Evaluation(const Tree& tree, const Bounds& bounds, const Value& value)
      : tree_(tree), bounds_(bounds), value_(value) {}

  // Nothing is asked for. Most parts are rules, which need no call.
  [[gnu::always_inline]] Range range(std::uint32_t part) const {
    if (!tree_.is_rule(part)) return range_of_node(part);
    const std::uint32_t rule = tree_.rule(part);
    return rule == kNoRule ? Range{} : bounds_(rule);
  }

  double value(std::uint32_t part) const {
    if (tree_.is_rule(part)) {
      const std::uint32_t rule = tree_.rule(part);
      return rule == kNoRule ? 0 : value_(rule);
    }
    const std::span<const std::uint32_t> operands = tree_.operands(part);
    const Kind kind = tree_.kind(part);
    switch (kind) {
      case Kind::number:
        return tree_.number(part);
      case Kind::all:
        return value_of_all(part);
      case Kind::any:
        for (const std::uint32_t operand : operands)
          if (const double one = value(operand); one != 0) return one;
        return 0;
      case Kind::sum: {
        double sum = 0;
        for (const std::uint32_t operand : operands) sum += value(operand);
        return sum;
      }
      case Kind::choice:
        return value(operands[value(operands[0]) != 0 ? 1 : 2]);
      default:
        break;
    }
    if (operands.size() == 1) return single(kind, value(operands[0]));
    return compares(kind) ? compared(kind, operands[0], operands[1])
                          : pair(kind, value(operands[0]), value(operands[1]));
  }

 private:
  Range range_of_node(std::uint32_t part) const {
    const std::span<const std::uint32_t> operands = tree_.operands(part);
    const Kind kind = tree_.kind(part);
    switch (kind) {
      case Kind::number:
        return Range::exactly(tree_.number(part));
      case Kind::all:
        return range_of_all(operands);
      case Kind::any:
        return range_of_any(operands);
      case Kind::sum: {
        Range sum;
        for (const std::uint32_t operand : operands) {
          const Range one = range(operand);
          sum.least += one.least;
          sum.most += one.most;
        }
        return sum;
      }
      case Kind::choice: {
        const Range condition = range(operands[0]);
        if (condition.is_true()) return range(operands[1]);
        if (condition.is_zero()) return range(operands[2]);
        return around(range(operands[1]), range(operands[2]));
      }
      default:
        break;
    }
    const Range left = range(operands[0]);
    if (operands.size() == 1) {
      if (kind == Kind::minus) return {-left.most, -left.least};
      return left.is_true() ? Range{} : left.is_zero() ? Range::exactly(1) : Range{0, 1};
    }
    const Range right = range(operands[1]);
    if (left.known() && right.known()) return Range::exactly(pair(kind, left.least, right.least));
    if (kind == Kind::difference) return {left.least - right.most, left.most - right.least};
    return compares(kind) ? comparison(kind, left, right) : Range::anything();
  }

  static Range around(Range a, Range b) { return {std::min(a.least, b.least), std::max(a.most, b.most)}; }

  // One that is 0 decides, wherever it stands; else the last is what it is worth.
  Range range_of_all(std::span<const std::uint32_t> operands) const {
    bool all_true = true;
    Range last;
    for (const std::uint32_t operand : operands) {
      last = range(operand);
      if (last.is_zero()) return {};
      all_true = all_true && last.is_true();
    }
    return all_true ? last : around(Range{}, last);
  }
  // The first that is not 0.
  Range range_of_any(std::span<const std::uint32_t> operands) const {
    std::optional<Range> found;
    for (const std::uint32_t operand : operands) {
      Range one = range(operand);
      if (one.is_zero()) continue;
      const bool decides = one.is_true();
      if (!decides && one.least == 0) one.least = Range::kAbove0;
      found = found ? around(*found, one) : one;
      if (decides) return *found;
    }
    return found ? around(Range{}, *found) : Range{};
  }

  // What costs most is asked for last, and not at all when another one is 0.
  double value_of_all(std::uint32_t part) const {
    const std::span<const std::uint32_t> operands = tree_.operands(part);
    for (const std::uint32_t operand : operands)
      if (range(operand).is_zero()) return 0;
    for (const std::uint32_t operand : tree_.cheapest_first(part))
      if (!range(operand).is_true() && value(operand) == 0) return 0;
    return value(operands.back());
  }

  static bool compares(Kind kind) {
    return kind == Kind::less || kind == Kind::greater || kind == Kind::at_most || kind == Kind::at_least ||
           kind == Kind::equal || kind == Kind::unequal;
  }
  static Range comparison(Kind kind, Range left, Range right) {
    const auto decided = [](bool yes, bool no) {
      return yes ? Range::exactly(1) : no ? Range{} : Range{0, 1};
    };
    switch (kind) {
      case Kind::less:
        return decided(left.most < right.least, left.least >= right.most);
      case Kind::greater:
        return decided(left.least > right.most, left.most <= right.least);
      case Kind::at_most:
        return decided(left.most <= right.least, left.least > right.most);
      case Kind::at_least:
        return decided(left.least >= right.most, left.most < right.least);
      case Kind::equal:
        return decided(false, left.most < right.least || left.least > right.most);
      default:
        return decided(left.most < right.least || left.least > right.most, false);
    }
  }
  // One part of a sum after the other, until it is decided.
  double compared(Kind kind, std::uint32_t left, std::uint32_t right) const {
    const bool is_sum = !tree_.is_rule(left) && tree_.kind(left) == Kind::sum;
    if (is_sum && range(right).known()) {
      for (const std::uint32_t operand : tree_.cheapest_first(left)) {
        if (range(operand).known()) continue;
        const Range found = comparison(kind, range(left), range(right));
        if (found.known()) return found.least;
        (void)value(operand);
      }
    }
    return pair(kind, value(left), value(right));
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
  const Bounds& bounds_;
  const Value& value_;
};

// What a meta is worth to another: its own value, at least 1 when it hit.
inline double meta_worth(double value) {
  return value < 0 ? 1 : value;
}

template <class Tree, class Value, class Bounds>
double evaluate_with(const Tree& tree, const Value& value, const Bounds& bounds) {
  return Evaluation<Tree, Value, Bounds>(tree, bounds, value).value(tree.root());
}
template <class Tree, class Bounds>
Range range_with(const Tree& tree, std::uint32_t part, const Bounds& bounds) {
  const auto nobody = [](std::uint32_t) { return 0.0; };
  return Evaluation<Tree, decltype(nobody), Bounds>(tree, bounds, nobody).range(part);
}

}  // namespace ringpost::filter
