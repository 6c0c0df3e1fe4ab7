// Walks a Program over a subject one byte at a time, whatever the number of expressions in it: where the walk has been, the way is
// remembered, so a byte costs one look into a table.
//
// Layer:  pure, private to patterns.
// Owner:  an Automaton is what one core remembers of one program, in its Scratch. Programs are shared, this is not.
// Bounds: kAutomatonStatesMax states, then it begins anew; kAutomatonFreshMax new ones in one call, then it gives up, and its
//         caller takes all expressions for candidates.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "program.hpp"

namespace ringpost::patterns {

class Automaton {
 public:
  explicit Automaton(const Program& program);

  // Before the subjects of one call.
  void begin() { fresh_ = 0; }
  // Calls `visit(member)` for each expression that matches in the subject, once or a few times. False: gave up.
  template <class Visit>
  bool walk(std::string_view subject, Visit&& visit);

  std::size_t fresh() const { return fresh_; }
  std::size_t memory() const { return (next_.size() + pool_.size()) * sizeof(std::uint32_t); }

 private:
  static constexpr std::uint32_t kUnknown = UINT32_MAX;
  // A state is named by where its row in next_ begins, so that a byte costs an addition and a look. The highest bit says that
  // something matched when it was entered.
  static constexpr std::uint32_t kMatches = 1U << 31U;
  struct State {
    std::uint32_t begin = 0, size = 0;  // its steps in pool_
    std::uint32_t told = 0;             // the list of members in told_
  };

  void reset();
  std::uint32_t make(std::uint32_t row, unsigned group);  // kUnknown: gave up
  std::uint32_t intern();                                 // of steps_ and matched_
  void begin_state();
  void close(std::uint32_t at);
  std::uint32_t tell();

  const Program& program_;
  std::vector<std::uint32_t> next_;  // of each state and group of bytes
  std::vector<State> states_;
  std::vector<std::uint32_t> pool_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> known_;
  std::vector<std::vector<std::uint32_t>> told_;     // [0] is empty
  std::vector<std::vector<std::uint32_t>> entered_;  // steps that one byte of a group leads to from the start
  std::vector<std::vector<std::uint32_t>> entered_matches_;

  std::vector<std::uint32_t> steps_, matched_;  // of the state that is being made
  std::vector<std::uint32_t> open_;             // of `close`
  std::vector<std::uint32_t> marks_;            // of each step: seen in this round
  std::uint32_t round_ = 0;
  std::size_t fresh_ = 0;
};

template <class Visit>
bool Automaton::walk(std::string_view subject, Visit&& visit) {
  std::uint32_t row = 0;
  std::uint32_t last_told = 0;
  for (const char c : subject) {
    const unsigned group = program_.group(static_cast<unsigned char>(c));
    std::uint32_t next = next_[row + group];
    if (next >= kMatches) {
      if (next == kUnknown) {
        next = make(row, group);
        if (next == kUnknown) return false;
        last_told = 0;  // it may have begun anew
      }
      if ((next & kMatches) != 0) {
        next &= ~kMatches;
        const std::uint32_t told = states_[next / program_.group_count()].told;
        if (told != last_told)
          for (const std::uint32_t member : told_[told]) visit(member);
        last_told = told;
      }
    }
    row = next;
  }
  return true;
}

}  // namespace ringpost::patterns
