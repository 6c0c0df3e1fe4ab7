// Walks a Program over a subject one byte at a time, whatever the number of expressions in it: where the walk has been, the way is
// remembered, so a byte costs one look into a table.
//
// Layer:  pure, private to patterns.
// Owner:  an Automaton is what one core remembers of one program, in its Scratch. Programs are shared, this is not.
// Bounds: kAutomatonStatesMax states, then it begins anew; kAutomatonFreshMax new ones in one call, then it gives up, and its
//         caller takes all expressions for candidates.
#pragma once

#include <array>
#include <cstddef>
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
  // Walks some over the same subject, a byte at a time each: what one waits for memory, the others do too. Calls `visit(member)` for
  // each expression that matches in it, once or a few times. Gives kCount, or which of them gave up.
  template <std::size_t kCount, class Visit>
  static std::size_t walk_together(const std::array<Automaton*, kCount>& automata, std::string_view subject,
                                   const Visit& visit);
  // One alone. False: gave up.
  template <class Visit>
  bool walk(std::string_view subject, const Visit& visit) {
    return walk_together<1>({this}, subject, visit) == 1;
  }

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

  struct Place {
    std::uint32_t row = 0;
    std::uint32_t told = 0;  // what was visited last
  };
  template <class Visit>
  bool step(Place& place, unsigned char byte, const Visit& visit);

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

// One byte on, wherever it leads.
template <class Visit>
bool Automaton::step(Place& place, unsigned char byte, const Visit& visit) {
  const unsigned group = program_.group(byte);
  std::uint32_t next = next_[place.row + group];
  if (next == kUnknown) {
    next = make(place.row, group);
    if (next == kUnknown) return false;
    place.told = 0;  // it may have begun anew
  }
  if ((next & kMatches) != 0) {
    next &= ~kMatches;
    const std::uint32_t told = states_[next / program_.group_count()].told;
    if (told != place.told)
      for (const std::uint32_t member : told_[told]) visit(member);
    place.told = told;
  }
  place.row = next;
  return true;
}

template <std::size_t kCount, class Visit>
std::size_t Automaton::walk_together(const std::array<Automaton*, kCount>& automata, std::string_view subject,
                                     const Visit& visit) {
  std::array<Place, kCount> places{};
  std::array<const std::uint32_t*, kCount> rows;
  const auto find_rows = [&] {
    for (std::size_t n = 0; n < kCount; ++n) rows[n] = automata[n]->next_.data();
  };
  find_rows();
  for (const char c : subject) {
    const auto byte = static_cast<unsigned char>(c);
    std::array<std::uint32_t, kCount> next;
    std::uint32_t any = 0;
    for (std::size_t n = 0; n < kCount; ++n) {
      next[n] = rows[n][places[n].row + automata[n]->program_.group(byte)];
      any |= next[n];
    }
    if (any < kMatches) {
      for (std::size_t n = 0; n < kCount; ++n) places[n].row = next[n];
      continue;
    }
    for (std::size_t n = 0; n < kCount; ++n)
      if (!automata[n]->step(places[n], byte, visit)) return n;
    find_rows();
  }
  return kCount;
}

}  // namespace ringpost::patterns
