// What operators see of the queue.
#include <algorithm>

#include "ringpost/deliver/limits.hpp"

#include "selection.hpp"
#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

std::size_t age_class(Duration age) {
  std::size_t index = 0;
  while (index + 1 < kAgeBounds.size() && age > kAgeBounds[index]) ++index;
  return index;
}

DestinationSummary summarise(const Destination& destination, const Queue& queue) {
  DestinationSummary summary{.name = destination.name, .connections = destination.connected};
  if (destination.paused()) {
    summary.paused_until = queue.wall(destination.deadline());
    if (destination.setback) summary.problem = destination.setback->text();
  }
  return summary;
}

}  // namespace

QueueSummary Service::summary() const {
  const Queue& queue = state_->queue;
  QueueSummary summary{.messages = queue.message_count()};
  summary.refusing = to_string(state_->parts.spool->refusing());
  std::unordered_map<const Destination*, DestinationSummary> destinations;
  for (const auto& [id, message] : queue.messages()) {
    message->jobs.for_each([&](Job& job) {
      const std::uint64_t recipients = job.recipients.size();
      const auto state = static_cast<std::size_t>(queue.state_of(job));
      auto [entry, added] = destinations.try_emplace(job.destination);
      if (added) entry->second = summarise(*job.destination, queue);
      DestinationSummary& destination = entry->second;
      destination.recipients[state] += recipients;
      if (added || message->arrival < destination.oldest) destination.oldest = message->arrival;
      summary.recipients[state] += recipients;
      summary.ages[age_class(state_->core.wall_now() - message->arrival)] += recipients;
    });
  }
  for (auto& [key, destination] : destinations) summary.destinations.push_back(std::move(destination));
  std::ranges::sort(summary.destinations, {}, &DestinationSummary::name);
  return summary;
}

QueuedMessage Service::State::describe(MessageId id, const spool::Spool::Loaded& loaded) {
  const mail::EnvelopeRecord& envelope = loaded.envelope;
  QueuedMessage shown{.id = id,
                      .arrival = envelope.facts().arrival,
                      .sender = std::string(envelope.reverse_path()),
                      .size = envelope.facts().body.size};
  for (const spool::Outcome& outcome : loaded.outcomes)
    shown.recipients.push_back({.address = std::string(envelope.recipient(outcome.recipient).address),
                                .outcome = outcome.state,
                                .attempts = outcome.attempts,
                                .code = outcome.code});
  Message* message = queue.find(id);
  if (message == nullptr) return shown;
  shown.expiry = message->expiry;
  message->jobs.for_each([&](Job& job) {
    for (const std::uint32_t index : job.recipients.view()) {
      QueuedRecipient& recipient = shown.recipients[index];
      recipient.destination = job.destination->name;
      recipient.state = queue.state_of(job);
      recipient.attempts = job.attempts;
      if (job.place == Place::deferred)
        recipient.next_attempt = queue.wall(job.deadline());
      else if (job.place == Place::ready && job.destination->paused())
        recipient.next_attempt = queue.wall(job.destination->deadline());
      if (job.reason)
        recipient.reason = *job.reason;
      else if (job.destination->setback)
        recipient.reason = job.destination->setback->text();
    }
  });
  return shown;
}

Task<std::vector<QueuedMessage>> Service::list(MessageId after, std::size_t limit, Selector selector) {
  State& state = *state_;
  std::vector<QueuedMessage> page;
  std::size_t looked_at = 0;
  for (const MessageId id : ids_of(state.queue, selector)) {
    if (id <= after) continue;
    if (page.size() == std::min(limit, kListPageMax)) break;
    if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{state.core};
    const auto loaded = co_await state.parts.spool->load(id);
    if (loaded && count_fitting(selector, state.queue, id, loaded->envelope) > 0)
      page.push_back(state.describe(id, *loaded));
  }
  co_return page;
}

Task<std::vector<QueuedMessage>> Service::show(MessageId id) {
  std::vector<QueuedMessage> shown;
  if (!state_->parts.spool->contains(id)) co_return shown;
  const auto loaded = co_await state_->parts.spool->load(id);
  if (loaded) shown.push_back(state_->describe(id, *loaded));
  co_return shown;
}

Task<std::size_t> Service::count(Selector selector) {
  State& state = *state_;
  std::size_t recipients = 0, looked_at = 0;
  for (const MessageId id : ids_of(state.queue, selector)) {
    if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{state.core};
    const auto loaded = co_await state.parts.spool->load(id);
    if (loaded) recipients += count_fitting(selector, state.queue, id, loaded->envelope);
  }
  co_return recipients;
}

}  // namespace ringpost::deliver
