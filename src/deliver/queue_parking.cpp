// Messages that go out of memory, and come back.
#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/address.hpp"
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

// A job that only waits: for a time that is not near, behind more ready ones than are needed in memory, or for an
// operator. Nothing about it must be lost but the reason why it waits, of which the line keeps the newest.
bool Queue::only_waits(const Job& job) const {
  if (job.local || job.requeued) return false;
  switch (job.place) {
    case Place::deferred:
    case Place::held:
      return true;
    case Place::ready:
      return job.destination->parked > 0 || job.destination->ready_count > ready_max(*job.destination);
    case Place::active:
    case Place::settling:
      break;
  }
  return false;
}

// All its jobs only wait.
std::optional<Queue::Rest> Queue::may_park(Message& message) const {
  if (message.through || unparking_ || nobody_parks_ != 0 || message.job_count == 0 ||
      message.job_count > kPartsParkedMax || static_cast<ListLink<Message>&>(message).linked() ||
      !parking_.has_room(message.job_count))
    return std::nullopt;
  Rest rest{.until = message.expiry, .dated = true};
  if (message.warning != WallTime{}) rest.until = std::min(rest.until, message.warning);
  bool all_wait = true;
  message.jobs.for_each([&](Job& job) {
    all_wait = all_wait && only_waits(job);
    if (job.place == Place::deferred && wall(job.deadline()) <= rest.until)
      rest = {.until = wall(job.deadline())};
  });
  return !all_wait || rest.until - wall_now() < kParkAfter ? std::nullopt : std::optional(rest);
}

void Queue::note_parked(std::int64_t sign) {
  figures_.parked.add(sign);
  figures_.parked_bytes.set(static_cast<std::int64_t>(parking_.memory()));
}

void Queue::count_parked(const Parked& parked, std::int64_t sign) {
  parking_.for_each_part(parked, [&](const ParkedPart& part) {
    gauge(part.place())->add(sign * std::int64_t{part.recipients});
  });
}

void Queue::park(Message& message, Rest rest) {
  std::vector<Parking::GuestPart> parts;
  message.jobs.for_each([&](Job& job) {
    parts.push_back({.destination = job.destination->name,
                     .domain = job.destination->domain,
                     .reason = job.reason,
                     .recipients = job.recipients.size(),
                     .place = job.place,
                     .due_when_released = job.place == Place::held});
  });
  const MessageId id = message.id;
  parking_.park({.id = id, .arrival = message.arrival, .wake = rest.until, .dated = rest.dated}, parts);
  while (Job* job = message.jobs.pop_front()) {
    Destination& destination = *job->destination;
    const bool ready = job->place == Place::ready;
    leave(*job);
    --destination.job_count;
    delete job;
    if (ready) ++destination.parked;
    if (ready || destination.idle_altogether()) reactions_.work(destination);
  }
  count_parked(*parking_.find(id), 1);
  note_parked(1);
  core_.timers().disarm(message);
  messages_.erase(id.value);
  arm_sweep();
}

// As add() and park() do one after the other, for what is usual: recipients of one domain who are due at one time that is
// not near. No job is made for them.
bool Queue::add_parked(const Router& router, const schedule::RetryOptions& retry, MessageId id,
                       const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes) {
  if (held_.contains(id.value) || (envelope.facts().flags & mail::kQuarantined) != 0 ||
      !parking_.has_room(1) || find(id) != nullptr)
    return false;
  const spool::Outcome* first = nullptr;
  std::string_view domain;
  std::uint32_t recipients = 0;
  bool warned = false, held = false;
  for (const spool::Outcome& outcome : outcomes) {
    warned = warned || outcome.warned;
    if (outcome.state != spool::RecipientState::pending) continue;
    const std::string_view of = mail::split_address(envelope.recipient(outcome.recipient).address).domain;
    const bool by_rule = !hold_rules_.empty() && hold_rules_.holds(id, envelope, outcome.recipient);
    if (first == nullptr) {
      first = &outcome;
      domain = of;
      held = by_rule;
    }
    if (outcome.next_attempt != first->next_attempt || of != domain || by_rule != held) return false;
    ++recipients;
  }
  if (first == nullptr || first->next_attempt - wall_now() < kParkAfter) return false;
  const Route& route = router.find(domain);
  if (route.via == Via::mailbox) return false;
  const WallTime arrival = envelope.facts().arrival;
  const bool report = envelope.reverse_path().empty();
  Rest rest{.until = schedule::expiry(retry, arrival, report), .dated = true};
  if (retry.warn_after > Duration{0} && !report && !warned)
    rest.until = std::min(rest.until, arrival + retry.warn_after);
  if (first->next_attempt <= rest.until) rest = {.until = first->next_attempt};
  if (rest.until - wall_now() < kParkAfter) return false;
  const std::string key = key_of(route, domain, {});
  const Parking::GuestPart part{.destination = key,
                                .domain = route.via == Via::mx ? domain : std::string_view{},
                                .reason = nullptr,
                                .recipients = recipients,
                                .place = held ? Place::held : Place::deferred};
  parking_.park({.id = id, .arrival = arrival, .wake = rest.until, .dated = rest.dated}, {&part, 1});
  count_parked(*parking_.find(id), 1);
  note_parked(1);
  figures_.messages.add(1);
  arm_sweep();
  return true;
}

