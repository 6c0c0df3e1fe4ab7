#include "ringpost/patterns/set.hpp"

#include "ringpost/base/assert.hpp"

#include "code.hpp"

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
  hs_free_database(database_);
}

std::shared_ptr<const Set> Set::interim(std::vector<Pattern> patterns, Subjects subjects) {
  const std::shared_ptr<Set> set(new Set(std::move(patterns), subjects));
  set->check_all();
  set->list_alone();
  return set;
}

std::shared_ptr<const Set> Set::compiled(std::vector<Pattern> patterns, Subjects subjects) {
  const std::shared_ptr<Set> set(new Set(std::move(patterns), subjects));
  set->check_all();
  set->compile_database();
  set->list_alone();
  return set;
}

void Set::check_all() {
  for (std::size_t index = 0; index < patterns_.size(); ++index) {
    auto made = Code::compile(patterns_[index]);
    if (made) {
      members_[index].code.store(made->release(), std::memory_order_relaxed);
      continue;
    }
    members_[index].way = Way::broken;
    members_[index].problem = made.error().text;
  }
}

void Set::list_alone() {
  for (std::uint32_t index = 0; index < members_.size(); ++index)
    if (members_[index].way == Way::alone) alone_.push_back(index);
}

std::size_t Set::database_size() const {
  std::size_t size = 0;
  if (database_ != nullptr) hs_database_size(database_, &size);
  return size;
}

void Set::candidates(std::string_view buffer, Scratch& scratch, const Visit& visit) const {
  if (database_ == nullptr) return;
  Scratch::State& state = scratch.state();
  RP_ASSERT(buffer.size() <= UINT32_MAX);
  RP_ASSERT(state.fit(database_));
  struct Context {
    const Set& set;
    const Visit& visit;
  } context{*this, visit};
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned, void* passed) {
    const Context& given = *static_cast<const Context*>(passed);
    given.visit({id, given.set.members_[id].certain, static_cast<std::size_t>(to)});
    return 0;
  };
  const hs_error_t error = hs_scan(database_, buffer.data(), static_cast<unsigned>(buffer.size()), 0,
                                   state.hyperscan, on_match, &context);
  RP_ASSERT(error == HS_SUCCESS);
}

const Code* Set::code(std::size_t index) const {
  const Member& member = members_[index];
  const Code* code = member.code.load(std::memory_order_acquire);
  if (code != nullptr || member.way == Way::broken) return code;
  auto made = Code::compile(patterns_[index]);
  RP_ASSERT(
      made.has_value());  // it was checked when the set was made, or when the bytes it was restored from were
  const Code* fresh = made->release();
  if (member.code.compare_exchange_strong(code, fresh, std::memory_order_acq_rel, std::memory_order_acquire))
    return fresh;
  delete fresh;
  return code;
}

Match Set::search(std::size_t index, std::string_view subject, Scratch& scratch) const {
  return search(index, subject, 0, scratch, {});
}
Match Set::search(std::size_t index, std::string_view subject, std::size_t from, Scratch& scratch,
                  std::span<Span> spans) const {
  const Code* code = this->code(index);
  return code == nullptr ? Match::no : code->search(subject, from, scratch, spans);
}
std::uint32_t Set::count(std::size_t index, std::string_view subject, std::uint32_t max,
                         Scratch& scratch) const {
  const Code* code = this->code(index);
  return code == nullptr ? 0 : code->count(subject, max, scratch);
}

}  // namespace ringpost::patterns
