#include "ringpost/filter/meta_trees.hpp"

namespace ringpost::filter {

std::uint32_t MetaTrees::add(const std::vector<MetaNode>& nodes) {
  const auto first = static_cast<std::uint32_t>(nodes_.size());
  const auto part = [&](std::uint32_t index) {
    const MetaNode& node = nodes[index];
    return node.kind == MetaNode::Kind::rule ? node.rule | kRule : first + index;
  };
  for (const MetaNode& node : nodes) {
    nodes_.push_back({node.number, static_cast<std::uint32_t>(operands_.size()),
                      static_cast<std::uint32_t>(node.operands.size()), node.kind});
    for (const std::uint32_t operand : node.operands) operands_.push_back(part(operand));
  }
  // A meta without an expression is 0.
  if (nodes.empty()) nodes_.emplace_back();
  return nodes.empty() ? first : part(static_cast<std::uint32_t>(nodes.size() - 1));
}

}  // namespace ringpost::filter