void Queue::forget_parked(MessageId id) {
  const Parked* parked = parking_.find(id);
  RP_ASSERT(parked != nullptr);
  count_parked(*parked, -1);
  note_parked(-1);
  figures_.messages.add(-1);
  const auto lines = ready_lines(*parked);
  parking_.take(id);
  for (const std::string& name : lines) {
    const auto found = destinations_.find(name);
    RP_ASSERT(found != destinations_.end() && found->second->parked > 0);
    --found->second->parked;
    if (found->second->idle_altogether()) reactions_.work(*found->second);
  }
}

// The destinations in whose lines it stands, each once for each part.
std::vector<std::string> Queue::ready_lines(const Parked& parked) const {
  std::vector<std::string> names;
  parking_.for_each_part(parked, [&](const ParkedPart& part) {
    if (part.place() == Place::ready) names.push_back(parking_.line_of(part).destination);
  });
  return names;
}

std::optional<ParkedPart> Queue::part_of(const Parked& parked, const Router& router,
                                         std::string_view recipient) const {
  std::optional<ParkedPart> found, any;
  const std::string_view domain = mail::split_address(recipient).domain;
  std::string key;
  if (parked.is_several()) key = key_of(router.find(domain), domain, recipient);
  parking_.for_each_part(parked, [&](const ParkedPart& part) {
    if (!any) any = part;
    if (!found && parking_.line_of(part).destination == key) found = part;
  });
  return found ? found : any;
}

void Queue::drop_parked(MessageId id) {
  forget_parked(id);
  held_.erase(id.value);
}

void Queue::unpark(const Router& router, const schedule::RetryOptions& retry, MessageId id,
                   const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes) {
  const Parked& parked = *parking_.find(id);
  std::vector<spool::Outcome> due(outcomes.begin(), outcomes.end());
  bool all_deferred = true;
  parking_.for_each_part(parked, [&](const ParkedPart& part) {
    all_deferred = all_deferred && part.place() == Place::deferred;
  });
  for (spool::Outcome& outcome : due) {
    if (all_deferred) break;
    const auto part = part_of(parked, router, envelope.recipient(outcome.recipient).address);
    if (part->place() == Place::ready) outcome.next_attempt = {};
    if (part->place() == Place::held) held_while_parked_.push_back(outcome.recipient);
  }
  forget_parked(id);
  unparking_ = true;
  add(router, retry, id, envelope, due);
  unparking_ = false;
  held_while_parked_.clear();
}

// ---- whose time comes

std::optional<MessageId> Queue::next_due(const schedule::RetryOptions& retry) {
  while (const auto id = parking_.due(wall_now()))
    if (!rests_held(*id, retry) && !joins_line(*id, retry)) return id;
  return std::nullopt;
}

// The next date that it may have, as its envelope is not known; none when that is past or near.
std::optional<WallTime> Queue::next_date(const Parked& parked, const schedule::RetryOptions& retry) const {
  WallTime next{INT64_MAX};
  for (const WallTime date :
       {parked.arrived() + retry.warn_after, schedule::expiry(retry, parked.arrived(), false),
        schedule::expiry(retry, parked.arrived(), true)})
    if (date > wall_now()) next = std::min(next, date);
  if (next == WallTime{INT64_MAX} || next - wall_now() < kParkAfter) return std::nullopt;
  return next;
}

// Its attempt is near, and there is a line, or too much in memory already: it need not be read to stand in the line, which
// may be a minute early. It is looked at again at the next date that it may have.
bool Queue::joins_line(MessageId id, const schedule::RetryOptions& retry) {
  const Parked& parked = *parking_.find(id);
  if (parked.is_several() || parked.place() != Place::deferred || parked.dated != 0) return false;
  const auto found = destinations_.find(
      parking_.line_of({.line = parked.line, .in = parked.in, .recipients = parked.recipients}).destination);
  if (found == destinations_.end()) return false;
  Destination& destination = *found->second;
  const bool line = destination.parked > 0 || destination.ready_count > ready_max(destination);
  if (!line && messages_.size() <= kMessagesInMemory) return false;
  const auto next = next_date(parked, retry);
  if (!next) return false;
  count_parked(parked, -1);
  parking_.make_ready(id, *next);
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

JobState Queue::state_of(const ParkedPart& part) const {
  switch (part.place()) {
    case Place::deferred:
      return JobState::deferred;
    case Place::held:
      return JobState::held;
    default:
      return state_of(parking_.line_of(part));
  }
}

JobState Queue::state_of(const Parking::Line& line) const {
  const auto found = destinations_.find(line.destination);
  if (found == destinations_.end()) return JobState::ready;
  if (found->second->suspended) return JobState::suspended;
  return found->second->paused() ? JobState::deferred : JobState::ready;
}

}  // namespace ringpost::deliver
