// Messages that the filter has put aside: durable in the spool, in nobody's queue until an operator releases them.
//
// Owner:   Service::State; its core. 16 bytes and a node of a tree for each; the rest is in the spool.
// State:   a message is in the quarantine when its envelope says so (mail::kQuarantined) and nothing has happened to any of its
//          recipients. A release is a record of that: pending, with kReleasedCode. So both outlive any crash, without a store of
//          their own. What is not released ends as cancelled, without a report: its sender is most likely forged.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::deliver {

inline constexpr std::uint16_t kReleasedCode = 250;  // of an outcome: an operator wants it delivered

class Quarantine final : shard::Timer {
 public:
  // `due`: some message has been here for its time.
  Quarantine(shard::Core& core, std::function<void()> due);

  static bool wants(const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes);
  void add(MessageId id, WallTime arrival);
  // False: it was not here.
  bool take(MessageId id);
  bool contains(MessageId id) const { return held_.contains(id.value); }
  std::size_t size() const { return held_.size(); }
  const std::map<std::uint64_t, WallTime>& held() const { return held_; }
  void set_lifetime(Duration lifetime);
  Duration lifetime() const { return lifetime_; }
  // Looks again when the next one is due, but not before `grace` has passed.
  void watch(Duration grace = Duration{0});

 private:
  shard::Core& core_;
  std::function<void()> due_;
  std::map<std::uint64_t, WallTime> held_;  // arrival by id
  Duration lifetime_{0};
  observe::Gauge messages_;
};

}  // namespace ringpost::deliver
