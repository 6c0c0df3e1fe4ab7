// Messages that go out of memory, and come back.
#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"

#include "flow.hpp"
#include "queue.hpp"

namespace ringpost::deliver {

// One job that only waits: for a time that is not near, or behind more ready ones than are needed in memory. Nothing about
// it must be lost but the reason why it waits, of which the line keeps the newest.
std::optional<WallTime> Queue::may_park(Message& message) const {
  if (unparking_ || message.job_count != 1 || static_cast<ListLink<Message>&>(message).linked())
    return std::nullopt;
  const Job& job = message.jobs.front();
  if (job.local || job.requeued || held(job)) return std::nullopt;
  WallTime wake = message.expiry;
  if (message.warning != WallTime{}) wake = std::min(wake, message.warning);
  if (job.place == Place::deferred)
    wake = std::min(wake, wall(job.deadline()));
  else if (job.place != Place::ready ||
           (job.destination->parked == 0 && job.destination->ready_count <= kReadyInMemory))
    return std::nullopt;
  return wake - wall_now() < kParkAfter ? std::nullopt : std::optional(wake);
}

void Queue::park(Message& message, WallTime wake) {
  Job& job = message.jobs.front();
  Destination& destination = *job.destination;
  const bool ready = job.place == Place::ready;
  parking_.park({.id = message.id,
                 .arrival = message.arrival,
                 .wake = wake,
                 .recipients = job.recipients.size(),
                 .ready = ready},
                destination.name, job.reason);
  leave(job);
  gauge(ready ? Place::ready : Place::deferred)->add(parking_.find(message.id)->recipients);
  figures_.parked.add(1);
  --destination.job_count;
  message.jobs.pop_front();
  delete &job;
  if (ready) ++destination.parked;
  core_.timers().disarm(message);
  messages_.erase(message.id.value);
  if (ready || destination.idle_altogether()) reactions_.work(destination);
  arm_wake();
}

void Queue::forget_parked(MessageId id) {
  const Parked* parked = parking_.find(id);
  RP_ASSERT(parked != nullptr);
  const bool ready = parked->ready != 0;
  gauge(ready ? Place::ready : Place::deferred)->add(-std::int64_t{parked->recipients});
  figures_.parked.add(-1);
  figures_.messages.add(-1);
  const std::string name = parking_.line_of(*parked).destination;
  parking_.take(id);
  if (!ready) return;
  const auto found = destinations_.find(name);
  RP_ASSERT(found != destinations_.end() && found->second->parked > 0);
  --found->second->parked;
  if (found->second->idle_altogether()) reactions_.work(*found->second);
}

void Queue::drop_parked(MessageId id) {
  forget_parked(id);
  held_.erase(id.value);
}

void Queue::unpark(const Router& router, const schedule::RetryOptions& retry, MessageId id,
                   const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes) {
  const bool ready = parking_.find(id)->ready != 0;
  forget_parked(id);
  std::vector<spool::Outcome> due(outcomes.begin(), outcomes.end());
  if (ready)
    for (spool::Outcome& outcome : due) outcome.next_attempt = {};
  unparking_ = true;
  add(router, retry, id, envelope, due);
  unparking_ = false;
}

std::optional<MessageId> Queue::next_due() {
  const auto due = parking_.due(wall_now());
  if (!due) arm_wake();
  return due;
}

std::optional<MessageId> Queue::next_behind(const Destination& destination) {
  return parking_.front(destination.name);
}

void Queue::postpone(MessageId id, Duration wait) {
  parking_.postpone(id, wall_now() + wait);
  arm_wake();
}

void Queue::arm_wake() {
  const auto wake = parking_.next_wake();
  if (!wake) return core_.timers().disarm(wake_);
  core_.timers().arm(wake_, core_.now() + std::max(*wake - wall_now(), Duration{0}));
}

JobState Queue::state_of(const Parked& parked) const {
  return parked.ready == 0 ? JobState::deferred : state_of(parking_.line_of(parked));
}

JobState Queue::state_of(const Parking::Line& line) const {
  const auto found = destinations_.find(line.destination);
  if (found == destinations_.end()) return JobState::ready;
  if (found->second->suspended) return JobState::suspended;
  return found->second->paused() ? JobState::deferred : JobState::ready;
}

}  // namespace ringpost::deliver
