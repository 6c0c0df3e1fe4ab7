// Which literals a match cannot do without. Each part of the tree is either exactly one of a few strings, or needs some; what
// stands side by side and is exact grows together, so that `p[o0]rn site` needs "porn site" or "p0rn site".
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "ringpost/patterns/limits.hpp"

#include "tree.hpp"

namespace ringpost::patterns {

namespace {

using Strings = std::vector<std::string>;

// Bits of a letter in mail, about: what is frequent tells little.
constexpr std::array<double, 26> kLetterBits{4,   6.2, 5.3, 5,  3.3, 5.9, 6,   4.7, 4.1, 9, 7.2, 5, 5.5,
                                             4.1, 4,   5.8, 10, 4.3, 4.2, 3.7, 5.3, 7,   6, 9,   6, 10};
constexpr double kBlankBits = 2.6, kDigitBits = 6.5, kStopBits = 6, kOtherBits = 8, kHighBits = 9;

double bits_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c >= 'a' && c <= 'z') return kLetterBits[static_cast<std::size_t>(c - 'a')];
  if (c == ' ' || c == '\n') return kBlankBits;
  if (c >= '0' && c <= '9') return kDigitBits;
  if (c == '.' || c == ',') return kStopBits;
  return byte < 128 ? kOtherBits : kHighBits;
}

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

struct Needs {
  bool exact = false;
  Strings strings;  // exact: it is one of these, in lower case
  std::vector<Factor> factors;
};

void make_unique(Strings& strings) {
  std::ranges::sort(strings);
  const auto [first, last] = std::ranges::unique(strings);
  strings.erase(first, last);
}

class Finder {
 public:
  explicit Finder(const Tree& tree) : tree_(tree) {}

  std::vector<Factor> run() { return factors(of(tree_.root)); }

 private:
  static Needs exactly(Strings strings) {
    make_unique(strings);
    return {true, std::move(strings), {}};
  }
  static std::vector<Factor> factors(Needs needs) {
    if (needs.exact) add(needs.factors, std::move(needs.strings));
    return std::move(needs.factors);
  }
  static void add(std::vector<Factor>& factors, Strings strings) {
    if (strings.empty() || std::ranges::any_of(strings, &std::string::empty)) return;
    // One that holds another says nothing of its own.
    Factor factor;
    for (const std::string& string : strings)
      if (std::ranges::none_of(strings, [&](const std::string& other) {
            return other.size() < string.size() && string.contains(other);
          }))
        factor.literals.push_back(string);
    factors.push_back(std::move(factor));
  }

