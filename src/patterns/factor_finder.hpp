// Which parts a match cannot do without. Each part of the tree is either exactly one of a few texts, or needs some; what stands
// side by side and is exact grows together, so that `p[o0]rn site` needs "porn site" or "p0rn site". A Kind says what texts are
// made of: Words are literals, Runs are sets of bytes.
//
// Layer: pure, private to patterns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/patterns/limits.hpp"

#include "tree.hpp"

namespace ringpost::patterns {

// One of `texts` must be there, at so many places.
template <class Kind>
struct Needed {
  typename Kind::Texts texts;
  std::uint32_t times = 1;
};

template <class Kind>
class FactorFinder {
 public:
  using Text = typename Kind::Text;
  using Texts = typename Kind::Texts;
  explicit FactorFinder(const Tree& tree) : tree_(tree) {}

  std::vector<Needed<Kind>> run() { return factors(of(tree_.root)); }

 private:
  using Factors = std::vector<Needed<Kind>>;
  struct Needs {
    bool exact = false;
    Texts
        texts;  // exact: it is one of these; else, if there are any, it begins with one of them and ends with one
    Factors factors;
  };

  static Needs exactly(Texts texts) {
    Kind::make_unique(texts);
    return {true, std::move(texts), {}};
  }
  static Factors factors(Needs needs) {
    add(needs.factors, std::move(needs.texts));
    return std::move(needs.factors);
  }
  static void add(Factors& factors, Texts texts) {
    if (texts.empty() || std::ranges::any_of(texts, &Kind::is_empty)) return;
    factors.push_back({Kind::without_longer(std::move(texts)), 1});
  }
  static Factors several(Factors factors, std::uint32_t times) {
    constexpr std::uint32_t kTimesMax = 100;
    for (Needed<Kind>& factor : factors)
      factor.times = std::min(factor.times * std::min(times, kTimesMax), kTimesMax);
    return factors;
  }

  Needs of(NodeIndex index) {
    const Node& node = tree_[index];
    switch (node.kind) {
      case NodeKind::empty:
      case NodeKind::anchor:
        return exactly({Text{}});
      case NodeKind::bytes:
        return is_scheme(node.text) ? Needs{} : exactly({Kind::of_bytes(node)});
      case NodeKind::set: {
        Texts texts = Kind::of_set(node.set);
        return texts.empty() ? Needs{} : exactly(std::move(texts));
      }
      case NodeKind::capture:
        return of(node.children[0]);
      case NodeKind::look:
        return of_look(node);
      case NodeKind::repeat:
        return of_repeat(node);
      case NodeKind::sequence:
        return of_sequence(node);
      case NodeKind::choice:
      case NodeKind::conditional:
        return of_choice(node);
      default:
        return {};
    }
  }

  // Every link has it, so that it tells nothing.
  static bool is_scheme(std::string_view text) {
    return text == "http" || text == "https" || text == "://" || text == "http://" || text == "https://";
  }

  // What is looked at takes no room: its neighbours stay side by side.
  Needs of_look(const Node& node) {
    if (node.look == Look::atomic) return of(node.children[0]);
    Needs needs = exactly({Text{}});
    if (node.look == Look::ahead || node.look == Look::behind) needs.factors = factors(of(node.children[0]));
    return needs;
  }

  Needs of_repeat(const Node& node) {
    Needs once = of(node.children[0]);
    if (node.min == 1 && node.max == 1) return once;
    if (once.exact)
      if (auto texts = Kind::repeated(once.texts, node.min, node.max)) return exactly(*std::move(texts));
    if (node.min == 0) {
      if (node.max != 1 || !once.exact) return {};
      once.texts.emplace_back();
      once.factors.clear();
      Kind::make_unique(once.texts);
      return once;
    }
    if (once.exact && node.min == node.max && node.min <= Kind::kRepeatMax) {
      std::optional<Texts> power = once.texts;
      for (std::uint32_t n = 1; n < node.min && power; ++n) power = product(*power, once.texts);
      if (power) return exactly(*std::move(power));
    }
    Texts edges = once.exact && once.texts.size() <= Kind::kEdgesMax ? once.texts : Texts{};
    return {false, std::move(edges), several(factors(std::move(once)), node.min)};
  }

  // Nothing: too many, or too long.
  static std::optional<Texts> product(const Texts& heads, const Texts& tails) {
    if (heads.size() * tails.size() > kFactorLiteralsMax) return std::nullopt;
    Texts all;
    for (const Text& head : heads)
      for (const Text& tail : tails) {
        if (head.size() + tail.size() > Kind::kWidthMax) return std::nullopt;
        all.push_back(head);
        Kind::append(all.back(), tail);
      }
    Kind::make_unique(all);
    return all;
  }

  // What grows together at the end of a sequence.
  struct Sum {
    Needs needs = exactly({Text{}});
    Texts last{Text{}};
    bool boundary = false;  // the next one stands behind the edge of a word

    void cut(Texts next) {
      needs.exact = false;
      add(needs.factors, std::move(last));
      last = std::move(next);
    }
    void grow(Needs part) {
      std::ranges::move(part.factors, std::back_inserter(needs.factors));
      // Only what takes no room at all leaves the edge where it is.
      if (boundary && !(part.exact && std::ranges::all_of(part.texts, &Text::empty))) {
        boundary = false;
        if (part.exact) Kind::begin_at_edge(part.texts);
      }
      auto longer = part.texts.empty() ? std::nullopt : product(last, part.texts);
      if (longer) last = *std::move(longer);
      if (!part.exact || !longer) cut(part.texts.empty() ? Texts{Text{}} : std::move(part.texts));
    }
    void meet_edge() {
      boundary = !Kind::end_at_edge(last);
      cut({Text{}});
    }
  };

  Needs of_sequence(const Node& node) {
    Sum sum;
    for (const NodeIndex child : node.children)
      if (Kind::kSeesEdges && tree_[child].kind == NodeKind::anchor && tree_[child].anchor == Anchor::word)
        sum.meet_edge();
      else
        sum.grow(of(child));
    if (sum.needs.exact)
      sum.needs.texts = std::move(sum.last);
    else
      add(sum.needs.factors, std::move(sum.last));
    return std::move(sum.needs);
  }

  Needs of_choice(const Node& node) {
    std::vector<Needs> parts;
    for (const NodeIndex child : node.children)
      if (tree_[child].kind != NodeKind::never) parts.push_back(of(child));
    Texts texts;
    const bool exact = std::ranges::all_of(parts, &Needs::exact);
    for (Needs& part : parts) {
      Texts chosen = exact ? std::move(part.texts) : rarest(factors(std::move(part)));
      if (chosen.empty()) return {};
      std::ranges::move(chosen, std::back_inserter(texts));
      if (texts.size() > kFactorChoiceMax) return {};
    }
    if (texts.empty()) return {};
    if (exact) return exactly(Kind::joined(std::move(texts)));
    return {false, {}, factors(exactly(std::move(texts)))};
  }
  static Texts rarest(Factors factors) {
    const auto best = std::ranges::max_element(
        factors, {}, [](const Needed<Kind>& one) { return Kind::bits_of_any(one.texts); });
    return best == factors.end() ? Texts{} : std::move(best->texts);
  }

  const Tree& tree_;
};

// Bits of a letter in mail, about: what is frequent tells little. Letters are lower case.
double bits_of(char c);
char lowered(char c);

}  // namespace ringpost::patterns
