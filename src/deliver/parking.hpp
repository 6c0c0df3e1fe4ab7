// Messages that nobody needs in memory just now: they wait for a distant time, or far back in the line of a destination.
// What is known of them fits 24 bytes; all else is read from the spool when their time comes, as after a restart.
//
// Owner:  Queue. Without I/O: who takes a message out reads it.
// Memory: 30 to 38 bytes in the table, 8 in a list by time, 8 more in the line of a destination.
// Lists:  hold ids only. One that has been taken out in another way is passed over when its turn comes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringpost/base/id_table.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::deliver {

// All recipients that wait, who go to one destination.
struct Parked {
  std::uint64_t id = 0;
  std::uint32_t wake = 0;     // in seconds since 1970: when somebody must look at it
  std::uint32_t arrival = 0;  // in seconds since 1970
  std::uint32_t line = 0;
  std::uint32_t recipients : 31 = 0;
  std::uint32_t ready : 1 = 0;  // else deferred
};
static_assert(sizeof(Parked) == 24);

class Parking {
 public:
  // What those have in common that wait for one destination.
  struct Line {
    std::string destination;
    std::shared_ptr<const std::string> reason;  // of the one that was deferred last
    std::uint64_t messages = 0;
    std::uint64_t ready = 0, deferred = 0;  // recipients
    std::uint32_t oldest = 0;               // arrival, of any since the line was empty
    std::deque<std::uint64_t> backlog;      // ready ones, the first first
  };
  struct Guest {
    MessageId id;
    WallTime arrival, wake;
    std::uint32_t recipients = 0;
    bool ready = false;
  };
  void park(const Guest& guest, const std::string& destination, std::shared_ptr<const std::string> reason);
  const Parked* find(MessageId id) const { return table_.find(id); }
  const Line& line_of(const Parked& parked) const { return lines_[parked.line]; }
  // Takes it out: from now on the caller has it.
  void take(MessageId id);

  // The next one whose time has come, or the first ready one for the destination. Told once: take it, or postpone it.
  std::optional<MessageId> due(WallTime now);
  std::optional<MessageId> front(const std::string& destination);
  void postpone(MessageId id, WallTime wake);
  // When to ask again for one that is due.
  std::optional<WallTime> next_wake() const;

  std::size_t size() const { return table_.size(); }
  template <class Visit>
  void for_each_line(Visit visit) const {
    for (const Line& line : lines_)
      if (line.messages != 0) visit(line);
  }
  // Recipients by the arrival of their message, some minutes together.
  template <class Visit>
  void for_each_age(Visit visit) const {
    for (const auto& [slot, recipients] : ages_)
      visit(WallTime{std::int64_t{slot} * kAgeSlot * 1'000'000'000}, recipients);
  }

 private:
  static constexpr std::uint32_t kAgeSlot = 256;  // seconds
  static constexpr std::uint32_t kWakeSlot = 64;
  std::uint32_t line_for(const std::string& destination);
  void count(const Parked& parked, std::int64_t sign);

  IdTable<Parked> table_;
  std::map<std::uint32_t, std::deque<std::uint64_t>> wakes_;  // by time, kWakeSlot seconds together
  std::map<std::uint32_t, std::uint64_t> ages_;
  std::vector<Line> lines_;
  std::unordered_map<std::string, std::uint32_t> by_destination_;
  std::vector<std::uint32_t> free_lines_;
};

}  // namespace ringpost::deliver
