// What the records of one shard say about messages of another one. A change in the number of cores makes them: the core
// that adopted a shard ends its messages in its own log, and at the next start another core may own that shard again.
//
// Layer: durable, private but for its name. Shared by all cores while they start; locked, off the mail path.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/journal/log.hpp"

#include "records.hpp"

namespace ringpost::spool {

struct ForeignRecord {
  MessageId id;
  std::uint32_t source = 0;                  // the shard that owns the log it stands in
  std::vector<journal::SegmentName> voided;  // envelopes of the message there do not count
  std::vector<PackedOutcome> outcomes;       // or: what has become of recipients
  std::vector<FinishedTarget> finished;

  bool has_state() const { return !outcomes.empty() || !finished.empty(); }
};

class Exchange {
 public:
  void join() {
    const std::lock_guard lock(mutex_);
    ++joined_;
  }
  // Once for each core that has joined, when it has read its log.
  void give(std::vector<ForeignRecord> records) {
    const std::lock_guard lock(mutex_);
    ++given_;
    for (ForeignRecord& record : records) records_.push_back(std::move(record));
  }
  bool all_given() const {
    const std::lock_guard lock(mutex_);
    return given_ == joined_;
  }
  // Of what others have given, that about messages which are wanted.
  template <class Wanted>
  std::vector<ForeignRecord> take_copy(std::uint32_t not_from, Wanted wanted) const {
    const std::lock_guard lock(mutex_);
    std::vector<ForeignRecord> others;
    for (const ForeignRecord& record : records_)
      if (record.source != not_from && wanted(record.id)) others.push_back(record);
    return others;
  }
  // What this core found about its own messages is durable in its own log.
  void settle() {
    const std::lock_guard lock(mutex_);
    if (++settled_ == joined_) records_.clear();
  }
  bool all_settled() const {
    const std::lock_guard lock(mutex_);
    return settled_ == joined_;
  }

 private:
  mutable std::mutex mutex_;
  unsigned joined_ = 0;
  unsigned given_ = 0;
  unsigned settled_ = 0;
  std::vector<ForeignRecord> records_;
};

}  // namespace ringpost::spool
