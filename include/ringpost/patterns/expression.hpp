// One expression on its own, run by PCRE2: for maps, reply rules, SEARCH, and whatever needs to know where it matched.
//
// Layer:  pure. Immutable once made; any number of cores may search with it at once, each with its own Scratch.
// Bounds: a search that backtracks past patterns/limits.hpp ends as Match::gave_up.
// JIT:    made when an expression has been searched a few times, by whichever core comes first; no lock is taken.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/patterns/pattern.hpp"

namespace ringpost::patterns {

class Code;
class Set;

// What one core needs to search: Hyperscan's and PCRE2's working memory. Never shared; made once and kept.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&& other) noexcept;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  struct State;
  State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

class Expression {
 public:
  static Result<Expression> compile(const Pattern& pattern);
  ~Expression();
  Expression(Expression&& other) noexcept;
  Expression& operator=(Expression&& other) noexcept;
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  Match search(std::string_view subject, Scratch& scratch) const;
  // From offset `from` on; `spans` gets the match and its groups, as many as it has room for (a group that took no part is empty
  // at SIZE_MAX).
  Match search(std::string_view subject, std::size_t from, Scratch& scratch, std::span<Span> spans) const;
  // How often it matches, one after the other as Perl's //g does, at most `max` times.
  std::uint32_t count(std::string_view subject, std::uint32_t max, Scratch& scratch) const;
  // The number of the group with this name; 0: none.
  unsigned group(std::string_view name) const;

 private:
  explicit Expression(std::unique_ptr<const Code> code);
  std::unique_ptr<const Code> code_;
};

}  // namespace ringpost::patterns
