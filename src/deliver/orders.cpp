// What operators order done with the part of the queue that a selector means.
#include <algorithm>

#include "ringpost/deliver/limits.hpp"

#include "selection.hpp"
#include "service_state.hpp"

namespace ringpost::deliver {

// Whether a message may be meant, as far as is known without its envelope: what is certainly not is not read.
bool Service::State::may_fit(const Selector& selector, MessageId id) {
  if (selector.id && selector.id != id) return false;
  if (const Parked* parked = queue.parked(id)) return fits(selector, queue, *parked);
  Message* message = queue.find(id);
  if (message == nullptr) return false;
  bool one_fits = false;
  message->jobs.for_each([&](Job& job) { one_fits = one_fits || fits(selector, queue, job); });
  return one_fits;
}

spool::Survey Service::State::survey(const Selector& selector, MessageId after, std::size_t pass) {
  if (selector.id && selector.id > after) return {*parts.spool, std::vector{selector.id}};
  return {*parts.spool, [this, selector](MessageId id) { return may_fit(selector, id); }, after, pass};
}

// Calls `act` with each job that fits and waits, taken out of its place: `act` decides where it goes. A job of which only
// some recipients fit is divided.
Task<std::size_t> Service::State::for_selected(Selector selector, Held held, Selected act) {
  return for_selected_in(survey(selector), selector, held, std::move(act));
}

Task<std::size_t> Service::State::for_selected_in(spool::Survey all, Selector selector, Held held,
                                                  Selected act) {
  std::size_t changed_count = 0, looked_at = 0;
  ++errands;
  for (auto some = co_await all.next(); !some.empty() && !draining; some = co_await all.next())
    for (auto& [id, loaded] : some) {
      if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{core};
      if (!loaded || draining || !parts.spool->refresh(id, *loaded)) continue;
      if (queue.parked(id) != nullptr && count_in(selector, id, *loaded) > 0)
        queue.unpark(parts.settings->router, parts.settings->retry, id, loaded->envelope, loaded->outcomes);
      co_await select_in(id, selector, held, act, *loaded, changed_count);
    }
  --errands;
  wake.notify_one();
  co_return changed_count;
}

Task<void> Service::State::select_in(MessageId id, const Selector& selector, Held held, const Selected& act,
                                     const spool::Spool::Loaded& loaded, std::size_t& changed_count) {
  Message* message = queue.find(id);
  if (message == nullptr || message->through) co_return;  // its client is being answered
  std::vector<std::pair<Job*, Queue::Former>> chosen;
  message->jobs.for_each([&](Job& job) {
    if (job.place == Place::active || job.place == Place::settling) return;
    if (job.place == Place::held && held == Held::stay) return;
    if (fits(selector, queue, job)) chosen.emplace_back(&job, Queue::Former{});
  });
  if (chosen.empty()) co_return;
  queue.pin(*message);
  for (auto& [job, former] : chosen) former = queue.seize(*job);
  for (auto& [job, former] : chosen) {
    Job* part = select_part(selector, *job, former, loaded.envelope);
    if (part == nullptr) {
      queue.restore(*job, former);
      continue;
    }
    changed_count += part->recipients.size();
    co_await act(*part, loaded, former);
  }
  queue.unpin(*message);
}

// The part of a seized job that fits; what does not goes back to its place.
Job* Service::State::select_part(const Selector& selector, Job& job, Queue::Former former,
                                 const mail::EnvelopeRecord& envelope) {
  const std::vector<std::uint32_t> chosen = fitting(selector, envelope, job);
  if (chosen.empty()) return nullptr;
  if (chosen.size() == job.recipients.size()) return &job;
  Job& part = queue.split(job, chosen);
  queue.restore(job, former);
  return &part;
}

void Service::State::say(std::string_view text) {
  core.events()
      .begin(observe::EventType::notice, core.wall_now())
      .add(observe::EventKey::severity, "warning")
      .add(observe::EventKey::text, text)
      .finish();
}

Task<std::size_t> Service::State::end_selected(Selector selector, Found found, mail::Reply reply) {
  co_return co_await for_selected(
      std::move(selector), Held::too,
      [&](Job& job, const spool::Spool::Loaded& loaded, Queue::Former)
          -> Task<void> {  // NOLINT(*-avoid-capturing-lambda-coroutines): for_selected keeps it
        std::vector<Results::Part> ending;
        ending.push_back({&job, for_all(job.recipients.view(), found, reply)});
        co_await results.settle(std::move(ending), loaded, {.counts = false}, parts.settings);
      });
}

// ---- after a reload

Task<void> Service::State::reroute_all() {
  ++errands;
  std::size_t looked_at = 0;
  // Parked ones are routed when they come back.
  spool::Survey all(*parts.spool, [this](MessageId id) { return queue.find(id) != nullptr; });
  for (auto some = co_await all.next(); !some.empty() && !draining; some = co_await all.next())
    for (const auto& [id, loaded] : some) {
      if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{core};
      Message* message = queue.find(id);
      if (message == nullptr || draining) continue;
      queue.pin(*message);
      co_await reroute(*message);
      queue.unpin(*message);
    }
  --errands;
  wake.notify_one();
}

// Makes the waiting jobs of a (pinned) message anew. What is held stays as it is until it is released.
Task<void> Service::State::reroute(Message& message) {
  std::vector<std::pair<Job*, Queue::Former>> jobs;
  message.jobs.for_each([&](Job& job) {
    if (job.place == Place::ready || job.place == Place::deferred) jobs.emplace_back(&job, Queue::Former{});
  });
  for (auto& [job, former] : jobs) former = queue.seize(*job);
  const auto loaded = co_await parts.spool->load(message.id);
  if (!loaded) {
    for (auto& [job, former] : jobs) queue.restore(*job, former);
    co_return;
  }
  std::vector<bool> wanted(loaded->outcomes.size());
  for (auto& [job, former] : jobs) {
    for (const std::uint32_t recipient : job->recipients.view()) wanted[recipient] = true;
    queue.finish(*job);
  }
  const bool warned = std::ranges::any_of(loaded->outcomes, &spool::Outcome::warned);
  queue.set_dates(message, parts.settings->retry, loaded->envelope.reverse_path().empty(), warned);
  queue.add(parts.settings->router, parts.settings->retry, message.id, loaded->envelope, loaded->outcomes,
            [&](std::uint32_t recipient) { return wanted[recipient]; });
  if (message.through) turn_back_held(message);
}

// ---- the orders
//
// for_selected keeps the function in its frame until the last call of it is over, so what a lambda captures lives on.

Task<std::size_t> Service::flush(Selector selector) {
  State& state = *state_;
  co_return co_await state.for_selected(
      std::move(selector), State::Held::stay,
      [&](Job& job, const auto&, auto) -> Task<void> {  // NOLINT(*-avoid-capturing-lambda-coroutines)
        state.queue.clear_pause(*job.destination);
        state.queue.make_ready(job);
        co_return;
      });
}

Task<std::size_t> Service::bounce(Selector selector) {
  co_return co_await state_->end_selected(std::move(selector), Found::failed,
                                          our_word({5, 7, 0}, "returned by the operator"));
}

Task<std::size_t> Service::cancel(Selector selector) {
  co_return co_await state_->end_selected(std::move(selector), Found::cancelled,
                                          our_word({}, "cancelled by the operator"));
}

void Service::suspend(const std::string& destination) {
  state_->queue.suspend(destination);
}

void Service::resume(const std::string& destination) {
  state_->queue.resume(destination);
}

Directives Service::directives() const {
  return state_->queue.directives();
}

}  // namespace ringpost::deliver
