// Messages that nobody needs in memory just now: they wait for a distant time, far back in the line of a destination, or for
// an operator. What is known of them fits 20 bytes; all else is read from the spool when their time comes, as after a restart.
//
// Owner:  Queue. Without I/O: who takes a message out reads it.
// Parts:  the recipients of a message who wait in one way for one destination. Most messages have one.
// Memory: 20 bytes in the table, up to a third more while its neighbours come and go, and 8 more for a ready one in the line
//         of its destination. With several parts some 30 more, and 8 for each.
// Times:  no list holds them. One share of the table after the other is looked at, all of them once in kSweepRound, and who is
//         wanted until the next time is told.
// Lines:  hold ids only. One that has been taken out in another way is passed over when its turn comes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/base/id_blocks.hpp"
#include "ringpost/base/units.hpp"

#include "job.hpp"

namespace ringpost::deliver {

// `in` of a part is its place (ready, deferred or held), or this: held, and to be tried as soon as it is released. Held alone, its
// next attempt is where it was before.
inline constexpr std::uint32_t kHeldDue = 5;
inline Place place_in(std::uint32_t in) {
  return in == kHeldDue ? Place::held : static_cast<Place>(in);
}

// Those of a parked message who go to one destination, and wait in one way.
struct ParkedPart {
  std::uint32_t line : 22 = 0;
  std::uint32_t in : 3 = 0;
  std::uint32_t recipients = 0;

  Place place() const { return place_in(in); }
};
static_assert(sizeof(ParkedPart) == 8);

struct [[gnu::packed, gnu::aligned(4)]] Parked {
  std::uint64_t id = 0;
  std::uint32_t wake = 0;            // in seconds since 1970: when somebody must look at it
  std::uint32_t arrival = 0;         // in seconds since 1970
  std::uint32_t line : 22 = 0;       // with several parts: the low bits of where they are
  std::uint32_t recipients : 6 = 0;  // and the high ones
  std::uint32_t dated : 1 = 0;  // `wake` is a date of the message (warning, expiry), not its next attempt
  std::uint32_t in : 3 = 0;

