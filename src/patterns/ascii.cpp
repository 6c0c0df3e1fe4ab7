// What is left of an expression where the text has no byte beyond ASCII, as most has not: of the letters that FUZZY rules write
// in a hundred ways, two or three.
#include <algorithm>

#include "byte_sets.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

class Pruner {
 public:
  explicit Pruner(Tree& tree) : tree_(tree), ascii_(bytes_between(0, 127)) {}

  // True: this part matches nothing now.
  bool prune(NodeIndex index) {
    const bool never = is_never(index);
    Node& node = tree_.nodes[index];
    if (never) node.kind = NodeKind::never;
    return never;
  }

 private:
  bool is_never(NodeIndex index) {
    Node& node = tree_.nodes[index];
    switch (node.kind) {
      case NodeKind::never:
        return true;
      case NodeKind::bytes:
        return std::ranges::any_of(node.text, [](char c) { return static_cast<unsigned char>(c) > 127; });
      case NodeKind::set:
        node.set &= ascii_;
        return node.set.none();
      case NodeKind::sequence:
      case NodeKind::capture:
        return std::ranges::any_of(node.children, [this](NodeIndex child) { return prune(child); });
      case NodeKind::choice:
        std::erase_if(node.children, [this](NodeIndex child) { return prune(child); });
        return node.children.empty();
      case NodeKind::repeat:
        if (!prune(node.children[0])) return false;
        if (node.min == 0) node.kind = NodeKind::empty;
        return node.min > 0;
      case NodeKind::look:
        if (!prune(node.children[0])) return false;
        if (node.look != Look::not_ahead && node.look != Look::not_behind) return true;
        node.kind = NodeKind::empty;
        return false;
      case NodeKind::conditional:
        for (const NodeIndex child : node.children) prune(child);
        return false;
      default:
        return false;
    }
  }

  Tree& tree_;
  ByteSet ascii_;
};

}  // namespace

Tree in_ascii(Tree tree) {
  Pruner(tree).prune(tree.root);
  return tree;
}

}  // namespace ringpost::patterns
