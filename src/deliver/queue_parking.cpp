// Messages that go out of memory, and come back.
#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"
#include "ringpost/schedule/retry.hpp"

#include "flow.hpp"
#include "queue.hpp"

namespace ringpost::deliver {

std::uint32_t Queue::ready_max(const Destination& destination) const {
  const bool stuck = destination.suspended || destination.paused();
  return stuck && messages_.size() > kMessagesInMemory ? kReadyOfStuck : kReadyInMemory;
}

bool Queue::wants_refill(const Destination& destination) const {
  return destination.parked > 0 && destination.ready_count < kReadyInMemory / 2 && !destination.suspended &&
         !destination.paused();
}

// One job that only waits: for a time that is not near, behind more ready ones than are needed in memory, or for an
// operator. Nothing about it must be lost but the reason why it waits, of which the line keeps the newest.
std::optional<Queue::Rest> Queue::may_park(Message& message) const {
  if (unparking_ || message.job_count != 1 || static_cast<ListLink<Message>&>(message).linked())
    return std::nullopt;
  const Job& job = message.jobs.front();
  if (job.local || job.requeued || !parking_.has_room(job.recipients.size())) return std::nullopt;
  Rest rest{.until = message.expiry, .dated = true};
  if (message.warning != WallTime{}) rest.until = std::min(rest.until, message.warning);
  switch (job.place) {
    case Place::deferred:
      if (wall(job.deadline()) <= rest.until) rest = {.until = wall(job.deadline())};
      break;
    case Place::ready:
      if (job.destination->parked == 0 && job.destination->ready_count <= ready_max(*job.destination))
        return std::nullopt;
      break;
    case Place::held:
      break;
    case Place::active:
    case Place::settling:
      return std::nullopt;
  }
  return rest.until - wall_now() < kParkAfter ? std::nullopt : std::optional(rest);
}

void Queue::count_parked(const Parked& parked, std::int64_t sign) {
  gauge(parked.place())->add(sign * std::int64_t{parked.recipients});
}

void Queue::park(Message& message, Rest rest) {
  Job& job = message.jobs.front();
  Destination& destination = *job.destination;
  const bool ready = job.place == Place::ready;
  parking_.park({.id = message.id,
                 .arrival = message.arrival,
                 .wake = rest.until,
                 .recipients = job.recipients.size(),
                 .dated = rest.dated,
                 .place = job.place},
                destination.name, destination.domain, job.reason);
  leave(job);
  count_parked(*parking_.find(message.id), 1);
  figures_.parked.add(1);
  --destination.job_count;
  message.jobs.pop_front();
  delete &job;
  if (ready) ++destination.parked;
  core_.timers().disarm(message);
  messages_.erase(message.id.value);
  if (ready || destination.idle_altogether()) reactions_.work(destination);
  arm_sweep();
}

void Queue::forget_parked(MessageId id) {
  const Parked* parked = parking_.find(id);
  RP_ASSERT(parked != nullptr);
  const bool ready = parked->place() == Place::ready;
  count_parked(*parked, -1);
  figures_.parked.add(-1);
  figures_.messages.add(-1);
  const std::string name = ready ? parking_.line_of(*parked).destination : std::string();
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
  const bool ready = parking_.find(id)->place() == Place::ready;
  forget_parked(id);
  std::vector<spool::Outcome> due(outcomes.begin(), outcomes.end());
  if (ready)
    for (spool::Outcome& outcome : due) outcome.next_attempt = {};
  unparking_ = true;
  add(router, retry, id, envelope, due);
  unparking_ = false;
}

// ---- whose time comes

std::optional<MessageId> Queue::next_due(const schedule::RetryOptions& retry) {
  while (const auto id = parking_.due(wall_now()))
    if (!joins_line(*id, retry)) return id;
  return std::nullopt;
}

// Its attempt is near, and there is a line, or too much in memory already: it need not be read to stand in the line, which
// may be a minute early. It is looked at again at the next date that it may have.
bool Queue::joins_line(MessageId id, const schedule::RetryOptions& retry) {
  const Parked& parked = *parking_.find(id);
  if (parked.place() != Place::deferred || parked.dated != 0) return false;
  const auto found = destinations_.find(parking_.line_of(parked).destination);
  if (found == destinations_.end()) return false;
  Destination& destination = *found->second;
  const bool line = destination.parked > 0 || destination.ready_count > ready_max(destination);
  if (!line && messages_.size() <= kMessagesInMemory) return false;
  WallTime next{INT64_MAX};
  for (const WallTime date :
       {parked.arrived() + retry.warn_after, schedule::expiry(retry, parked.arrived(), false),
        schedule::expiry(retry, parked.arrived(), true)})
    if (date > wall_now()) next = std::min(next, date);
  if (next == WallTime{INT64_MAX} || next - wall_now() < kParkAfter) return false;
  count_parked(parked, -1);
  parking_.make_ready(id, next);
  count_parked(*parking_.find(id), 1);
  ++destination.parked;
  reactions_.work(destination);
  return true;
}

std::optional<MessageId> Queue::next_behind(const Destination& destination) {
  return parking_.front(destination.name);
}

void Queue::postpone(MessageId id, Duration wait) {
  parking_.postpone(id, wall_now() + wait);
  arm_sweep();
}

void Queue::sweep_parked() {
  parking_.sweep(wall_now());
  if (parking_.any_due()) reactions_.wake_parked();
  arm_sweep();
}

// Never later than it was.
void Queue::arm_sweep() {
  const auto next = parking_.next_sweep(wall_now());
  if (!next) return;
  const Instant at = core_.now() + (*next - wall_now());
  if (!sweep_.armed() || at < sweep_.deadline()) core_.timers().arm(sweep_, at);
}

JobState Queue::state_of(const Parked& parked) const {
  switch (parked.place()) {
    case Place::deferred:
      return JobState::deferred;
    case Place::held:
      return JobState::held;
    default:
      return state_of(parking_.line_of(parked));
  }
}

JobState Queue::state_of(const Parking::Line& line) const {
  const auto found = destinations_.find(line.destination);
  if (found == destinations_.end()) return JobState::ready;
  if (found->second->suspended) return JobState::suspended;
  return found->second->paused() ? JobState::deferred : JobState::ready;
}

}  // namespace ringpost::deliver