  static constexpr std::uint32_t kSeveral = 7;  // of `in`: Parking keeps the parts
  bool is_several() const { return in == kSeveral; }
  Place place() const { return place_in(in); }  // of one with one part
  WallTime arrived() const { return {std::int64_t{arrival} * 1'000'000'000}; }
};
static_assert(sizeof(Parked) == 20);

class Parking {
 public:
  static constexpr std::uint32_t kRecipientsMax = (1U << 6) - 1;
  static constexpr std::size_t kLinesMax = std::size_t{1} << 22;

  // What those have in common that wait for one destination.
  struct Line {
    std::string destination, domain;
    std::shared_ptr<const std::string> reason;  // of the one that was deferred last
    std::uint64_t messages = 0;
    std::uint64_t ready = 0, deferred = 0, held = 0;     // recipients
    std::uint32_t oldest = 0;                            // arrival, of any since the line was empty
    std::unique_ptr<std::deque<std::uint64_t>> backlog;  // ready ones, the first first
  };
  struct Guest {
    MessageId id;
    WallTime arrival, wake;
    bool dated = false;
  };
  struct GuestPart {
    std::string_view destination, domain;
    std::shared_ptr<const std::string> reason;
    std::uint32_t recipients = 0;
    Place place = Place::deferred;
    bool due_when_released = false;  // a held one of which nobody knows when its next attempt would be
  };
  bool has_room(std::size_t parts) const { return lines_.size() + parts <= kLinesMax; }
  void park(const Guest& guest, std::span<const GuestPart> parts);
  const Parked* find(MessageId id) const { return table_.find(id); }
  void fetch(MessageId id) const { table_.fetch(id); }  // it will be parked, or found, in a moment
  const Line& line_of(const ParkedPart& part) const { return lines_[part.line]; }
  template <class Visit>
  void for_each_part(const Parked& parked, Visit visit) const {
    if (!parked.is_several())
      return visit(ParkedPart{.line = parked.line, .in = parked.in, .recipients = parked.recipients});
    for (const ParkedPart& part : *several_[several_of(parked)]) visit(part);
  }
  // Takes it out: from now on the caller has it.
  void take(MessageId id);
  // Looked at again then, in the same place or in the line of its destination (of one with one part).
  void postpone(MessageId id, WallTime wake);
  void make_ready(MessageId id, WallTime wake);

  // ---- an operator's hold: nobody is taken out, and nothing is read
  static constexpr std::size_t kShares = IdBlocks<Parked>::kParts;
  template <class Visit>
  void for_each_in(std::size_t share, Visit visit) const {
    table_.for_each_in(share, visit);
  }
  // `part` counts those of for_each_part. A held one keeps `wake`.
  void hold(MessageId id, std::size_t part);
  // It waits for its next attempt again; one that was ready, or whose attempt came meanwhile, has it now.
  void let_go(MessageId id, std::size_t part, WallTime now);
  // All parts are held, and the attempt has come: it has nothing to do before that date but to be there.
  void rest(MessageId id, WallTime date);

  // The first one with a ready part for the destination. Told once: take it, or postpone it.
  std::optional<MessageId> front(const std::string& destination);

  // ---- those whose time comes
  // Looks at the next share of the table.
  void sweep(WallTime now);
  // When to do so again; never, when nobody is here.
  std::optional<WallTime> next_sweep(WallTime now) const;
  // The next one that a sweep has found. Told once: take it, or postpone it.
  std::optional<MessageId> due(WallTime now);
  bool any_due() const { return !due_.empty(); }

  std::size_t size() const { return table_.size(); }
  // About, for those with several parts.
  std::size_t memory() const {
    return table_.memory() + (several_.size() - free_several_.size()) * kSeveralGuess;
  }
  // Those without messages stand empty until they are used again.
  std::size_t line_count() const { return lines_.size(); }
  const Line& line(std::size_t index) const { return lines_[index]; }
  // Recipients by the arrival of their message, some minutes together.
  template <class Visit>
  void for_each_age(Visit visit) const {
    for (const auto& [slot, recipients] : ages_)
      visit(WallTime{std::int64_t{slot} * kAgeSlot * 1'000'000'000}, recipients);
  }

 private:
  static constexpr std::uint32_t kAgeSlot = 256;  // seconds
  using Table = IdBlocks<Parked>;
  static constexpr std::size_t kSeveralGuess = 72;
  using Several = std::unique_ptr<std::vector<ParkedPart>>;
  static std::size_t several_of(const Parked& parked) {
    return parked.line | std::size_t{parked.recipients} << 22U;
  }
  std::uint32_t line_for(std::string_view destination, std::string_view domain);
  ParkedPart join(const Guest& guest, const GuestPart& part);
  std::size_t keep(std::vector<ParkedPart> parts);
  bool waits_in(const Parked& parked, std::uint32_t line) const;
  void leave(std::uint32_t line);
  void count(const Parked& parked, std::int64_t sign);
  void change_place(MessageId id, std::size_t part, std::uint32_t in);
  std::uint32_t in_of(const Parked& parked, std::size_t part) const {
    return parked.is_several() ? several_[several_of(parked)]->at(part).in : std::uint32_t{parked.in};
  }
  void set_wake(Parked& parked, WallTime wake);

  Table table_;
  std::array<std::uint32_t, Table::kParts> earliest_ = [] {
    std::array<std::uint32_t, Table::kParts> never{};
    never.fill(UINT32_MAX);
    return never;
  }();  // no `wake` of that share is before
  std::uint32_t lowest_ = UINT32_MAX;  // of those
  std::size_t next_share_ = 0;
  std::deque<std::uint64_t> due_;
  std::map<std::uint32_t, std::uint64_t> ages_;
  std::vector<Line> lines_;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> by_destination_;
  std::vector<std::uint32_t> free_lines_;
  std::vector<Several> several_;
  std::vector<std::size_t> free_several_;
};

}  // namespace ringpost::deliver
