#include "states.hpp"

#include <algorithm>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/spool/limits.hpp"

namespace ringpost::spool {

namespace {

bool later_replaces(const PackedOutcome& old, const PackedOutcome& with) {
  return !old.final() && !(old == with);
}

bool stronger_replaces(const PackedOutcome& old, const PackedOutcome& with) {
  if (old.final()) return false;
  if (with.final()) return true;
  return with.attempts > old.attempts ||
         (with.attempts == old.attempts && with.next_attempt > old.next_attempt);
}

}  // namespace

std::uint32_t States::make() {
  if (free_ != 0) {
    const std::uint32_t state = std::exchange(free_, infos_[free_].place);
    infos_[state].place = 0;
    --free_count_;
    return state;
  }
  infos_.emplace_back();
  return static_cast<std::uint32_t>(infos_.size() - 1);
}

void States::release(std::uint32_t state) {
  Info& info = infos_[state];
  if (count_of(info) == kMany) {
    manies_[info.one.recipient].reset();
    free_manies_.push_back(info.one.recipient);
  }
  info = Info{.place = std::exchange(free_, state), .one = {}};
  ++free_count_;
}

void States::put_one(Info& info, const PackedOutcome& outcome) {
  const PackedOutcome before = info.one;
  info.one = outcome;
  info.one.aside = before.aside;
  info.one.aside_too = before.aside_too;
  set_count(info, 1);
}

// Turns the one outcome into a list.
States::Many& States::many(std::uint32_t state) {
  Info& info = infos_[state];
  if (count_of(info) == kMany) return *manies_[info.one.recipient];
  std::uint32_t slot = static_cast<std::uint32_t>(manies_.size());
  if (free_manies_.empty()) {
    manies_.emplace_back();
  } else {
    slot = free_manies_.back();
    free_manies_.pop_back();
  }
  RP_ASSERT(slot < (1U << 24));
  manies_[slot] = std::make_unique<Many>();
  manies_[slot]->whole = whole(state);
  if (count_of(info) == 1) {
    manies_[slot]->outcomes.push_back(info.one);
    manies_[slot]->final_count = info.one.final() ? 1 : 0;
  }
  info = Info{};
  set_count(info, kMany);
  info.one.recipient = slot & ((1U << 24) - 1);
  return *manies_[slot];
}

std::span<const PackedOutcome> States::outcomes(std::uint32_t state) const {
  const Info& info = infos_[state];
  if (count_of(info) == kMany) return manies_[info.one.recipient]->outcomes;
  return {&info.one, count_of(info)};
}

namespace {
std::uint32_t recipient_of(const PackedOutcome& outcome) {
  return outcome.recipient;
}
}  // namespace

const PackedOutcome* States::find(std::uint32_t state, std::uint32_t recipient) const {
  const auto all = outcomes(state);
  const auto found = std::ranges::lower_bound(all, recipient, {}, recipient_of);
  return found != all.end() && found->recipient == recipient ? &*found : nullptr;
}

bool States::put(std::uint32_t state, const PackedOutcome& outcome,
                 bool (*replaces)(const PackedOutcome&, const PackedOutcome&)) {
  Info& info = infos_[state];
  if (count_of(info) == 0) {
    put_one(info, outcome);
    return true;
  }
  if (count_of(info) == 1 && info.one.recipient == outcome.recipient) {
    if (!replaces(info.one, outcome)) return false;
    put_one(info, outcome);
    return true;
  }
  Many& list = many(state);
  const auto found = std::ranges::lower_bound(list.outcomes, recipient_of(outcome), {}, recipient_of);
  if (found == list.outcomes.end() || found->recipient != outcome.recipient) {
    list.outcomes.insert(found, outcome);
  } else {
    if (!replaces(*found, outcome)) return false;
    *found = outcome;
  }
  if (!outcome.final()) return true;
  ++list.final_count;
  std::erase_if(list.finished,
                [&](const FinishedTarget& target) { return target.recipient == outcome.recipient; });
  return true;
}

std::span<const FinishedTarget> States::finished(std::uint32_t state) const {
  const Info& info = infos_[state];
  if (count_of(info) != kMany) return {};
  return manies_[info.one.recipient]->finished;
}

bool States::add_finished(std::uint32_t state, FinishedTarget target) {
  const PackedOutcome* outcome = find(state, target.recipient);
  if (outcome != nullptr && outcome->final()) return false;
  std::vector<FinishedTarget>& all = many(state).finished;
  if (all.size() >= kFinishedTargetsMax || std::ranges::find(all, target) != all.end()) return false;
  all.push_back(target);
  return true;
}

bool States::merge(std::uint32_t state, const PackedOutcome& outcome) {
  return put(state, outcome, &later_replaces);
}
bool States::join(std::uint32_t state, const PackedOutcome& outcome) {
  return put(state, outcome, &stronger_replaces);
}

std::size_t States::final_count(std::uint32_t state) const {
  const Info& info = infos_[state];
  if (count_of(info) == kMany) return manies_[info.one.recipient]->final_count;
  return count_of(info) == 1 && info.one.final() ? 1 : 0;
}

std::span<const journal::Location> States::changes(std::uint32_t state) const {
  const Info& info = infos_[state];
  if (count_of(info) != kMany) return {};
  return manies_[info.one.recipient]->changes;
}

namespace {
std::uint32_t whole_size(std::uint32_t outcomes) {
  return static_cast<std::uint32_t>(sizeof(StateHeader) + outcomes * sizeof(StateItem));
}
}  // namespace

journal::Location States::whole(std::uint32_t state) const {
  const Info& info = infos_[state];
  if (count_of(info) == kMany) return manies_[info.one.recipient]->whole;
  if (info.place == 0) return {};
  const auto high = static_cast<std::uint32_t>(info.one.aside_too);
  return {info.place >> kOffsetBits | high << kSegmentLowBits, (info.place & ((1U << kOffsetBits) - 1)) * 8,
          whole_size(info.one.aside >> kSizeShift)};
}

// A record of another size or place than memory can say here belongs to a list.
void States::set_whole(std::uint32_t state, journal::Location where) {
  const std::uint32_t outcomes = where && where.size >= whole_size(1) ? 1 : 0;
  Info& info = infos_[state];
  const bool fits = !where || (where.size == whole_size(outcomes) && place_fits(where));
  if (count_of(info) == kMany || !fits) {
    Many& list = many(state);
    list.whole = where;
    list.changes.clear();
    return;
  }
  info.place = where.offset / 8 | where.segment << kOffsetBits;
  info.one.aside_too = (where.segment >> kSegmentLowBits) & ((1U << kSegmentHighBits) - 1);
  info.one.aside = (count_of(info) | outcomes << kSizeShift) & 0xFFU;
}

void States::add_change(std::uint32_t state, journal::Location where) {
  many(state).changes.push_back(where);
}

bool States::holds(std::uint32_t state, journal::Location where) const {
  return whole(state) == where || std::ranges::find(changes(state), where) != changes(state).end();
}

}  // namespace ringpost::spool
