// The queue of one core: messages, their jobs, and the destinations where these wait. Knows times and places, not
// protocols: when there is something to do it tells its Reactions, which only take note.
//
// Owner:     Service::State.
// Invariant: every message has an armed timer, or stands in the line of those that are overdue, or is with who expires it:
//            so no state outlives expiry.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/deliver/queue_view.hpp"
#include "ringpost/deliver/router.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/schedule/options.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"

#include "destination.hpp"
#include "hold_rules.hpp"
#include "parking.hpp"

namespace ringpost::deliver {

class Queue {
 public:
  class Reactions {
   public:
    // Jobs are ready there, a slot has come, or a pause is over.
    virtual void work(Destination& destination) = 0;
    // It is time to warn about the message, or it has expired.
    virtual void overdue(Message& message) = 0;
    // The time of parked messages has come.
    virtual void wake_parked() = 0;

   protected:
    ~Reactions() = default;
  };
  using Destinations = std::unordered_map<std::string, std::unique_ptr<Destination>>;
  using Wanted = std::function<bool(std::uint32_t recipient)>;

  Queue(shard::Core& core, Reactions& reactions);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // ---- messages
  // Makes jobs for the pending recipients that are `wanted` (none given: all), due when their outcome says.
  void add(const Router& router, const schedule::RetryOptions& retry, MessageId id,
           const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes,
           const Wanted& wanted = {});
  Message* find(MessageId id);
  // After a reload: expiry and warning as the schedule says now.
  void set_dates(Message& message, const schedule::RetryOptions& retry, bool report, bool warned);
  std::size_t message_count() const { return messages_.size() + parking_.size(); }
  // Arms the timer of the message for its next date, but not before `grace` has passed.
  void watch(Message& message, Duration grace = Duration{0});
  void pin(Message& message) { ++message.pins; }
  void unpin(
      Message& message);  // the last one deletes a message without jobs, or parks one that is not needed soon
  // Ends a job that is in somebody's hands; its message ends with its last one.
  void finish(Job& job);

  // ---- parked messages: not found by find(), their jobs are made anew from what the spool says
  const Parked* parked(MessageId id) const { return parking_.find(id); }
  const Parking& parking() const { return parking_; }
  JobState state_of(const ParkedPart& part) const;
  // The part that the recipient belongs to, as mail is routed now; when none fits any more, the first one.
  std::optional<ParkedPart> part_of(const Parked& parked, const Router& router,
                                    std::string_view recipient) const;
  JobState state_of(const Parking::Line& line) const;  // of its ready ones
  // Brings one back; one that was ready is due now.
  void unpark(const Router& router, const schedule::RetryOptions& retry, MessageId id,
              const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes);
  // From the spool after a restart: a message that has long to wait is parked at once. False: it must be added.
  bool add_parked(const Router& router, const schedule::RetryOptions& retry, MessageId id,
                  const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes);
  void drop_parked(MessageId id);  // the spool does not have it any more
  // ---- after a rule about what is held has come: those that it may mean go where the rules say now, without being read
  struct Marked {
    std::uint64_t recipients = 0;  // held now, or let go
    bool unsure = false;           // its envelope must tell
  };
  enum class Order : std::uint8_t { hold, release };
  Marked mark_parked(Order order, const Selector& rule, MessageId id);
  // While parked ones are gone over nobody joins them.
  void let_nobody_park(bool keep_out) { keep_out ? ++nobody_parks_ : --nobody_parks_; }
  void wake_released();
  // Whom to bring back next; the caller does so, or postpones it. Those behind so many others that nobody needs them yet
  // join the line of their destination as they are.
  std::optional<MessageId> next_due(const schedule::RetryOptions& retry);
  std::optional<MessageId> next_behind(const Destination& destination);
  void postpone(MessageId id, Duration wait);
  // Ready ones are to be read, for those before them are going.
  bool wants_refill(const Destination& destination) const;

