// Metas that are "A && (B || !C) && ...", as most are, in a list without branches: what is decided before anybody asks for the rest.
//
// Layer:  pure. Immutable once made; shared by all cores.
// Form:   all clauses must hold, one literal of each. A literal is a rule or its opposite: bit 0 says which, bit 1 that its clause
//         ends there, the rest is the place of the rule's state.
// Answer: as Evaluation::range has it, but for what a meta that hits is worth.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ringpost/filter/meta_trees.hpp"

namespace ringpost::filter {

class MetaClauses {
 public:
  // What a rule may come to; two further bits say the same of its opposite.
  using State = std::uint8_t;
  static constexpr State kMayBeZero = 1, kMayHit = 2;
  static constexpr State kZero = 0b1001, kHits = 0b0110, kOpen = 0b1111;
  static constexpr State state_of(std::int32_t hits) { return hits == 0 ? kZero : hits > 0 ? kHits : kOpen; }

  // As the next one. `may_hit`: not of a rule that is 0 whatever the mail is.
  void add(MetaTrees::Tree tree, const std::function<bool(std::uint32_t rule)>& may_hit);

  // False: it is of another form.
  bool has(std::size_t meta) const { return begins_[meta + 1] != begins_[meta]; }
  // kMayBeZero, kMayHit or both. A rule's state stands at its number plus one; the first is kZero.
  State state(std::size_t meta, std::span<const State> states) const {
    unsigned all = kMayHit, any = 0, each = kMayBeZero;
    for (const std::uint32_t literal :
         std::span(literals_).subspan(begins_[meta], begins_[meta + 1] - begins_[meta])) {
      const unsigned state = (states[literal >> kRuleShift] >> ((literal & kOpposite) * 2U)) & 3U;
      any |= state & kMayHit;
      each &= state;
      if ((literal & kLast) == 0) continue;
      all = (all & (any | kMayBeZero)) | each;
      any = 0;
      each = kMayBeZero;
    }
    return static_cast<State>(all);
  }

 private:
  static constexpr std::uint32_t kOpposite = 1, kLast = 2;
  static constexpr unsigned kRuleShift = 2;
  struct Compiler;

  std::vector<std::uint32_t> literals_;
  std::vector<std::uint32_t> begins_{0};  // of each meta, and the end
};

}  // namespace ringpost::filter
