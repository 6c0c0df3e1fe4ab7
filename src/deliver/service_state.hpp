// What the sending side of one core consists of, and the dispatcher that ties it together.
//
// Owner:    Service. Everything here runs on its core.
// Dispatch: whoever changes something that may call for a connection says work(destination); the dispatcher looks at it
//           later in the same turn, on a stack of its own. So nobody is destroyed under the feet of its caller.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ringpost/deliver/service.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/spool/limits.hpp"
#include "ringpost/spool/survey.hpp"

#include "flow.hpp"
#include "host_memory.hpp"
#include "quarantine.hpp"
#include "queue.hpp"
#include "reports.hpp"
#include "results.hpp"

namespace ringpost::deliver {

struct Service::State final : Queue::Reactions {
  State(shard::Core& on, Parts given);

  // ---- Queue::Reactions
  void work(Destination& destination) override;
  void overdue(Message& message) override;
  void wake_parked() override;

  // ---- dispatch.cpp: from ready jobs to connections
  Task<void> dispatch();
  void look_at(Destination& destination, bool in_turn = false);
  bool wants_flow(const Destination& destination) const;
  bool has_room(const Destination& destination) const;
  bool is_putting_off(const Destination& destination) const;
  Task<void> tell_put_off(Destination& destination);
  void start(Destination& destination);
  Task<void> open(Destination& destination);
  Task<void> give_slot_back(Destination& destination);
  Task<void> leave_line(Destination& destination);
  Task<void> serve(Destination& destination);
  void flow_ended(Destination& destination);
  bool flows_are_full() const;
  Destination* next_in_line();
  IntrusiveList<Destination, WaitForRoom>& line_of(const Destination& destination);

  // ---- parked.cpp
  Task<bool> unpark(MessageId id);
  void unreadable(MessageId id, const Error& error);
  Task<void> work_on_parked();
  Task<void> refill(Destination& destination);

  // ---- passing.cpp: level through
  void pass_on(const spool::Queued& message);
  bool turns_back(const Destination& destination) const;
  void turn_back_held(Message& message);
  void turn_back_waiting(Destination& destination);
  void turn_back_all();
  void begin_turning_back(const std::vector<Job*>& jobs, Attempt attempt, mail::Reply why);
  Task<void> turn_back(std::vector<Job*> jobs, Attempt attempt, mail::Reply why);

  // ---- mailbox.cpp
  Task<void> serve_here(Destination& destination, bool stores);
  Task<void> deliver_here(Job& job);
  FinishedTargets finished_of(MessageId id, std::uint32_t recipient, const spool::Spool::Loaded& loaded);
  Task<std::optional<mail::Reply>> forward(const Job& job, const spool::Spool::Loaded& loaded,
                                           const spool::Body& body, const LocalResult& result,
                                           FinishedTargets& finished);
  Task<void> conclude_here(Job& job, const spool::Spool::Loaded& loaded, LocalResult result,
                           std::optional<mail::Reply> refusal);
  Task<void> confirm(MessageId id, std::uint32_t recipient, std::vector<std::string> stored);
  void move_to_lmtp(Job& job, const Route& server, LocalResult result);

  // ---- overdue.cpp: expiry and warnings
  Task<void> work_on_overdue();
  Task<void> attend(Message& message);
  Task<void> expire(Message& message);
  Task<void> warn(Message& message);
  Task<bool> send_warning(Message& message, const std::vector<std::pair<Job*, std::string>>& reasons);
  void record_warning(const Job& job, Queue::Former former);

  // ---- orders.cpp: what operators want
  using Selected =
      std::function<Task<void>(Job& job, const spool::Spool::Loaded& loaded, Queue::Former former)>;
  enum class Held : std::uint8_t { stay, too };  // whether an order concerns what is held
  Task<std::size_t> for_selected(Selector selector, Held held, Selected act);
  Task<std::size_t> for_selected_in(spool::Survey all, Selector selector, Held held, Selected act);
  Task<void> select_in(MessageId id, const Selector& selector, Held held, const Selected& act,
                       const spool::Spool::Loaded& loaded, std::size_t& changed_count);
  bool may_fit(const Selector& selector, MessageId id);
  spool::Survey survey(const Selector& selector, MessageId after = {},
                       std::size_t pass = spool::kSurveyPassMax);
  Job* select_part(const Selector& selector, Job& job, Queue::Former former,
                   const mail::EnvelopeRecord& envelope);
  void say(std::string_view text);
  Task<std::size_t> end_selected(Selector selector, Found found, mail::Reply reply);
  Task<void> reroute_all();
  Task<void> reroute(Message& message);

  // ---- holding.cpp
  struct Marking;
  Task<Marking> mark_parked(Queue::Order order, const Selector& rule);
  Task<std::vector<MessageId>> in_memory();
  Task<std::size_t> enforce(Queue::Order order, Selector rule, Selector meant, Selected act);
  bool is_unsure(const Selector& rule, const Parked& parked);
  Task<std::size_t> hold_by_rule(Selector rule);
  Task<std::size_t> hold_one_by_one(Selector selector);

  // ---- listing.cpp
  struct Summing;
  std::size_t count_in(const Selector& selector, MessageId id, const spool::Spool::Loaded& loaded);
  void describe_parked(const Parked& parked, const spool::Spool::Loaded& loaded, QueuedMessage& shown) const;
  QueuedMessage describe(MessageId id, const spool::Spool::Loaded& loaded);

  // ---- quarantine.cpp
  std::vector<MessageId> in_quarantine(MessageId id) const;
  Task<std::size_t> release_from_quarantine(MessageId which);
  Task<std::size_t> end_in_quarantine(std::vector<MessageId> ids, std::string_view why);
  Task<void> expire_in_quarantine();
  Task<std::optional<QuarantinedMessage>> describe_quarantined(MessageId id);

  // ---- service.cpp
  bool settled() const;
  void note_change() { changed.notify_all(); }

  friend FramePool& frame_pool(State& state) { return state.core.frames(); }

  shard::Core& core;
  Parts parts;
  Queue queue;
  Quarantine quarantine;
  Reports reports;
  Results results;
  HostMemory hosts;

  IntrusiveList<Destination, WorkToDo> to_do;
  IntrusiveList<Destination, WaitForRoom> waiting_for_flow, waiting_for_local, waiting_for_store;
  std::size_t line_in_turn = 0;  // of these, which had its turn last
  IntrusiveList<Message, Message> overdue_messages;
  shard::Signal wake;           // the dispatcher
  shard::Signal changed;        // whoever waits for the end
  std::size_t flows = 0;        // flows, with those that open
  std::size_t local_flows = 0;  // of these, into mailboxes or nowhere ...
  std::size_t store_flows = 0;  // ... or of only_stored, which are counted apart
  std::size_t workers = 0;      // expiry and warnings
  std::size_t wakers = 0;       // that bring parked messages back
  bool parked_due = false;
  std::size_t errands = 0;  // slots being given back, lines being left, orders being carried out
  bool dispatching = false;
  bool draining = false;
  bool aborted = false;

  struct Figures {
    observe::Gauge flows, connections;
    observe::Counter bytes, connections_opened, connections_failed, connections_reused, messages,
        dns_failures, tls_fallbacks, lost, forwarded, overdue;
  } figures;
};

}  // namespace ringpost::deliver
