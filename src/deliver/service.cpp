#include "ringpost/deliver/service.hpp"

#include "ringpost/base/assert.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

Service::State::State(shard::Core& on, Parts given)
    : core(on),
      parts(std::move(given)),
      queue(core, *this),
      quarantine(core, [this] { core.spawn(expire_in_quarantine()); }),
      reports(core, *parts.spool, *parts.intake),
      results(core, *parts.spool, queue, reports, parts.intake->passages()),
      wake(core),
      changed(core) {
  queue.apply(parts.directives);
  quarantine.set_lifetime(parts.settings->quarantine_expire_after);
  auto& registry = core.figures();
  registry.add("deliver_flows", "Deliveries at work, idle connections included.", figures.flows);
  registry.add("deliver_connections", "Connections to other servers, open now.", figures.connections);
  registry.add("deliver_connections_opened", "Connections on which mail could be sent.",
               figures.connections_opened);
  registry.add("deliver_connections_failed", "Times that no host of a destination could be reached.",
               figures.connections_failed);
  registry.add("deliver_connections_reused", "Messages that found a connection open.",
               figures.connections_reused);
  registry.add("deliver_transactions", "Messages begun to be sent.", figures.messages);
  registry.add("deliver_bytes", "Bytes of those messages.", figures.bytes);
  registry.add("deliver_dns_failures", "Times that the way to a destination could not be looked up.",
               figures.dns_failures);
  registry.add("deliver_tls_fallbacks", "Connections made again in clear text because TLS failed.",
               figures.tls_fallbacks);
  registry.add("deliver_lost", "Connections that ended in the middle of a message.", figures.lost);
  registry.add("deliver_forwarded", "Recipients whose mail went on under another address.",
               figures.forwarded);
  registry.add("deliver_overdue", "Messages looked at for their age.", figures.overdue);
}

bool Service::State::settled() const {
  if (flows > 0 || workers > 0 || wakers > 0 || errands > 0) return false;
  for (const auto& [name, destination] : queue.destinations())
    if (destination->opening || destination->in_line || destination->slots > 0) return false;
  return true;
}

Service::Service(shard::Core& core, Parts parts) : state_(std::make_unique<State>(core, std::move(parts))) {
  state_->parts.leases->add_figures(core);
  core.spawn(state_->dispatch());
}

Service::~Service() {
  RP_ASSERT(!state_->dispatching);
}

shard::Core& Service::core() {
  return state_->core;
}

std::size_t Service::open_flows() const {
  return state_->flows;
}

void Service::queued(const spool::Queued& message) {
  const Settings& settings = *state_->parts.settings;
  if (Quarantine::wants(*message.envelope, message.outcomes))
    return state_->quarantine.add(message.id, message.envelope->facts().arrival);
  if (message.envelope->facts().durability == mail::Durability::through) return state_->pass_on(message);
  if (message.recovered && state_->queue.add_parked(settings.router, settings.retry, message.id,
                                                    *message.envelope, message.outcomes))
    return;
  state_->queue.add(settings.router, settings.retry, message.id, *message.envelope, message.outcomes);
}

void Service::next(MessageId id) {
  state_->queue.parking().fetch(id);
}

void Service::reload(std::shared_ptr<const Settings> settings) {
  state_->parts.settings = std::move(settings);
  state_->quarantine.set_lifetime(state_->parts.settings->quarantine_expire_after);
  // Where mailboxes are may be another place now.
  for (const auto& [name, destination] : state_->queue.destinations()) destination->only_stored = false;
  state_->core.spawn(state_->reroute_all());
}

void Service::drain() {
  state_->draining = true;
  state_->turn_back_all();
  for (const auto& [name, destination] : state_->queue.destinations()) {
    destination->flows.for_each([](Flow& flow) { flow.drain(); });
    state_->work(*destination);
  }
  state_->wake.notify_one();
}

Task<void> Service::stopped() {
  while (state_->dispatching) co_await state_->changed.wait();
}

void Service::abort() {
  state_->aborted = true;
  drain();
  for (const auto& [name, destination] : state_->queue.destinations())
    destination->flows.for_each([](Flow& flow) { flow.abort(); });
  if (state_->parts.local != nullptr) state_->parts.local->abort();
}

}  // namespace ringpost::deliver
