#include "results.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/schedule/retry.hpp"

#include "passing.hpp"

namespace ringpost::deliver {

namespace {

constexpr mail::EnhancedStatus kExpired{4, 4, 7};  // RFC 3463: delivery time expired

bool failed(Found found) {
  return found == Found::failed || found == Found::expired;
}

spool::RecipientState state_of(Found found) {
  switch (found) {
    case Found::delivered:
      return spool::RecipientState::delivered;
    case Found::failed:
      return spool::RecipientState::bounced;
    case Found::expired:
      return spool::RecipientState::expired;
    case Found::cancelled:
      return spool::RecipientState::cancelled;
    case Found::deferred:
    case Found::undecided:
      break;
  }
  return spool::RecipientState::pending;
}

observe::EventType event_of(Found found) {
  switch (found) {
    case Found::delivered:
      return observe::EventType::delivered;
    case Found::failed:
      return observe::EventType::bounced;
    case Found::expired:
      return observe::EventType::expired;
    case Found::cancelled:
      return observe::EventType::cancelled;
    case Found::deferred:
    case Found::undecided:
      break;
  }
  return observe::EventType::deferred;
}

}  // namespace

Results::Results(shard::Core& core, spool::Spool& spool, Queue& queue, Reports& reports,
                 intake::Passages& passages)
    : core_(core), spool_(spool), queue_(queue), reports_(reports), passages_(passages) {
  auto& registry = core.figures();
  registry.add("deliver_recipients_delivered", "Recipients delivered to.", figures_.delivered);
  registry.add("deliver_recipients_deferrals", "Attempts after which a recipient waits again.",
               figures_.deferred);
  registry.add("deliver_jobs_put_off",
               "Untried mail that waits for a destination that failed, for each pause.", figures_.put_off);
  registry.add("deliver_recipients_bounced", "Recipients refused for good.", figures_.bounced);
  registry.add("deliver_recipients_expired", "Recipients given up for their age.", figures_.expired);
  registry.add("deliver_recipients_cancelled", "Recipients ended by an operator.", figures_.cancelled);
  registry.add("deliver_unreadable", "Attempts that failed because the spool could not be read.",
               figures_.unreadable);
  registry.add("deliver_recipients_passed_on", "Recipients at level through that the next hop took.",
               figures_.passed_on);
  registry.add("deliver_recipients_turned_back",
               "Recipients at level through that it did not take, as their client heard.",
               figures_.turned_back);
  registry.add("deliver_delay_ns", "From arrival to delivery.", figures_.delay);
}

Task<void> Results::settle(std::vector<Part> parts, const spool::Spool::Loaded& loaded, Attempt attempt,
                           std::shared_ptr<const Settings> settings) {
  Message& message = parts.front().job->message;
  queue_.pin(message);
  if (message.through) {
    for (Part& part : parts) answer_part(part, loaded, attempt);
    co_return queue_.unpin(message);
  }
  if (core_.wall_now() >= message.expiry) {  // too old to wait again
    for (Part& part : parts)
      for (Finding& finding : part.findings)
        if (finding.found == Found::deferred) finding.found = Found::expired;
  }
  co_await report_failures(message.id, parts, loaded.envelope, attempt, settings);
  co_await report_successes(message.id, parts, loaded.envelope, attempt, settings);
  for (Part& part : parts) finish_part(part, loaded, attempt, *settings);
  queue_.unpin(message);
}

// Until its report is durable a failure has not happened: the recipient waits, and fails again.
Task<void> Results::report_failures(MessageId id, std::vector<Part>& parts,
                                    const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                                    std::shared_ptr<const Settings> settings) {
  std::vector<mail::DsnRecipient> lines;
  for (const Part& part : parts) {
    for (const Finding& finding : part.findings) {
      if (!failed(finding.found)) continue;
      // What the sender wished does not bind who minds a list.
      if (attempt.report_to.empty() &&
          !mail::wants_report(envelope.recipient(finding.recipient).notify, mail::DsnAction::failed))
        continue;
      lines.push_back(Reports::line(envelope, finding, attempt, mail::DsnAction::failed, core_.wall_now()));
      if (finding.found == Found::expired && !lines.back().status.given()) lines.back().status = kExpired;
    }
  }
  if (lines.empty()) co_return;
  const auto sent = co_await reports_.send(id, envelope, lines, settings, attempt.report_to);
  if (sent) co_return;
  for (Part& part : parts) {
    for (Finding& finding : part.findings) {
      if (!failed(finding.found)) continue;
      finding.found = Found::deferred;
      finding.reply = our_word({4, 3, 0}, sent.error().text);
    }
  }
}

// The mail has arrived whether or not the report can be stored, so this cannot fail.
Task<void> Results::report_successes(MessageId id, const std::vector<Part>& parts,
                                     const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                                     std::shared_ptr<const Settings> settings) {
  if (attempt.next_hop_reports) co_return;
  std::vector<mail::DsnRecipient> lines;
  for (const Part& part : parts) {
    for (const Finding& finding : part.findings) {
      if (finding.found != Found::delivered) continue;
      if (mail::wants_report(envelope.recipient(finding.recipient).notify, attempt.success))
        lines.push_back(Reports::line(envelope, finding, attempt, attempt.success, core_.wall_now()));
    }
  }
  if (!lines.empty()) (void)co_await reports_.send(id, envelope, lines, settings);
}

void Results::finish_part(Part& part, const spool::Spool::Loaded& loaded, const Attempt& attempt,
                          const Settings& settings) {
  Job& job = *part.job;
  if (attempt.counts && job.attempts < UINT16_MAX) ++job.attempts;
  const Duration wait = schedule::spread_interval(settings.retry, job.attempts, core_.random());
  const WallTime next = core_.wall_now() + wait;
  record(part, loaded, next);
  for (const Finding& finding : part.findings)
    if (finding.found != Found::undecided) announce(job, loaded.envelope, attempt, finding, next);
  put_back(job, part.findings, wait);
}

// At level through the first attempt is the only one, and its result is the client's: what failed is the client's again, so
// there is no report and nothing waits.
void Results::answer_part(Part& part, const spool::Spool::Loaded& loaded, const Attempt& attempt) {
  Job& job = *part.job;
  const MessageId id = job.message.id;
  if (attempt.counts && job.attempts < UINT16_MAX) ++job.attempts;
  std::vector<Finding> decided, undecided;
  for (Finding& finding : part.findings)
    (finding.found == Found::undecided ? undecided : decided).push_back(std::move(finding));
  put_back(job, undecided, Duration{0});
  for (const Finding& finding : decided) {
    announce_passing(id, loaded.envelope, attempt, finding);
    answer(id, finding);
  }
}

void Results::answer(MessageId id, const Finding& finding) {
  const spool::Outcome outcome{.recipient = finding.recipient,
                               .state = finding.found == Found::delivered ? spool::RecipientState::delivered
                                                                          : spool::RecipientState::cancelled,
                               .code = static_cast<std::uint16_t>(finding.reply.code)};
  spool_.record(id, std::span(&outcome, 1));
  (finding.found == Found::delivered ? figures_.passed_on : figures_.turned_back).add();
  passages_.decide(id, finding.recipient, answer_of(finding, id));
}

void Results::answer_unreadable(Job& job, const Error& error) {
  const MessageId id = job.message.id;
  const std::vector<Finding> findings =
      for_all(job.recipients.view(), Found::deferred, our_word({4, 3, 0}, error.text));
  queue_.finish(job);
  for (const Finding& finding : findings) answer(id, finding);
}

void Results::record(const Part& part, const spool::Spool::Loaded& loaded, WallTime next) {
  outcomes_.clear();
  for (const Finding& finding : part.findings) {
    if (finding.found == Found::undecided) continue;
    const spool::RecipientState state = state_of(finding.found);
    outcomes_.push_back({.recipient = finding.recipient,
                         .state = state,
                         .attempts = part.job->attempts,
                         .next_attempt = state == spool::RecipientState::pending ? next : WallTime{},
                         .code = static_cast<std::uint16_t>(finding.reply.code),
                         .warned = loaded.outcomes[finding.recipient].warned});
  }
  if (!outcomes_.empty()) spool_.record(part.job->message.id, outcomes_);
}

void Results::count(Found found, Duration age) {
  switch (found) {
    case Found::delivered:
      figures_.delivered.add();
      figures_.delay.record(static_cast<std::uint64_t>(std::max(age, Duration{0}).count()));
      break;
    case Found::failed:
      return figures_.bounced.add();
    case Found::expired:
      return figures_.expired.add();
    case Found::cancelled:
      return figures_.cancelled.add();
    case Found::deferred:
    case Found::undecided:
      return figures_.deferred.add();
  }
}

namespace {

// What all lines of one attempt have in common.
void add_attempt(observe::EventBuilder& event, const Attempt& attempt, const mail::Reply& reply) {
  using enum observe::EventKey;
  if (!attempt.route.empty()) event.add(route, attempt.route);
  if (!attempt.remote.empty()) event.add(remote, attempt.remote);
  if (!attempt.remote_host.empty()) event.add(remote_host, attempt.remote_host);
  if (!attempt.tls.empty()) event.add(tls, attempt.tls);
  if (reply.code != 0) event.add(code, static_cast<std::uint64_t>(reply.code));
  if (reply.status.given()) event.add(enhanced_status, mail::to_string(reply.status));
  if (!reply.text.empty()) event.add(text, reply.text);
}

}  // namespace

void Results::announce_put_off(const Job& job, const Setback& setback, WallTime next) {
  figures_.put_off.add();
  using enum observe::EventKey;
  auto event = core_.events().begin(observe::EventType::deferred, core_.wall_now());
  event.add(queue_id, job.message.id)
      .add(recipient_count, std::uint64_t{job.recipients.size()})
      .add(delay, core_.wall_now() - job.message.arrival)
      .add(attempts, std::uint64_t{job.attempts})
      .add(reason, "not tried: its destination has failed");
  add_attempt(event, setback.attempt, setback.reply);
  event.add(next_attempt, static_cast<std::uint64_t>(next.seconds())).finish();
}

void Results::announce_passing(MessageId id, const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                               const Finding& finding) {
  const bool taken = finding.found == Found::delivered;
  const Duration age = core_.wall_now() - envelope.facts().arrival;
  if (taken) count(finding.found, age);
  using enum observe::EventKey;
  auto event = core_.events().begin(taken ? observe::EventType::delivered : observe::EventType::rejected,
                                    core_.wall_now());
  event.add(queue_id, id)
      .add(recipient, envelope.recipient(finding.recipient).address)
      .add(sender, envelope.reverse_path())
      .add(delay, age)
      .add(durability, mail::to_string(envelope.facts().durability));
  add_attempt(event, attempt, finding.reply);
  event.finish();
}

void Results::announce(const Job& job, const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                       const Finding& finding, WallTime next) {
  const Duration age = core_.wall_now() - job.message.arrival;
  count(finding.found, age);
  using enum observe::EventKey;
  auto event = core_.events().begin(event_of(finding.found), core_.wall_now());
  event.add(queue_id, job.message.id)
      .add(recipient, envelope.recipient(finding.recipient).address)
      .add(sender, envelope.reverse_path())
      .add(delay, age)
      .add(attempts, std::uint64_t{job.attempts});
  add_attempt(event, attempt, finding.reply);
  if (finding.found == Found::deferred) event.add(next_attempt, static_cast<std::uint64_t>(next.seconds()));
  event.finish();
}

void Results::put_back(Job& job, const std::vector<Finding>& findings, Duration wait) {
  std::vector<std::uint32_t> waiting, undecided;
  const Finding* last = nullptr;
  for (const Finding& finding : findings) {
    if (finding.found == Found::undecided) undecided.push_back(finding.recipient);
    if (finding.found != Found::deferred) continue;
    waiting.push_back(finding.recipient);
    last = &finding;
  }
  if (waiting.empty() && undecided.empty()) return queue_.finish(job);
  queue_.seize(job);
  Job* again = nullptr;
  if (!undecided.empty()) {
    again = waiting.empty() ? &job : &queue_.split(job, undecided);
    again->recipients.assign(undecided);
    again->requeued = true;
  }
  if (!waiting.empty()) {
    job.recipients.assign(waiting);
    job.code = static_cast<std::uint16_t>(last->reply.code);
    job.reason = std::make_shared<const std::string>(last->reply.code != 0 ? mail::to_string(last->reply)
                                                                           : last->reply.text);
    job.requeued = false;
    queue_.defer(job, wait);
  }
  if (again != nullptr) queue_.make_ready(*again, true);
}

void Results::announce_unreadable(MessageId id, const Error& error) {
  figures_.unreadable.add();
  core_.events()
      .begin(observe::EventType::notice, core_.wall_now())
      .add(observe::EventKey::severity, error.kind == ErrorKind::permanent ? "error" : "warning")
      .add(observe::EventKey::queue_id, id)
      .add(observe::EventKey::text, error.text)
      .finish();
}

void Results::give_up(MessageId id) {
  outcomes_.clear();
  for (std::uint32_t recipient = 0; recipient < mail::kRecipientsMax; ++recipient)
    outcomes_.push_back({.recipient = recipient, .state = spool::RecipientState::expired});
  figures_.expired.add();
  spool_.record(id, outcomes_);
}

// The envelope is gone with the rest, so nobody can be told; the log must do.
void Results::settle_unreadable(Job& job, const Error& error) {
  announce_unreadable(job.message.id, error);
  if (job.message.through) return answer_unreadable(job, error);
  if (core_.wall_now() < job.message.expiry) {
    job.reason = std::make_shared<const std::string>(error.text);
    return queue_.defer(job, error.kind == ErrorKind::permanent ? kUnreadableRetry : kNoMemoryRetry);
  }
  outcomes_.clear();
  for (const std::uint32_t recipient : job.recipients.view())
    outcomes_.push_back(
        {.recipient = recipient, .state = spool::RecipientState::expired, .attempts = job.attempts});
  figures_.expired.add(outcomes_.size());
  spool_.record(job.message.id, outcomes_);
  queue_.finish(job);
}

}  // namespace ringpost::deliver
