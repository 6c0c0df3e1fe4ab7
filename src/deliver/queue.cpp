#include "queue.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/schedule/retry.hpp"

#include "flow.hpp"

namespace ringpost::deliver {

Job::Job(Message& of, Destination& to)
    : Timer([](Timer& self) {
        Job& job = static_cast<Job&>(self);
        job.destination->owner.make_ready(job);
      }),
      message(of),
      destination(&to) {}

Message::Message(Queue& queue)
    : Timer([](Timer& self) {
        auto& message = static_cast<Message&>(self);
        message.owner.reactions_.overdue(message);
      }),
      owner(queue) {}

Queue::Queue(shard::Core& core, Reactions& reactions) : core_(core), reactions_(reactions) {
  auto& registry = core.figures();
  registry.add("deliver_recipients_ready", "Recipients that wait for a connection.", figures_.ready);
  registry.add("deliver_recipients_active", "Recipients that are being sent to.", figures_.active);
  registry.add("deliver_recipients_deferred", "Recipients that wait for their next attempt.",
               figures_.deferred);
  registry.add("deliver_recipients_held", "Recipients that an operator holds.", figures_.held);
  registry.add("deliver_destinations", "Destinations with mail, connections or a pause.",
               figures_.destinations);
  registry.add("deliver_slots_waiting", "Destinations that wait for a connection slot.",
               figures_.slots_waiting);
  registry.add("deliver_messages", "Messages in the queue.", figures_.messages);
  registry.add("deliver_messages_parked", "Of these, those of which hardly anything is in memory.",
               figures_.parked);
  registry.add("deliver_parked_bytes", "Memory of the table of those.", figures_.parked_bytes);
}

// What is left at the end stays in the spool; only memory is given back.
Queue::~Queue() {
  core_.timers().disarm(sweep_);
  for (auto& [id, message] : messages_)
    while (Job* job = message->jobs.pop_front()) delete job;
}

// ---- messages

Message* Queue::find(MessageId id) {
  const auto found = messages_.find(id.value);
  return found == messages_.end() ? nullptr : found->second.get();
}

Message& Queue::find_or_add(const schedule::RetryOptions& retry, MessageId id,
                            const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes) {
  std::unique_ptr<Message>& slot = messages_[id.value];
  if (slot) return *slot;
  slot = std::make_unique<Message>(*this);
  slot->id = id;
  slot->arrival = envelope.facts().arrival;
  slot->through = envelope.facts().durability == mail::Durability::through;
  if (slot->through) slot->answer_due = core_.now() + kPassingMax;
  slot->released = (envelope.facts().flags & mail::kQuarantined) != 0;
  if (slot->released) slot->expiry = envelope.facts().expiry;
  figures_.messages.add(1);
  set_dates(*slot, retry, envelope.reverse_path().empty(),
            std::ranges::any_of(outcomes, [](const spool::Outcome& outcome) { return outcome.warned; }));
  return *slot;
}

void Queue::set_dates(Message& message, const schedule::RetryOptions& retry, bool report, bool warned) {
  if (message.through) {
    message.expiry = message.arrival + kPassingMax;
    return watch(message);
  }
  if (!message.released) message.expiry = schedule::expiry(retry, message.arrival, report);
  const bool warns = !message.released && retry.warn_after > Duration{0} && !report && !warned;
  message.warning = warns ? message.arrival + retry.warn_after : WallTime{};
  watch(message);
}

void Queue::watch(Message& message, Duration grace) {
  const Instant now = core_.now();
  if (message.through) return core_.timers().arm(message, std::max(message.answer_due, now + grace));
  WallTime date = message.expiry;
  if (message.warning != WallTime{}) date = std::min(date, message.warning);
  core_.timers().arm(message, now + std::max(date - core_.wall_now(), grace));
}

void Queue::unpin(Message& message) {
  RP_ASSERT(message.pins > 0);
  --message.pins;
  if (message.pins > 0) return;
  if (message.job_count > 0) {
    if (const auto rest = may_park(message)) park(message, *rest);
    return;
  }
  held_.erase(message.id.value);
  figures_.messages.add(-1);
  messages_.erase(message.id.value);
}

void Queue::add(const Router& router, const schedule::RetryOptions& retry, MessageId id,
                const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes,
                const Wanted& wanted) {
  RP_ASSERT(outcomes.size() == envelope.recipient_count());
  Message& message = find_or_add(retry, id, envelope, outcomes);
  pin(message);
  for (const spool::Outcome& outcome : outcomes) {
    if (outcome.state != spool::RecipientState::pending || (wanted && !wanted(outcome.recipient))) continue;
    const std::string_view address = envelope.recipient(outcome.recipient).address;
    const std::string_view domain = mail::split_address(address).domain;
    const bool by_rule = (!hold_rules_.empty() && hold_rules_.holds(id, envelope, outcome.recipient)) ||
                         std::ranges::binary_search(held_while_parked_, outcome.recipient);
    gather(message, destination(router.find(domain), domain, address), outcome, by_rule);
  }
  for (Gathered& gathered : gathered_) {
    gathered.job->destination->gathered = 0;
    gathered.job->recipients.assign(gathered.recipients);
    place(*gathered.job, gathered.due);
  }
  gathered_.clear();
  unpin(message);
}

// One job for each destination; recipients that are due at another time, or held, have one of their own.
void Queue::gather(Message& message, Destination& destination, const spool::Outcome& outcome,
                   bool held_by_rule) {
  if (destination.gathered != 0) {
    Gathered& newest = gathered_[destination.gathered - 1];
    if (newest.due == outcome.next_attempt && newest.held_by_rule == held_by_rule) {
      newest.recipients.push_back(outcome.recipient);
      return;
    }
  }
  Job& job = add_job(message, destination);
  job.attempts = outcome.attempts;
  job.code = outcome.code;
  job.held_by_rule = held_by_rule;
  gathered_.push_back({&job, outcome.next_attempt, held_by_rule, {outcome.recipient}});
  destination.gathered = gathered_.size();
}

void Queue::place(Job& job, WallTime due) {
  const Duration wait = due - core_.wall_now();
  if (held(job)) {
    enter(job, Place::held);
  } else if (wait > Duration{0}) {
    defer(job, wait);
  } else {
    make_ready(job);
  }
}

// ---- jobs

Job& Queue::add_job(Message& message, Destination& destination) {
  auto* job = new Job(message, destination);  // owned by its message; deleted by finish()
  message.jobs.push_back(*job);
  ++message.job_count;
  ++destination.job_count;
  if (message.through) ++destination.passing;
  return *job;
}

observe::Gauge* Queue::gauge(Place place) {
  switch (place) {
    case Place::ready:
      return &figures_.ready;
    case Place::deferred:
      return &figures_.deferred;
    case Place::active:
      return &figures_.active;
    case Place::held:
      return &figures_.held;
    case Place::settling:
      break;
  }
  return nullptr;
}

void Queue::enter(Job& job, Place place) {
  RP_ASSERT(job.place == Place::settling);
  job.place = place;
  if (observe::Gauge* figure = gauge(place)) figure->add(job.recipients.size());
}

// Into the hands of the caller.
void Queue::leave(Job& job) {
  if (observe::Gauge* figure = gauge(job.place)) figure->add(-std::int64_t{job.recipients.size()});
  if (job.place == Place::ready) {
    static_cast<ListLink<Destination>&>(job).unlink();
    --job.destination->ready_count;
  }
  core_.timers().disarm(job);
  job.place = Place::settling;
}

Job* Queue::take(Destination& destination, std::uint32_t recipients_max) {
  if (destination.ready_count == 0) return nullptr;
  Job& job = destination.put_off.empty() ? destination.ready.front() : destination.put_off.front();
  leave(job);
  if (job.recipients.size() > recipients_max) {
    const std::vector<std::uint32_t> all(job.recipients.view().begin(), job.recipients.view().end());
    Job& rest = split(job, std::span(all).subspan(recipients_max));
    make_ready(rest);
  }
  enter(job, Place::active);
  if (wants_refill(destination)) reactions_.work(destination);
  return &job;
}

Queue::Former Queue::seize(Job& job) {
  const Former former{job.place, job.deadline()};
  leave(job);
  return former;
}

void Queue::restore(Job& job, Former former) {
  switch (former.place) {
    case Place::deferred:
      return defer(job, former.due - core_.now());
    case Place::held:
      return hold(job);
    default:
      return make_ready(job);
  }
}

void Queue::make_ready(Job& job, bool in_front) {
  leave(job);
  enter(job, Place::ready);
  Destination& destination = *job.destination;
  if (!in_front)
    destination.ready.push_back(job);
  else if (destination.paused() || destination.put_off.empty())
    destination.ready.push_front(job);
  else
    destination.put_off.push_front(job);
  ++destination.ready_count;
  reactions_.work(destination);
}

void Queue::defer(Job& job, Duration wait) {
  leave(job);
  enter(job, Place::deferred);
  core_.timers().arm(job, core_.now() + wait);
}

void Queue::hold(Job& job) {
  leave(job);
  enter(job, Place::held);
  if (!held(job)) held_.emplace(job.message.id.value, job.destination->name);
}

void Queue::forget_hold(MessageId id, const std::string& destination) {
  const auto [first, last] = held_.equal_range(id.value);
  for (auto entry = first; entry != last;)
    entry = entry->second.empty() || entry->second == destination ? held_.erase(entry) : std::next(entry);
}

bool Queue::held(const Job& job) const {
  return job.held_by_rule || held_one_by_one(job.message.id, job.destination->name);
}

bool Queue::held_one_by_one(MessageId id, const std::string& destination) const {
  if (held_.empty()) return false;
  const auto [first, last] = held_.equal_range(id.value);
  return std::any_of(first, last,
                     [&](const auto& entry) { return entry.second.empty() || entry.second == destination; });
}

Job& Queue::split(Job& job, std::span<const std::uint32_t> recipients) {
  RP_ASSERT(job.place == Place::settling);
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t recipient : job.recipients.view())
    if (std::ranges::find(recipients, recipient) == recipients.end()) kept.push_back(recipient);
  Job& other = add_job(job.message, *job.destination);
  other.recipients.assign(recipients);
  other.reason = job.reason;
  other.attempts = job.attempts;
  other.code = job.code;
  other.held_by_rule = job.held_by_rule;
  job.recipients.assign(kept);
  return other;
}

void Queue::move(Job& job, Destination& destination) {
  leave(job);
  Destination& before = *job.destination;
  --before.job_count;
  ++destination.job_count;
  if (job.message.through) {
    --before.passing;
    ++destination.passing;
  }
  job.destination = &destination;
  reactions_.work(before);
}

void Queue::finish(Job& job) {
  leave(job);
  Message& message = job.message;
  Destination& destination = *job.destination;
  --message.job_count;
  --destination.job_count;
  if (message.through) --destination.passing;
  delete &job;
  if (destination.idle_altogether()) reactions_.work(destination);
  pin(message);
  unpin(message);
}

JobState Queue::state_of(const Job& job) const {
  switch (job.place) {
    case Place::active:
    case Place::settling:
      return JobState::active;
    case Place::held:
      return JobState::held;
    case Place::deferred:
      return JobState::deferred;
    case Place::ready:
      break;
  }
  if (job.destination->suspended) return JobState::suspended;
  return job.destination->paused() ? JobState::deferred : JobState::ready;
}

}  // namespace ringpost::deliver
