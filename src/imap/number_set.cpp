#include "ringpost/imap/number_set.hpp"

#include <algorithm>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

namespace ringpost::imap {

namespace {

// `next` begins where `last` ends, or before: they are one.
bool touches(const NumberRange& last, const NumberRange& next) {
  return next.first <= last.last || next.first - last.last == 1;
}

}  // namespace

NumberSet::NumberSet(std::initializer_list<NumberRange> ranges) {
  assign(ranges);
}

void NumberSet::add(NumberRange range) {
  RP_ASSERT(range.first != 0 && range.first <= range.last);
  if (ranges_.empty() || range.first > ranges_.back().last) {
    if (!ranges_.empty() && touches(ranges_.back(), range))
      ranges_.back().last = range.last;
    else
      ranges_.push_back(range);
    return;
  }
  // The first that could touch it, and those up to where it ends, become one.
  const auto begin = std::ranges::partition_point(
      ranges_, [&](const NumberRange& one) { return one.last < range.first && !touches(one, range); });
  auto end = begin;
  while (end != ranges_.end() && touches(range, *end)) {
    range.first = std::min(range.first, end->first);
    range.last = std::max(range.last, end->last);
    ++end;
  }
  if (begin == end) {
    ranges_.insert(begin, range);
  } else {
    *begin = range;
    ranges_.erase(begin + 1, end);
  }
}

void NumberSet::assign(std::vector<NumberRange> ranges) {
  std::ranges::sort(ranges, {}, &NumberRange::first);
  ranges_.clear();
  for (const NumberRange& range : ranges) {
    RP_ASSERT(range.first != 0 && range.first <= range.last);
    if (!ranges_.empty() && touches(ranges_.back(), range))
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    else
      ranges_.push_back(range);
  }
}

std::uint64_t NumberSet::count() const {
  std::uint64_t total = 0;
  for (const NumberRange& range : ranges_) total += range.count();
  return total;
}

bool NumberSet::contains(std::uint32_t number) const {
  const auto found =
      std::ranges::partition_point(ranges_, [&](const NumberRange& one) { return one.last < number; });
  return found != ranges_.end() && found->first <= number;
}

NumberSet NumberSet::intersected(const NumberSet& other) const {
  NumberSet common;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const std::uint32_t first = std::max(a->first, b->first);
    const std::uint32_t last = std::min(a->last, b->last);
    if (first <= last) common.ranges_.push_back({first, last});
    if (a->last < b->last)
      ++a;
    else
      ++b;
  }
  return common;
}

NumberSet NumberSet::united(const NumberSet& other) const {
  NumberSet both;
  both.ranges_.reserve(ranges_.size() + other.ranges_.size());
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() || b != other.ranges_.end()) {
    const bool take_a = b == other.ranges_.end() || (a != ranges_.end() && a->first <= b->first);
    const NumberRange range = take_a ? *a++ : *b++;
    if (!both.empty() && touches(both.ranges_.back(), range))
      both.ranges_.back().last = std::max(both.ranges_.back().last, range.last);
    else
      both.ranges_.push_back(range);
  }
  return both;
}

NumberSet NumberSet::without(const NumberSet& other) const {
  NumberSet rest;
  auto hole = other.ranges_.begin();
  for (NumberRange range : ranges_) {
    while (hole != other.ranges_.end() && hole->last < range.first) ++hole;
    bool left = true;
    for (auto cut = hole; cut != other.ranges_.end() && cut->first <= range.last; ++cut) {
      if (cut->first > range.first) rest.ranges_.push_back({range.first, cut->first - 1});
      left = cut->last < range.last;
      if (!left) break;
      range.first = cut->last + 1;
      hole = cut;
    }
    if (left) rest.ranges_.push_back(range);
  }
  return rest;
}

void append_set(const NumberSet& set, std::string& out) {
  auto to = std::back_inserter(out);
  bool first = true;
  for (const NumberRange& range : set.ranges()) {
    if (!first) out += ',';
    first = false;
    if (range.first == range.last)
      fmt::format_to(to, FMT_COMPILE("{}"), range.first);
    else
      fmt::format_to(to, FMT_COMPILE("{}:{}"), range.first, range.last);
  }
}

std::string to_string(const NumberSet& set) {
  std::string out;
  append_set(set, out);
  return out;
}

SequenceSet SequenceSet::saved_result() {
  SequenceSet set;
  set.saved_ = true;
  return set;
}

bool SequenceSet::has_star() const {
  return std::ranges::any_of(ranges_, [](const Range& range) { return range.first == 0 || range.last == 0; });
}

NumberSet SequenceSet::resolve(std::uint32_t highest) const {
  RP_ASSERT(!saved_);
  std::vector<NumberRange> ranges;
  ranges.reserve(ranges_.size());
  for (const Range& range : ranges_) {
    if (highest == 0 && (range.first == 0 || range.last == 0)) continue;
    const std::uint32_t a = range.first == 0 ? highest : range.first;
    const std::uint32_t b = range.last == 0 ? highest : range.last;
    ranges.push_back({std::min(a, b), std::max(a, b)});
  }
  NumberSet set;
  set.assign(std::move(ranges));
  return set;
}

}  // namespace ringpost::imap
