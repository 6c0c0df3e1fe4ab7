// Sets of message numbers, UIDs and mod-sequences' UIDs: sorted ranges, so that all operations cost O(ranges).
//
// Layer:   pure. Owner: whoever holds the object; a value.
// Limits:  a set from the wire has at most kSetRangesMax ranges; one of our own has as many as it needs.
// RFCs:    9051 section 9 (sequence-set), 4731 (compact results), 5182 ($).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::imap {

// Both ends belong to it; 1 <= first <= last.
struct NumberRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  constexpr bool operator==(const NumberRange&) const = default;
  constexpr std::uint64_t count() const { return std::uint64_t{last} - first + 1; }
};

class NumberSet {
 public:
  NumberSet() = default;
  NumberSet(std::initializer_list<NumberRange> ranges);

  // O(1) behind the last range or at its end; otherwise O(ranges).
  void add(std::uint32_t number) { add(NumberRange{number, number}); }
  void add(NumberRange range);
  // Any order, overlapping: O(n log n) once. Replaces what was there.
  void assign(std::vector<NumberRange> ranges);
  void clear() { ranges_.clear(); }

  bool empty() const { return ranges_.empty(); }
  std::uint64_t count() const;
  std::uint32_t first() const { return ranges_.front().first; }  // not empty
  std::uint32_t last() const { return ranges_.back().last; }
  bool contains(std::uint32_t number) const;  // O(log ranges)
  // Ascending, disjoint, and not adjacent.
  std::span<const NumberRange> ranges() const { return ranges_; }

  NumberSet intersected(const NumberSet& other) const;
  NumberSet united(const NumberSet& other) const;
  NumberSet without(const NumberSet& other) const;

  template <class Visit>
  void for_each(Visit visit) const {
    for (const NumberRange& range : ranges_)
      for (std::uint64_t number = range.first; number <= range.last; ++number)
        visit(static_cast<std::uint32_t>(number));
  }

  bool operator==(const NumberSet&) const = default;

 private:
  std::vector<NumberRange> ranges_;
};

// "1:3,5,7:9"; nothing for the empty set, which no grammar has.
void append_set(const NumberSet& set, std::string& out);
std::string to_string(const NumberSet& set);

// A set as a command gives it: '*' is only known where the mailbox is.
class SequenceSet {
 public:
  // 0 is '*'. In any order, as written.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    constexpr bool operator==(const Range&) const = default;
  };

  static SequenceSet saved_result();  // "$"
  bool saved() const { return saved_; }
  bool empty() const { return ranges_.empty() && !saved_; }
  void add(Range range) { ranges_.push_back(range); }
  std::span<const Range> written() const { return ranges_; }
  // '*' stands somewhere: what it is must be looked up.
  bool has_star() const;

  // `highest` is the number of messages, or the highest UID; 0 for an empty mailbox, where '*' is nothing. Numbers beyond
  // it stay: the caller intersects with what there is. Not for saved().
  NumberSet resolve(std::uint32_t highest) const;

  bool operator==(const SequenceSet&) const = default;

 private:
  std::vector<Range> ranges_;
  bool saved_ = false;
};

}  // namespace ringpost::imap
