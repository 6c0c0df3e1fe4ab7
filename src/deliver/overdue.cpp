// The dates of a message: the report that it is late, and its end.
#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

constexpr mail::EnhancedStatus kExpired{4, 4, 7};

bool in_other_hands(const Job& job) {
  return job.place == Place::active || job.place == Place::settling;
}

// Why the job is still here, as far as anybody knows.
std::string reason_of(const Job& job, const Message& message) {
  if (message.owner.state_of(job) == JobState::held) return "held by the operator";
  if (job.destination->suspended) return "sending there is suspended by the operator";
  if (job.reason) return *job.reason;
  return job.destination->setback ? job.destination->setback->text() : "no attempt was possible yet";
}

Finding overdue_finding(std::uint32_t recipient, const std::string& reason, WallTime arrival, WallTime now) {
  const Duration age = std::chrono::floor<std::chrono::seconds>(now - arrival);
  return {recipient, Found::expired,
          our_word(kExpired, fmt::format("not delivered for {}: {}", to_string(age), reason))};
}

}  // namespace

Task<void> Service::State::work_on_overdue() {
  ++workers;
  while (!draining) {
    Message* message = overdue_messages.pop_front();
    if (message == nullptr) break;
    figures.overdue.add();
    queue.pin(*message);
    co_await attend(*message);
    queue.unpin(*message);
  }
  --workers;
  wake.notify_one();
}

// Afterwards its timer is armed, unless it has ended.
Task<void> Service::State::attend(Message& message) {
  const WallTime now = core.wall_now();
  if (now >= message.expiry || message.through)  // the client waits by another clock
    co_await expire(message);
  else if (message.warning != WallTime{} && now >= message.warning)
    co_await warn(message);
  else
    queue.watch(message);
}

// What is being sent right now may still arrive; it is looked at again soon.
Task<void> Service::State::expire(Message& message) {
  std::vector<Results::Part> ending;
  message.jobs.for_each([&](Job& job) {
    if (in_other_hands(job)) return;
    Results::Part part{&job, {}};
    const std::string reason = reason_of(job, message);
    for (const std::uint32_t recipient : job.recipients.view())
      part.findings.push_back(overdue_finding(recipient, reason, message.arrival, core.wall_now()));
    queue.seize(job);
    ending.push_back(std::move(part));
  });
  if (!ending.empty()) {
    const auto loaded = co_await parts.spool->load(message.id);
    if (loaded)
      co_await results.settle(std::move(ending), *loaded, {.counts = false}, parts.settings);
    else
      for (Results::Part& part : ending) results.settle_unreadable(*part.job, loaded.error());
  }
  queue.watch(message, kExpiryGrace);
}

Task<void> Service::State::warn(Message& message) {
  std::vector<std::pair<Job*, Queue::Former>> waiting;
  bool busy = false;
  message.jobs.for_each([&](Job& job) { busy = busy || in_other_hands(job); });
  if (busy) co_return queue.watch(message, kExpiryGrace);  // no news is better than old news
  std::vector<std::pair<Job*, std::string>> reasons;
  message.jobs.for_each([&](Job& job) {
    reasons.emplace_back(&job, reason_of(job, message));
    waiting.emplace_back(&job, queue.seize(job));
  });
  const bool told = co_await send_warning(message, reasons);
  if (told) message.warning = {};
  for (const auto& [job, former] : waiting) {
    if (told) record_warning(*job, former);
    queue.restore(*job, former);
  }
  queue.watch(message, told ? Duration{0} : kReportRetry);
}

Task<bool> Service::State::send_warning(Message& message,
                                        const std::vector<std::pair<Job*, std::string>>& reasons) {
  const auto loaded = co_await parts.spool->load(message.id);
  if (!loaded) co_return false;
  std::vector<Finding> findings;
  for (const auto& [job, reason] : reasons)
    for (const std::uint32_t recipient : job->recipients.view())
      if (mail::wants_report(loaded->envelope.recipient(recipient).notify, mail::DsnAction::delayed))
        findings.push_back({recipient, Found::deferred, our_word({4, 4, 7}, reason)});
  std::vector<mail::DsnRecipient> lines;
  for (const Finding& finding : findings) {
    lines.push_back(Reports::line(loaded->envelope, finding, {}, mail::DsnAction::delayed, core.wall_now()));
    lines.back().will_retry_until = message.expiry;
  }
  const auto sent = co_await reports.send(message.id, loaded->envelope, lines, parts.settings);
  co_return sent.has_value();
}

// Told once, over a restart too.
void Service::State::record_warning(const Job& job, Queue::Former former) {
  std::vector<spool::Outcome> outcomes;
  for (const std::uint32_t recipient : job.recipients.view())
    outcomes.push_back(
        {.recipient = recipient,
         .attempts = job.attempts,
         .next_attempt = former.place == Place::deferred ? queue.wall(former.due) : core.wall_now(),
         .code = job.code,
         .warned = true});
  parts.spool->record(job.message.id, outcomes);
}

}  // namespace ringpost::deliver
