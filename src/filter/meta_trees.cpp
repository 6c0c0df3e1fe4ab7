#include "ringpost/filter/meta_trees.hpp"

#include <algorithm>
#include <optional>

namespace ringpost::filter {

std::uint32_t MetaTrees::add(const std::vector<MetaNode>& nodes,
                             const std::function<double(std::uint32_t)>& cost) {
  const auto first = static_cast<std::uint32_t>(nodes_.size());
  const auto part = [&](std::uint32_t index) {
    const MetaNode& node = nodes[index];
    return node.kind == MetaNode::Kind::rule ? node.rule | kRule : first + index;
  };
  std::vector<std::optional<double>> costs(nodes.size());
  const std::function<double(std::uint32_t)> cost_of = [&](std::uint32_t index) {
    const MetaNode& node = nodes[index];
    if (costs[index]) return *costs[index];
    double sum = node.kind == MetaNode::Kind::rule && node.rule != kNoRule ? cost(node.rule) : 0;
    for (const std::uint32_t operand : node.operands) sum += cost_of(operand);
    return *(costs[index] = sum);
  };
  for (const MetaNode& node : nodes) {
    nodes_.push_back({node.number, static_cast<std::uint32_t>(operands_.size()),
                      static_cast<std::uint32_t>(node.operands.size()), node.kind});
    for (const std::uint32_t operand : node.operands) operands_.push_back(part(operand));
    std::vector<std::uint32_t> order = node.operands;
    std::ranges::sort(order, {}, [&](std::uint32_t operand) { return std::pair(cost_of(operand), operand); });
    for (const std::uint32_t operand : order) cheapest_first_.push_back(part(operand));
  }
  // A meta without an expression is 0.
  if (nodes.empty()) nodes_.emplace_back();
  return nodes.empty() ? first : part(static_cast<std::uint32_t>(nodes.size() - 1));
}

}  // namespace ringpost::filter
