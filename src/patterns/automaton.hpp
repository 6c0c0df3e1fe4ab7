// Walks a Program over a subject one byte at a time, whatever the number of expressions in it: where the walk has been, the way is
// remembered, so a byte costs one look into a table.
//
// Layer:  pure, private to patterns.
// Owner:  an Automaton is what one core remembers of one program, in its Scratch. Programs are shared, this is not.
// Bounds: kAutomatonStatesMax states, then it begins anew; kAutomatonFreshMax new ones in one call, then it gives up, and its
//         caller takes all expressions for candidates.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/patterns/limits.hpp"

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

  struct Place {
    std::uint32_t state = 0;
    std::uint32_t told = 0;  // what was visited last
  };
  // What is left of a subject, and where some automata stand in it.
  template <std::size_t kCount>
  struct Way {
    std::string_view rest;
    std::uint32_t number = 0;  // for `visit`
    std::array<Place, kCount> places{};
  };
  // Walks some over one or two of these, to the end of the shorter one. Calls `visit(member, number)` as above. False: one gave up, or
  // began anew, so that it stands nowhere in the other; all are to be walked again.
  template <std::size_t kCount, std::size_t kWays, class Visit>
  static bool walk_on(const std::array<Automaton*, kCount>& automata, std::array<Way<kCount>, kWays>& ways,
                      const Visit& visit);

  std::size_t fresh() const { return fresh_; }
  std::size_t memory() const { return next_.size() * sizeof(Next) + pool_.size() * sizeof(std::uint32_t); }

 private:
  // The number of a state. The highest bit says that something matched when it was entered. Two bytes each: what a walk costs is
  // how much of the table it has to bring into the processor's cache.
  using Next = std::uint16_t;
  static constexpr Next kUnknown = UINT16_MAX;
  static constexpr Next kMatches = 1U << 15U;
  static_assert(kAutomatonStatesMax < kMatches);
  struct State {
    std::uint32_t begin = 0, size = 0;  // its steps in pool_
    std::uint32_t told = 0;             // the list of members in told_
  };

  template <class Visit>
  bool step(Place& place, unsigned char byte, const Visit& visit);

  // A row of next_ is as wide as a power of two.
  std::size_t index_of(std::uint32_t state, unsigned group) const {
    return (std::size_t{state} << row_bits_) + group;
  }

  void reset();
  Next make(std::uint32_t state, unsigned group);  // kUnknown: gave up
  Next intern();                                   // of steps_ and matched_
  void begin_state();
  void close(std::uint32_t at);
  std::uint32_t tell();

  const Program& program_;
  unsigned row_bits_ = 0;
  std::vector<Next> next_;  // of each state and group of bytes
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
  std::size_t beginnings_ = 0;
};

// One byte on, wherever it leads.
template <class Visit>
bool Automaton::step(Place& place, unsigned char byte, const Visit& visit) {
  const unsigned group = program_.group(byte);
  Next next = next_[index_of(place.state, group)];
  if (next == kUnknown) {
    next = make(place.state, group);
    if (next == kUnknown) return false;
    place.told = 0;  // it may have begun anew
  }
  if ((next & kMatches) != 0) {
    next = static_cast<Next>(next & ~kMatches);
    const std::uint32_t told = states_[next].told;
    if (told != place.told)
      for (const std::uint32_t member : told_[told]) visit(member);
    place.told = told;
  }
  place.state = next;
  return true;
}

template <std::size_t kCount, class Visit>
std::size_t Automaton::walk_together(const std::array<Automaton*, kCount>& automata, std::string_view subject,
                                     const Visit& visit) {
  std::array<Place, kCount> places{};
  std::array<const Next*, kCount> rows;
  std::array<const std::uint8_t*, kCount> groups;
  std::array<unsigned, kCount> row_bits;
  for (std::size_t n = 0; n < kCount; ++n) {
    groups[n] = automata[n]->program_.groups();
    row_bits[n] = automata[n]->row_bits_;
  }
  const auto find_rows = [&] {
    for (std::size_t n = 0; n < kCount; ++n) rows[n] = automata[n]->next_.data();
  };
  find_rows();
  for (const char c : subject) {
    const auto byte = static_cast<unsigned char>(c);
    std::array<Next, kCount> next;
    std::uint32_t any = 0;
    for (std::size_t n = 0; n < kCount; ++n) {
      next[n] = rows[n][(std::size_t{places[n].state} << row_bits[n]) + groups[n][byte]];
      any |= next[n];
    }
    if (any < kMatches) {
      for (std::size_t n = 0; n < kCount; ++n) places[n].state = next[n];
      continue;
    }
    for (std::size_t n = 0; n < kCount; ++n)
      if (!automata[n]->step(places[n], byte, visit)) return n;
    find_rows();
  }
  return kCount;
}

template <std::size_t kCount, std::size_t kWays, class Visit>
bool Automaton::walk_on(const std::array<Automaton*, kCount>& automata, std::array<Way<kCount>, kWays>& ways,
                        const Visit& visit) {
  std::size_t size = ways[0].rest.size();
  for (const Way<kCount>& way : ways) size = std::min(size, way.rest.size());
  std::array<std::array<std::uint32_t, kCount>, kWays> states;
  std::array<const Next*, kCount> rows;
  const auto load = [&] {
    for (std::size_t n = 0; n < kCount; ++n) rows[n] = automata[n]->next_.data();
    for (std::size_t way = 0; way < kWays; ++way)
      for (std::size_t n = 0; n < kCount; ++n) states[way][n] = ways[way].places[n].state;
  };
  const auto store = [&] {
    for (std::size_t way = 0; way < kWays; ++way)
      for (std::size_t n = 0; n < kCount; ++n) ways[way].places[n].state = states[way][n];
  };
  load();
  for (std::size_t at = 0; at < size; ++at) {
    std::array<std::array<Next, kCount>, kWays> next;
    std::uint32_t any = 0;
    for (std::size_t way = 0; way < kWays; ++way) {
      const auto byte = static_cast<unsigned char>(ways[way].rest[at]);
      for (std::size_t n = 0; n < kCount; ++n) {
        const Automaton& one = *automata[n];
        next[way][n] = rows[n][(std::size_t{states[way][n]} << one.row_bits_) + one.program_.groups()[byte]];
        any |= next[way][n];
      }
    }
    if (any < kMatches) {
      for (std::size_t way = 0; way < kWays; ++way)
        for (std::size_t n = 0; n < kCount; ++n) states[way][n] = next[way][n];
      continue;
    }
    store();
    for (Way<kCount>& way : ways)
      for (std::size_t n = 0; n < kCount; ++n) {
        const std::size_t before = automata[n]->beginnings_;
        const auto told = [&](std::uint32_t member) { visit(member, way.number); };
        if (!automata[n]->step(way.places[n], static_cast<unsigned char>(way.rest[at]), told)) return false;
        if (kWays > 1 && automata[n]->beginnings_ != before) return false;
      }
    load();
  }
  store();
  for (Way<kCount>& way : ways) way.rest.remove_prefix(size);
  return true;
}

}  // namespace ringpost::patterns
