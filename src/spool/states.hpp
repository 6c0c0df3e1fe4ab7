// What has become of recipients, for the messages to which something has happened.
//
// Layer: durable, private. Owner: one spool. 20 bytes for a message with one such recipient.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "ringpost/journal/limits.hpp"
#include "ringpost/journal/records.hpp"

#include "records.hpp"

namespace ringpost::spool {

class States {
 public:
  // The records in the log that hold it: the last whole one, and what changed since.
  struct Records {
    journal::Location whole;
    std::vector<journal::Location> changes;
  };

  States() { infos_.emplace_back(); }  // 0 means none
  std::uint32_t make();
  void release(std::uint32_t state);

  // By recipient, rising.
  std::span<const PackedOutcome> outcomes(std::uint32_t state) const;
  const PackedOutcome* find(std::uint32_t state, std::uint32_t recipient) const;
  // A final state stays. Says whether anything changed.
  bool merge(std::uint32_t state, const PackedOutcome& outcome);
  // The same, when nobody knows which of the two is newer: final beats pending, more attempts beat fewer.
  bool join(std::uint32_t state, const PackedOutcome& outcome);
  std::size_t final_count(std::uint32_t state) const;
  // Of recipients that are not final; those go with their final state.
  std::span<const FinishedTarget> finished(std::uint32_t state) const;
  // False: nothing has changed, for it is known, its recipient is final, or there are kFinishedTargetsMax.
  bool add_finished(std::uint32_t state, FinishedTarget target);

  journal::Location whole(std::uint32_t state) const;
  std::span<const journal::Location> changes(std::uint32_t state) const;
  void set_whole(std::uint32_t state, journal::Location where);  // forgets the changes
  void add_change(std::uint32_t state, journal::Location where);
  bool holds(std::uint32_t state, journal::Location where) const;
  // Calls `visit` for each record and forgets them.
  template <class Visit>
  void take_records(std::uint32_t state, Visit visit) {
    if (whole(state)) visit(whole(state));
    for (const journal::Location where : changes(state)) visit(where);
    set_whole(state, {});
  }
  std::size_t size() const { return infos_.size() - 1 - free_count_; }
  // About, for those with many recipients.
  std::size_t memory() const {
    return size() * sizeof(Info) + (manies_.size() - free_manies_.size()) * (sizeof(Many) + kManyGuess);
  }

 private:
  struct Many {
    std::vector<PackedOutcome> outcomes;
    std::vector<FinishedTarget> finished;
    std::vector<journal::Location> changes;
    journal::Location whole;
    std::size_t final_count = 0;
  };
  // With one outcome or none; or `one.recipient` is the place of a list that has all of it.
  struct Info {
    std::uint32_t place =
        0;              // of the whole record: its offset in steps of 8, above it low bits of the segment
    PackedOutcome one;  // in `one.aside_too`: the high bits
  };
  static_assert(sizeof(Info) == 20);
  static constexpr unsigned kOffsetBits = 27, kSegmentLowBits = 5, kSegmentHighBits = 12;
  static_assert(journal::kSegmentSizeMax.count / 8 <= std::uint64_t{1} << kOffsetBits);
  static bool place_fits(journal::Location where) {
    return where.offset % 8 == 0 && where.segment >> (kSegmentLowBits + kSegmentHighBits) == 0;
  }
  // In `one.aside`: what there is, and of how many outcomes the whole record is.
  static constexpr std::uint32_t kCountMask = 3, kMany = 2, kSizeShift = 2;
  static std::uint32_t count_of(const Info& info) { return info.one.aside & kCountMask; }
  static void set_count(Info& info, std::uint32_t count) {
    info.one.aside = ((info.one.aside & ~kCountMask) | count) & 0xFFU;
  }
  static void put_one(Info& info, const PackedOutcome& outcome);
  Many& many(std::uint32_t state);
  bool put(std::uint32_t state, const PackedOutcome& outcome,
           bool (*replaces)(const PackedOutcome&, const PackedOutcome&));

  std::deque<Info> infos_;
  // Freed ones are a list through `place`: a queue that is cancelled takes no memory for it.
  std::uint32_t free_ = 0, free_count_ = 0;
  std::vector<std::unique_ptr<Many>> manies_;
  std::vector<std::uint32_t> free_manies_;
  static constexpr std::size_t kManyGuess = 256;
};

}  // namespace ringpost::spool
