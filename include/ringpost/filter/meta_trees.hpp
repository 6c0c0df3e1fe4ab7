// The trees of all metas of an engine, one behind the other: what a scan walks some hundred times for a mail.
//
// Layer:  pure. Immutable once made; shared by all cores.
// Form:   a part is the number of a node, or a rule with the highest bit set: most parts are rules, and have no node.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ringpost/filter/rules.hpp"

namespace ringpost::filter {

class MetaTrees {
 public:
  // Gives the root. `cost` is what it takes to find a rule's value out.
  std::uint32_t add(const std::vector<MetaNode>& nodes,
                    const std::function<double(std::uint32_t rule)>& cost);

  class Tree {
   public:
    Tree(const MetaTrees& all, std::uint32_t root) : all_(all), root_(root) {}
    std::uint32_t root() const { return root_; }
    bool is_rule(std::uint32_t part) const { return (part & kRule) != 0; }
    // kNoRule keeps all of its bits.
    std::uint32_t rule(std::uint32_t part) const { return part == kNoRule ? kNoRule : part & ~kRule; }
    MetaNode::Kind kind(std::uint32_t part) const { return all_.nodes_[part].kind; }
    double number(std::uint32_t part) const { return all_.nodes_[part].number; }
    std::span<const std::uint32_t> operands(std::uint32_t part) const {
      const Node& node = all_.nodes_[part];
      return std::span(all_.operands_).subspan(node.begin, node.count);
    }
    // The same, in the order in which to ask for them.
    std::span<const std::uint32_t> cheapest_first(std::uint32_t part) const {
      const Node& node = all_.nodes_[part];
      return std::span(all_.cheapest_first_).subspan(node.begin, node.count);
    }

   private:
    const MetaTrees& all_;
    std::uint32_t root_;
  };
  Tree tree(std::uint32_t root) const { return {*this, root}; }

 private:
  static constexpr std::uint32_t kRule = 1U << 31U;
  struct Node {
    double number = 0;
    std::uint32_t begin = 0, count = 0;  // in operands_
    MetaNode::Kind kind = MetaNode::Kind::number;
  };
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> operands_, cheapest_first_;
};

}  // namespace ringpost::filter