  // ---- jobs
  // The first ready job, now active, with at most `recipients_max` of its recipients: the others go to the end of the
  // line, so that a message to thousands does not keep the others waiting.
  Job* take(Destination& destination, std::uint32_t recipients_max);
  // Out of its place into the caller's hands: one that waits, or the caller's own active one.
  struct Former {
    Place place;
    Instant due;
  };
  Former seize(Job& job);
  void restore(Job& job, Former former);
  void make_ready(Job& job, bool in_front = false);
  void defer(Job& job, Duration wait);
  void hold(Job& job);              // unless a rule does, one by one
  bool held(const Job& job) const;  // by a directive
  void forget_hold(MessageId id, const std::string& destination);
  bool may_hold_one_more() const { return held_.size() < kHeldOneByOneMax; }
  HoldRules& hold_rules() { return hold_rules_; }
  // A new job with those recipients of `job`, in the same hands. `job` keeps the others.
  Job& split(Job& job, std::span<const std::uint32_t> recipients);
  // A job in somebody's hands gets another destination.
  void move(Job& job, Destination& destination);
  JobState state_of(const Job& job) const;

  // ---- destinations
  Destination& destination(const Route& route, std::string_view domain, std::string_view recipient);
  void pause(Destination& destination, Duration wait, Setback setback);
  void clear_pause(Destination& destination);
  void suspend(const std::string& name);
  void resume(const std::string& name);
  // Deletes it when nothing holds it any more.
  void forget_if_idle(Destination& destination);
  const Destinations& destinations() const { return destinations_; }

  void apply(const Directives& directives);
  Directives directives() const;

  const std::unordered_map<std::uint64_t, std::unique_ptr<Message>>& messages() const { return messages_; }
  WallTime wall_now() const { return core_.wall_now(); }
  WallTime wall(Instant instant) const { return core_.wall_now() + (instant - core_.now()); }
  shard::Core& core() { return core_; }

 private:
  friend class Destination;
  friend struct Message;
  struct Gathered {  // a job of the message that is being added
    Job* job;
    WallTime due;
    bool held_by_rule;
    std::vector<std::uint32_t> recipients;
  };
  struct Figures {
    observe::Gauge ready, deferred, active, held, destinations, messages, slots_waiting, parked, parked_bytes;
  };
  Message& find_or_add(const schedule::RetryOptions& retry, MessageId id,
                       const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes);
  Job& add_job(Message& message, Destination& destination);
  void gather(Message& message, Destination& destination, const spool::Outcome& outcome, bool held_by_rule);
  void place(Job& job, WallTime due);
  void enter(Job& job, Place place);
  void leave(Job& job);
  observe::Gauge* gauge(Place place);
  bool is_suspended(std::string_view name) const;
  struct Rest {  // how long a message is not needed
    WallTime until;
    bool dated = false;
  };
  bool only_waits(const Job& job) const;
  std::optional<Rest> may_park(Message& message) const;
  std::vector<std::string> ready_lines(const Parked& parked) const;
  static std::string key_of(const Route& route, std::string_view domain, std::string_view recipient);
  void park(Message& message, Rest rest);
  bool joins_line(MessageId id, const schedule::RetryOptions& retry);
  bool rests_held(MessageId id, const schedule::RetryOptions& retry);
  std::optional<WallTime> next_date(const Parked& parked, const schedule::RetryOptions& retry) const;
  bool held_one_by_one(MessageId id, const std::string& destination) const;
  void mark(Order order, const Parked& parked, std::size_t index, const ParkedPart& part);
  void forget_parked(MessageId id);
  void note_parked(std::int64_t sign);
  void count_parked(const Parked& parked, std::int64_t sign);
  std::uint32_t ready_max(const Destination& destination) const;
  void sweep_parked();
  void arm_sweep();

  shard::Core& core_;
  Reactions& reactions_;
  Figures figures_;
  Destinations destinations_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Message>> messages_;
  std::vector<Gathered> gathered_;  // scratch of add()
  Parking parking_;
  bool unparking_ = false;
  unsigned nobody_parks_ = 0;  // orders that go over the parked ones
  std::vector<std::uint32_t>
      held_while_parked_;  // recipients of the one that comes back: only an order lets them go
  struct Sweep final : shard::Timer {
    explicit Sweep(Queue& of)
        : Timer([](Timer& self) { static_cast<Sweep&>(self).queue.sweep_parked(); }), queue(of) {}
    Queue& queue;
  } sweep_{*this};
  std::vector<std::string> suspended_;
  HoldRules hold_rules_;
  std::unordered_multimap<std::uint64_t, std::string> held_;  // by message: destinations, "" is all
};

}  // namespace ringpost::deliver