  Needs of(NodeIndex index) {
    const Node& node = tree_[index];
    switch (node.kind) {
      case NodeKind::empty:
      case NodeKind::anchor:
        return exactly({""});
      case NodeKind::bytes: {
        std::string text = node.text;
        std::ranges::transform(text, text.begin(), lowered);
        return exactly({std::move(text)});
      }
      case NodeKind::set:
        return of_set(node.set);
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

  static Needs of_set(const ByteSet& set) {
    Strings strings;
    for (unsigned byte = 0; byte < 256 && strings.size() <= kFactorSetMax * 2; ++byte)
      if (set[byte]) strings.emplace_back(1, lowered(static_cast<char>(byte)));
    make_unique(strings);
    return strings.size() > kFactorSetMax ? Needs{} : exactly(std::move(strings));
  }

  // What is looked at takes no room: its neighbours stay side by side.
  Needs of_look(const Node& node) {
    if (node.look == Look::atomic) return of(node.children[0]);
    Needs needs = exactly({""});
    if (node.look == Look::ahead || node.look == Look::behind) needs.factors = factors(of(node.children[0]));
    return needs;
  }

  Needs of_repeat(const Node& node) {
    Needs once = of(node.children[0]);
    if (node.min == 1 && node.max == 1) return once;
    if (node.min == 0) {
      if (node.max != 1 || !once.exact) return {};
      once.strings.emplace_back();
      once.factors.clear();
      make_unique(once.strings);
      return once;
    }
    if (once.exact && node.min == node.max && node.min <= kFactorRepeatMax) {
      Needs power = once;
      for (std::uint32_t n = 1; n < node.min; ++n) {
        std::optional<Strings> longer = product(power.strings, once.strings);
        if (!longer) return {false, {}, factors(std::move(once))};
        power.strings = std::move(*longer);
      }
      return power;
    }
    return {false, {}, factors(std::move(once))};
  }

  // Nothing: too many, or too long.
  static std::optional<Strings> product(const Strings& heads, const Strings& tails) {
    if (heads.size() * tails.size() > kFactorLiteralsMax) return std::nullopt;
    Strings all;
    for (const std::string& head : heads)
      for (const std::string& tail : tails) {
        if (head.size() + tail.size() > kFactorWidthMax) return std::nullopt;
        all.push_back(head + tail);
      }
    make_unique(all);
    return all;
  }

  Needs of_sequence(const Node& node) {
    Needs sum = exactly({""});
    Strings side_by_side{""};
    for (const NodeIndex child : node.children) {
      Needs part = of(child);
      std::ranges::move(part.factors, std::back_inserter(sum.factors));
      std::optional<Strings> longer;
      if (part.exact) longer = product(side_by_side, part.strings);
      if (longer) {
        side_by_side = std::move(*longer);
        continue;
      }
      sum.exact = false;
      add(sum.factors, std::move(side_by_side));
      side_by_side = part.exact ? std::move(part.strings) : Strings{""};
    }
    if (sum.exact)
      sum.strings = std::move(side_by_side);
    else
      add(sum.factors, std::move(side_by_side));
    return sum;
  }

  Needs of_choice(const Node& node) {
    std::vector<Needs> parts;
    for (const NodeIndex child : node.children)
      if (tree_[child].kind != NodeKind::never) parts.push_back(of(child));
    Strings strings;
    const bool exact = std::ranges::all_of(parts, &Needs::exact);
    for (Needs& part : parts) {
      Strings* chosen = &part.strings;
      std::vector<Factor> own;
      if (!exact) {
        own = factors(std::move(part));
        const auto best = std::ranges::max_element(own, {}, [](const Factor& one) { return one.bits(); });
        if (best == own.end()) return {};
        chosen = &best->literals;
      }
      std::ranges::move(*chosen, std::back_inserter(strings));
      if (strings.size() > kFactorLiteralsMax) return {};
    }
    if (strings.empty()) return {};
    Needs needs = exactly(std::move(strings));
    if (exact) return needs;
    return {false, {}, factors(std::move(needs))};
  }

  const Tree& tree_;
};

}  // namespace

double Factor::bits() const {
  double often = 0;
  for (const std::string& literal : literals) {
    double bits = 0;
    for (const char c : literal) bits += bits_of(c);
    often += std::exp2(-bits);
  }
  return literals.empty() ? 0 : -std::log2(often);
}

std::size_t Factor::width_min() const {
  std::size_t width = SIZE_MAX;
  for (const std::string& literal : literals) width = std::min(width, literal.size());
  return literals.empty() ? 0 : width;
}

std::vector<Factor> factors_of(const Tree& tree) {
  std::vector<Factor> found = Finder(tree).run();
  std::erase_if(found, [](const Factor& one) {
    return one.width_min() < kFactorWidthMin || one.bits() < kFactorBitsMin;
  });
  std::ranges::sort(found, [](const Factor& a, const Factor& b) {
    const double rare = a.bits(), other = b.bits();
    return rare != other ? rare > other : a.literals < b.literals;
  });
  const auto [first, last] =
      std::ranges::unique(found, {}, [](const Factor& one) -> const Strings& { return one.literals; });
  found.erase(first, last);
  if (found.size() > kFactorsMax) found.resize(kFactorsMax);
  return found;
}

}  // namespace ringpost::patterns
