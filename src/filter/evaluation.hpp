// What the expression of a meta comes to. Templates, since a scan does this some hundred times for a mail.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "ringpost/filter/rules.hpp"

namespace ringpost::filter {

// `Value` gives a rule's value, `Known` what can be had for nothing, if anything.
template <class Value, class Known>
class Evaluation {
 public:
  using Kind = MetaNode::Kind;
  Evaluation(const std::vector<MetaNode>& nodes, const Known& known, const Value* value)
      : nodes_(nodes), known_(known), value_(value) {}

  std::optional<double> run() const {
    return of(static_cast<std::uint32_t>(nodes_.size() - 1), value_ != nullptr);
  }

 private:
  // Nothing: a value is missing that may not be asked for.
  std::optional<double> of(std::uint32_t index, bool ask) const {
    const MetaNode& node = nodes_[index];
    switch (node.kind) {
      case Kind::number:
        return node.number;
      case Kind::rule:
        if (node.rule == kNoRule) return 0;
        return ask ? std::optional((*value_)(node.rule)) : known_(node.rule);
      case Kind::all:
        return all(node, ask);
      case Kind::any:
        for (const std::uint32_t operand : node.operands)
          if (const auto value = of(operand, ask); !value || *value != 0) return value;
        return 0;
      case Kind::sum: {
        double sum = 0;
        for (const std::uint32_t operand : node.operands) {
          const auto value = of(operand, ask);
          if (!value) return value;
          sum += *value;
        }
        return sum;
      }
      default:
        break;
    }
    const auto left = of(node.operands[0], ask);
    if (!left || node.operands.size() == 1) return left ? std::optional(single(node.kind, *left)) : left;
    const auto right = of(node.operands[1], ask);
    return right ? std::optional(pair(node.kind, *left, *right)) : right;
  }

  // One that is 0 decides, wherever it stands.
  std::optional<double> all(const MetaNode& node, bool ask) const {
    if (ask)
      for (const std::uint32_t operand : node.operands)
        if (of(operand, false) == 0.0) return 0;
    double last = 0;
    bool missing = false;
    for (const std::uint32_t operand : node.operands) {
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

  const std::vector<MetaNode>& nodes_;
  const Known& known_;
  const Value* value_;
};

// What a meta is worth to another: its own value, at least 1 when it hit.
inline double meta_worth(double value) {
  return value < 0 ? 1 : value;
}

// As `evaluate` and `evaluate_known` of arithmetic.hpp.
template <class Value, class Known>
double evaluate_with(const std::vector<MetaNode>& nodes, const Value& value, const Known& known) {
  return nodes.empty() ? 0 : Evaluation<Value, Known>(nodes, known, &value).run().value_or(0);
}
template <class Known>
std::optional<double> evaluate_known_with(const std::vector<MetaNode>& nodes, const Known& known) {
  struct Nobody {
    double operator()(std::uint32_t) const { return 0; }
  };
  return nodes.empty() ? 0 : Evaluation<Nobody, Known>(nodes, known, nullptr).run();
}

}  // namespace ringpost::filter
