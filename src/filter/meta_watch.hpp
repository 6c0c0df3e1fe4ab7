// Which rules to watch for a meta: while they are worth what they are where nothing hits, so is the meta. Of "A && B && !C" it is A or
// B alone.
//
// Layer:   private to `filter`; for the maker of an engine.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "evaluation.hpp"

namespace ringpost::filter {

class MetaWatch {
 public:
  using Number = std::function<double(std::uint32_t rule)>;
  // `rest` is what a rule is worth where nothing hits, `cost` how often it is worth something else.
  MetaWatch(MetaTrees::Tree tree, Number rest, Number cost);

  const std::vector<std::uint32_t>& rules() const { return found_.rules; }
  double rest() const { return rest_of(tree_.root()); }

 private:
  using Kind = MetaNode::Kind;
  struct Rules {
    std::vector<std::uint32_t> rules;
    double cost = 0;
    void add(const Rules& other);
  };
  double rest_of(std::uint32_t part) const;
  Rules of(std::uint32_t part) const;   // of a part that rests at 0
  Rules all(std::uint32_t part) const;  // that it names

  MetaTrees::Tree tree_;
  Number rest_, cost_;
  Rules found_;
};

}  // namespace ringpost::filter
