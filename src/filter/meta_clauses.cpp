#include "ringpost/filter/meta_clauses.hpp"

#include <algorithm>
#include <optional>

namespace ringpost::filter {

// A part as clauses; nothing where it has another form, as "(A && B) || C".
struct MetaClauses::Compiler {
  using Clause = std::vector<std::uint32_t>;
  using Clauses = std::vector<Clause>;
  using Kind = MetaNode::Kind;

  const MetaTrees::Tree& tree;
  const std::function<bool(std::uint32_t)>& may_hit;

  static Clauses constant(bool hits) { return {{hits ? kOpposite : 0U}}; }

  std::optional<Clauses> of(std::uint32_t part, bool opposite) const {
    if (tree.is_rule(part)) {
      const std::uint32_t rule = tree.rule(part);
      if (rule == kNoRule || !may_hit(rule)) return constant(opposite);
      return Clauses{{(rule + 1) << kRuleShift | (opposite ? kOpposite : 0U)}};
    }
    switch (tree.kind(part)) {
      case Kind::number:
        return constant((tree.number(part) != 0) != opposite);
      case Kind::negation:
        return of(tree.operands(part)[0], !opposite);
      case Kind::all:
        return opposite ? one_of(part, opposite) : each_of(part, opposite);
      case Kind::any:
        return opposite ? each_of(part, opposite) : one_of(part, opposite);
      default:
        return std::nullopt;
    }
  }
  std::optional<Clauses> each_of(std::uint32_t part, bool opposite) const {
    Clauses all;
    for (const std::uint32_t operand : tree.operands(part)) {
      auto clauses = of(operand, opposite);
      if (!clauses) return std::nullopt;
      std::ranges::move(*clauses, std::back_inserter(all));
    }
    return all;
  }
  std::optional<Clauses> one_of(std::uint32_t part, bool opposite) const {
    Clause any;
    for (const std::uint32_t operand : tree.operands(part)) {
      const auto clauses = of(operand, opposite);
      if (!clauses || clauses->size() != 1) return std::nullopt;
      any.insert(any.end(), clauses->front().begin(), clauses->front().end());
    }
    return Clauses{any};
  }
};

void MetaClauses::add(MetaTrees::Tree tree, const std::function<bool(std::uint32_t)>& may_hit) {
  if (const auto clauses = Compiler{tree, may_hit}.of(tree.root(), false))
    for (const auto& clause : *clauses)
      for (const std::uint32_t& literal : clause)
        literals_.push_back(literal | (&literal == &clause.back() ? kLast : 0U));
  begins_.push_back(static_cast<std::uint32_t>(literals_.size()));
}

}  // namespace ringpost::filter
