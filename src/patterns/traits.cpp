// What can be said about an expression without running it: widths, how large it becomes.
#include <algorithm>

#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

constexpr std::size_t kMany = 1U << 30U;

std::size_t times(std::size_t a, std::size_t b) {
  return a == 0 || b == 0 ? 0 : a > kMany / b ? kMany : a * b;
}
std::size_t plus(std::size_t a, std::size_t b) {
  return std::min(a + b, kMany);
}

struct Measure {
  std::size_t width_min = 0;
  std::size_t positions = 0;
};

class Meter {
 public:
  explicit Meter(const Tree& tree) : tree_(tree) {}
  Traits traits;

  Measure of(NodeIndex index) {
    const Node& node = tree_[index];
    switch (node.kind) {
      case NodeKind::bytes:
        note_newline(node.text.contains('\n'));
        return {node.text.size(), node.text.size()};
      case NodeKind::set:
        note_newline(node.set['\n']);
        return {1, 1};
      case NodeKind::sequence:
        return sequence(node);
      case NodeKind::choice:
        return choice(node);
      case NodeKind::repeat:
        return repeat(node);
      case NodeKind::capture:
        return of(node.children[0]);
      case NodeKind::anchor:
        traits.anchored = traits.anchored || (node.anchor != Anchor::word && node.anchor != Anchor::not_word);
        inexact(node.anchor == Anchor::other);
        return {0, 0};
      case NodeKind::look: {
        inexact(true);
        const Measure inside = of(node.children[0]);
        return node.look == Look::atomic ? inside : Measure{0, inside.positions};
      }
      case NodeKind::conditional:
        inexact(true);
        return choice(node);
      case NodeKind::back_reference:
      case NodeKind::recursion:
        inexact(true);
        note_newline(true);
        return {0, 16};
      case NodeKind::never:
        inexact(true);
        return {0, 0};
      case NodeKind::empty:
        return {0, 0};
    }
    return {0, 0};
  }

 private:
  void note_newline(bool takes) { traits.takes_newline = traits.takes_newline || takes; }
  void inexact(bool is) { traits.exact_in_hyperscan = traits.exact_in_hyperscan && !is; }

  Measure sequence(const Node& node) {
    Measure sum;
    for (const NodeIndex child : node.children) {
      const Measure part = of(child);
      sum = {plus(sum.width_min, part.width_min), plus(sum.positions, part.positions)};
    }
    return sum;
  }
  Measure choice(const Node& node) {
    Measure sum{kMany, 0};
    for (const NodeIndex child : node.children) {
      const Measure part = of(child);
      sum = {std::min(sum.width_min, part.width_min), plus(sum.positions, part.positions)};
    }
    return sum;
  }
  Measure repeat(const Node& node) {
    inexact(node.greed == Greed::possessive);
    const Measure once = of(node.children[0]);
    const std::size_t copies = node.max == kUnbounded ? std::max<std::size_t>(node.min, 1) : node.max;
    // A repeat of one class is a counter, not that many positions.
    const bool counted = tree_[node.children[0]].kind == NodeKind::set;
    return {times(once.width_min, node.min), counted ? 1 + copies / 16 : times(once.positions, copies)};
  }

  const Tree& tree_;
};

}  // namespace

Traits traits_of(const Tree& tree) {
  Meter meter(tree);
  const Measure measure = meter.of(tree.root);
  meter.traits.width_min = measure.width_min;
  meter.traits.positions = measure.positions;
  return meter.traits;
}

}  // namespace ringpost::patterns
