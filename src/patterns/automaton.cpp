#include "automaton.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "ringpost/patterns/limits.hpp"

namespace ringpost::patterns {

Automaton::Automaton(const Program& program)
    : program_(program),
      row_bits_(static_cast<unsigned>(std::bit_width(program.group_count() - 1))),
      marks_(program.size(), 0) {
  for (unsigned group = 0; group < program.group_count(); ++group) {
    begin_state();
    for (const std::uint32_t start : program.starts()) close(start);
    const std::vector<std::uint32_t> from = steps_;
    begin_state();
    for (const std::uint32_t at : from)
      if (program.takes(program.step(at).set, group)) close(program.step(at).next);
    entered_.push_back(steps_);
    entered_matches_.push_back(matched_);
  }
  reset();
}

// The first state stands at the start of a subject. What may begin anywhere is in none: it is added at each byte.
void Automaton::reset() {
  ++beginnings_;
  next_.clear();
  states_.clear();
  pool_.clear();
  known_.clear();
  told_.assign(1, {});
  begin_state();
  for (const std::uint32_t start : program_.anchored()) close(start);
  states_.push_back({0, static_cast<std::uint32_t>(steps_.size()), 0});
  pool_ = steps_;
  next_.resize(std::size_t{1} << row_bits_, kUnknown);
}

void Automaton::begin_state() {
  steps_.clear();
  matched_.clear();
  if (++round_ != 0) return;
  std::ranges::fill(marks_, 0);
  round_ = 1;
}

// A step and all that is reached from it without a byte.
void Automaton::close(std::uint32_t at) {
  open_.assign(1, at);
  while (!open_.empty()) {
    at = open_.back();
    open_.pop_back();
    if (marks_[at] == round_) continue;
    marks_[at] = round_;
    const Program::Step& step = program_.step(at);
    switch (step.kind) {
      case Program::Kind::byte:
        steps_.push_back(at);
        break;
      case Program::Kind::split:
        open_.push_back(step.set);
        open_.push_back(step.next);
        break;
      case Program::Kind::match:
        matched_.push_back(step.set);
        break;
    }
  }
}

Automaton::Next Automaton::make(std::uint32_t from, unsigned group) {
  if (++fresh_ > kAutomatonFreshMax) return kUnknown;
  begin_state();
  for (const std::uint32_t at : entered_[group]) {
    marks_[at] = round_;
    steps_.push_back(at);
  }
  matched_ = entered_matches_[group];
  const State& before = states_[from];
  for (const std::uint32_t at : std::span(pool_).subspan(before.begin, before.size))
    if (program_.takes(program_.step(at).set, group)) close(program_.step(at).next);
  std::ranges::sort(steps_);
  std::ranges::sort(matched_);
  matched_.erase(std::ranges::unique(matched_).begin(), matched_.end());
  // Full: begin anew, with this state as the first that is known. The one it came from is gone, so the way is not noted.
  const bool full = states_.size() >= kAutomatonStatesMax || pool_.size() >= kAutomatonPoolMax;
  if (full) {
    const auto steps = steps_, matched = matched_;
    reset();
    steps_ = steps;
    matched_ = matched;
  }
  const Next state = intern();
  if (!full) next_[index_of(from, group)] = state;
  return state;
}

std::uint32_t Automaton::tell() {
  if (matched_.empty()) return 0;
  const auto found = std::ranges::find(told_, matched_);
  if (found != told_.end()) return static_cast<std::uint32_t>(found - told_.begin());
  told_.push_back(matched_);
  return static_cast<std::uint32_t>(told_.size() - 1);
}

Automaton::Next Automaton::intern() {
  const std::uint32_t told = tell();
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ told;
  for (const std::uint32_t step : steps_) hash = (hash ^ step) * 0x100000001b3ULL;
  const auto named = [&](std::uint32_t number) {
    return static_cast<Next>(number | (told != 0 ? unsigned{kMatches} : 0U));
  };
  const auto [first, last] = known_.equal_range(hash);
  for (auto each = first; each != last; ++each) {
    const State& state = states_[each->second];
    if (state.told == told && std::ranges::equal(steps_, std::span(pool_).subspan(state.begin, state.size)))
      return named(each->second);
  }
  const auto number = static_cast<std::uint32_t>(states_.size());
  states_.push_back(
      {static_cast<std::uint32_t>(pool_.size()), static_cast<std::uint32_t>(steps_.size()), told});
  pool_.insert(pool_.end(), steps_.begin(), steps_.end());
  next_.resize(next_.size() + (std::size_t{1} << row_bits_), kUnknown);
  known_.emplace(hash, number);
  return named(number);
}

}  // namespace ringpost::patterns
