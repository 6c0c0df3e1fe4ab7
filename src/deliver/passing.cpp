// Level through: a client waits for what becomes of its message, so there is one attempt, now. A message that would have to
// wait for anything but a connection is turned back.
#include "passing.hpp"

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

constexpr mail::EnhancedStatus kGoingDown{4, 3, 2};
constexpr mail::EnhancedStatus kSuspended{4, 3, 2};
constexpr mail::EnhancedStatus kHeldBack{4, 7, 1};
constexpr mail::EnhancedStatus kNoSuchWay{5, 7, 1};

mail::EnhancedStatus in_class(mail::EnhancedStatus status, std::uint16_t category) {
  if (!status.given()) return {category, 0, 0};
  status.category = category;
  return status;
}

mail::Reply going_down() {
  return our_word(kGoingDown, "the server is shutting down");
}

}  // namespace

mail::Reply answer_of(const Finding& finding, MessageId id) {
  const mail::Reply& said = finding.reply;
  switch (finding.found) {
    case Found::delivered:
      return {250, in_class(said.status, 2),
              said.text.empty() ? fmt::format("Ok: passed on as {}", to_string(id))
                                : fmt::format("Ok: passed on as {}: {}", to_string(id), said.text)};
    case Found::failed:
    case Found::cancelled:
      return {said.code >= 550 && said.code <= 559 ? said.code : 554, in_class(said.status, 5), said.text};
    case Found::deferred:
    case Found::expired:
    case Found::undecided:
      break;
  }
  return {said.code >= 450 && said.code <= 459 ? said.code : 451, in_class(said.status, 4), said.text};
}

bool Service::State::turns_back(const Destination& destination) const {
  return destination.passing > 0 && (draining || destination.suspended || destination.paused());
}

void Service::State::pass_on(const spool::Queued& message) {
  const mail::EnvelopeRecord& envelope = *message.envelope;
  std::vector<Finding> refused;
  std::vector<bool> wanted(message.outcomes.size());
  for (std::uint32_t i = 0; i < wanted.size(); ++i) {
    const Route& route =
        parts.settings->router.find(mail::split_address(envelope.recipient(i).address).domain);
    wanted[i] = !draining && route.via != Via::mailbox;
    if (draining)
      refused.push_back({i, Found::deferred, going_down()});
    else if (route.via == Via::mailbox)
      refused.push_back({i, Found::failed,
                         our_word(kNoSuchWay, "mail for mailboxes of this server does not come in here")});
  }
  if (refused.size() < wanted.size())
    queue.add(parts.settings->router, parts.settings->retry, message.id, envelope, message.outcomes,
              [&](std::uint32_t recipient) { return wanted[recipient]; });
  if (Message* added = queue.find(message.id)) turn_back_held(*added);
  const MessageId id = message.id;
  for (const Finding& finding : refused) results.announce_passing(id, envelope, {}, finding);
  for (const Finding& finding : refused) results.answer(id, finding);
}

void Service::State::turn_back_held(Message& message) {
  std::vector<Job*> held;
  message.jobs.for_each([&](Job& job) {
    if (job.place == Place::held) held.push_back(&job);
  });
  begin_turning_back(held, {.counts = false}, our_word(kHeldBack, "held by the operator"));
}

// Called while it is paused or suspended, or the server goes down.
void Service::State::turn_back_waiting(Destination& destination) {
  std::vector<Job*> waiting;
  for (auto* line : {&destination.ready, &destination.put_off})
    line->for_each([&](Job& job) {
      if (job.message.through) waiting.push_back(&job);
    });
  if (draining) return begin_turning_back(waiting, {.counts = false}, going_down());
  if (destination.suspended || !destination.setback)
    return begin_turning_back(waiting, {.route = destination.route.name, .counts = false},
                              our_word(kSuspended, "sending there is suspended by the operator"));
  Attempt attempt = destination.setback->attempt;
  attempt.counts = false;
  begin_turning_back(waiting, std::move(attempt), destination.setback->reply);
}

void Service::State::turn_back_all() {
  std::vector<Job*> waiting;
  for (const auto& [id, message] : queue.messages()) {
    if (!message->through) continue;
    message->jobs.for_each([&](Job& job) {
      if (job.place != Place::active && job.place != Place::settling) waiting.push_back(&job);
    });
  }
  begin_turning_back(waiting, {.counts = false}, going_down());
}

// From now on nobody else has them.
void Service::State::begin_turning_back(const std::vector<Job*>& jobs, Attempt attempt, mail::Reply why) {
  if (jobs.empty()) return;
  for (Job* job : jobs) queue.seize(*job);
  ++errands;
  core.spawn(turn_back(jobs, std::move(attempt), std::move(why)));
}

Task<void> Service::State::turn_back(std::vector<Job*> jobs, Attempt attempt, mail::Reply why) {
  for (Job* job : jobs) {
    const auto loaded = co_await parts.spool->load(job->message.id);
    if (!loaded) {
      results.settle_unreadable(*job, loaded.error());
      continue;
    }
    std::vector<Results::Part> ending;
    ending.push_back({job, for_all(job->recipients.view(), Found::deferred, why)});
    co_await results.settle(std::move(ending), *loaded, attempt, parts.settings);
  }
  --errands;
  wake.notify_one();
}

}  // namespace ringpost::deliver
