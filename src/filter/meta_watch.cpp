#include "meta_watch.hpp"

#include <algorithm>

namespace ringpost::filter {

MetaWatch::MetaWatch(MetaTrees::Tree tree, Number rest, Number cost)
    : tree_(tree), rest_(std::move(rest)), cost_(std::move(cost)) {
  found_ = rest_of(tree.root()) == 0 ? of(tree.root()) : all(tree.root());
}

void MetaWatch::Rules::add(const Rules& other) {
  rules.insert(rules.end(), other.rules.begin(), other.rules.end());
  cost += other.cost;
}

double MetaWatch::rest_of(std::uint32_t part) const {
  return range_with(tree_, part, [this](std::uint32_t rule) { return Range::exactly(rest_(rule)); }).least;
}

MetaWatch::Rules MetaWatch::all(std::uint32_t part) const {
  Rules found;
  if (tree_.is_rule(part)) {
    const std::uint32_t rule = tree_.rule(part);
    if (rule != kNoRule) found.add({{rule}, cost_(rule)});
    return found;
  }
  for (const std::uint32_t operand : tree_.operands(part)) found.add(all(operand));
  return found;
}

MetaWatch::Rules MetaWatch::of(std::uint32_t part) const {
  if (tree_.is_rule(part)) return all(part);
  const Kind kind = tree_.kind(part);
  if (kind == Kind::all) {
    // Any that rests at 0 holds the whole at 0.
    std::optional<Rules> best;
    for (const std::uint32_t operand : tree_.operands(part)) {
      if (rest_of(operand) != 0) continue;
      Rules found = of(operand);
      if (!best || found.cost < best->cost) best = std::move(found);
    }
    return *std::move(best);
  }
  const auto rests = [this](std::uint32_t operand) { return rest_of(operand) == 0; };
  if ((kind != Kind::any && kind != Kind::sum) || !std::ranges::all_of(tree_.operands(part), rests))
    return all(part);
  Rules found;
  for (const std::uint32_t operand : tree_.operands(part)) found.add(of(operand));
  return found;
}

}  // namespace ringpost::filter
