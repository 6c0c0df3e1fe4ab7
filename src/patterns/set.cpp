#include "ringpost/patterns/set.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"
#include "code.hpp"
#include "database.hpp"

namespace ringpost::patterns {

std::string_view to_string(Way way) {
  switch (way) {
    case Way::exact:
      return "exact";
    case Way::prefilter:
      return "prefilter";
    case Way::literal:
      return "literal";
    case Way::alone:
      return "alone";
    case Way::broken:
      return "broken";
  }
  return {};
}

Set::Set(std::vector<Pattern> patterns, Subjects subjects)
    : patterns_(std::move(patterns)), subjects_(subjects), members_(patterns_.size()) {}

Set::~Set() {
  for (const Member& member : members_) delete member.code.load(std::memory_order_relaxed);
}

std::shared_ptr<const Set> Set::interim(std::vector<Pattern> patterns, Subjects subjects) {
  const std::shared_ptr<Set> set(new Set(std::move(patterns), subjects));
  set->check_all();
  return set;
}

std::shared_ptr<const Set> Set::compiled(std::vector<Pattern> patterns, Subjects subjects) {
  const std::shared_ptr<Set> set(new Set(std::move(patterns), subjects));
  set->check_all();
  set->compile_databases();
  return set;
}

void Set::check_all() {
  for (std::size_t index = 0; index < patterns_.size(); ++index) {
    auto made = Code::compile(patterns_[index]);
    if (made) {
      members_[index].code.store(made->release(), std::memory_order_relaxed);
      continue;
    }
    members_[index].broken = true;
    members_[index].problem = made.error().text;
  }
}

void Set::compile_databases() {
  if (patterns_.size() < kDatabasePatternsMin) return;
  std::vector<bool> usable;
  for (const Member& member : members_) usable.push_back(!member.broken);
  auto ascii = Database::compile(patterns_, usable, subjects_, true);
  auto any = Database::compile(patterns_, usable, subjects_, false);
  if (ascii != nullptr && any != nullptr) databases_ = {std::move(ascii), std::move(any)};
}

Way Set::way(std::size_t index) const {
  if (members_[index].broken) return Way::broken;
  return in_hyperscan() ? databases_[0]->way(index) : Way::alone;
}

std::size_t Set::database_size() const {
  return in_hyperscan() ? databases_[0]->size() + databases_[1]->size() : 0;
}

void Set::candidates(std::string_view subject, Scratch& scratch, const Visit& visit) const {
  RP_ASSERT(in_hyperscan());
  databases_[is_ascii(subject) ? 0 : 1]->scan({.bytes = subject}, scratch.state(), visit);
}

void Set::candidates(std::span<const std::string> lines, Scratch& scratch, const Visit& visit) const {
  RP_ASSERT(in_hyperscan() && subjects_ == Subjects::lines);
  Scratch::State& state = scratch.state();
  for (std::size_t kind = 0; kind < databases_.size(); ++kind) {
    state.joined.clear();
    state.ends.clear();
    state.numbers.clear();
    for (std::uint32_t number = 0; number < lines.size(); ++number) {
      if (is_ascii(lines[number]) != (kind == 0)) continue;
      state.joined += lines[number];
      if (!lines[number].ends_with('\n')) state.joined += '\n';
      state.ends.push_back(state.joined.size());
      state.numbers.push_back(number);
    }
    if (state.ends.empty()) continue;
    databases_[kind]->scan({state.joined, state.ends, state.numbers, state.ends.size() == lines.size()},
                           state, visit);
  }
}

const Code* Set::code(std::size_t index) const {
  const Member& member = members_[index];
  const Code* code = member.code.load(std::memory_order_acquire);
  if (code != nullptr || member.broken) return code;
  auto made = Code::compile(patterns_[index]);
  RP_ASSERT(
      made.has_value());  // it was checked when the set was made, or when the bytes it was restored from were
  const Code* fresh = made->release();
  if (member.code.compare_exchange_strong(code, fresh, std::memory_order_acq_rel, std::memory_order_acquire))
    return fresh;
  delete fresh;
  return code;
}

bool Set::may_match(std::size_t index, std::string_view subject, Scratch& scratch) const {
  return !in_hyperscan() ||
         databases_[1]->may_match(static_cast<std::uint32_t>(index), subject, scratch.state());
}
Match Set::search(std::size_t index, std::string_view subject, Scratch& scratch) const {
  return search(index, subject, 0, scratch, {});
}
Match Set::search(std::size_t index, std::string_view subject, std::size_t from, Scratch& scratch,
                  std::span<Span> spans) const {
  if (from == 0 && !may_match(index, subject, scratch)) return Match::no;
  const Code* code = this->code(index);
  return code == nullptr ? Match::no : code->search(subject, from, scratch, spans);
}
std::uint32_t Set::count(std::size_t index, std::string_view subject, std::uint32_t max,
                         Scratch& scratch) const {
  if (!may_match(index, subject, scratch)) return 0;
  const Code* code = this->code(index);
  return code == nullptr ? 0 : code->count(subject, max, scratch);
}

}  // namespace ringpost::patterns
