// Hold and release. By selector both are a rule: it is in force at once for whoever is read from the spool; what is parked gets
// another place in its table without being read; what is in memory follows. So an order about ten million messages costs the
// memory of one rule, and what only the envelope can tell (a sender, a recipient, a domain behind a smarthost) is read as by a
// listing. By id or state messages are held one by one.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"

#include "selection.hpp"
#include "service_state.hpp"

namespace ringpost::deliver {

struct Service::State::Marking {
  std::size_t recipients = 0;
  std::vector<MessageId> unsure;  // their envelopes must tell
  bool too_many = false;          // `unsure` is not all of them
};

// One share of the table after the other, in pieces.
Task<Service::State::Marking> Service::State::mark_parked(Queue::Order order, const Selector& rule) {
  Marking marking;
  std::vector<MessageId> share;
  std::size_t looked_at = 0;
  for (std::size_t i = 0; i < Parking::kShares && !draining; ++i) {
    share.clear();
    queue.parking().for_each_in(i, [&](const Parked& parked) { share.push_back({parked.id}); });
    for (const MessageId id : share) {
      if (++looked_at % kMarkedPerTurn == 0) co_await shard::Yield{core};
      const auto marked = queue.mark_parked(order, rule, id);
      marking.recipients += marked.recipients;
      if (!marked.unsure) continue;
      marking.too_many = marking.too_many || marking.unsure.size() >= kUnsureMax;
      if (!marking.too_many) marking.unsure.push_back(id);
    }
  }
  queue.wake_released();
  co_return marking;
}

Task<std::vector<MessageId>> Service::State::in_memory() {
  std::vector<MessageId> ids;
  const auto& messages = queue.messages();
  for (std::size_t bucket = 0; bucket < messages.bucket_count(); ++bucket) {
    for (auto at = messages.begin(bucket); at != messages.end(bucket); ++at) ids.push_back({at->first});
    if ((bucket + 1) % kMarkedPerTurn == 0) co_await shard::Yield{core};
  }
  co_return ids;
}

// Puts a rule that was added, to hold or to release, in force for what is here.
Task<std::size_t> Service::State::enforce(Queue::Order order, Selector rule, Selector meant, Selected act) {
  ++errands;
  queue.let_nobody_park(true);
  Marking marking = co_await mark_parked(order, rule);
  std::vector<MessageId> rest = co_await in_memory();
  queue.let_nobody_park(false);
  --errands;
  std::size_t changed_count = marking.recipients;
  if (marking.too_many) {
    const auto wanted = [this, rule, meant](MessageId id) {
      const Parked* parked = queue.parked(id);
      return parked == nullptr ? may_fit(meant, id) : is_unsure(rule, *parked) && may_fit(meant, id);
    };
    co_return changed_count +
        co_await for_selected_in(spool::Survey(*parts.spool, wanted), meant, Held::too, std::move(act));
  }
  rest.insert(rest.end(), marking.unsure.begin(), marking.unsure.end());
  co_return changed_count + co_await for_selected_in(spool::Survey(*parts.spool, std::move(rest)), meant,
                                                     Held::too, std::move(act));
}

bool Service::State::is_unsure(const Selector& rule, const Parked& parked) {
  bool unsure = false;
  queue.parking().for_each_part(parked, [&](const ParkedPart& part) {
    unsure = unsure || fits_unread(rule, queue, parked, part) == Fit::unsure ||
             !queue.hold_rules().holds_unread(queue, parked, part);
  });
  return unsure;
}

Task<std::size_t> Service::State::hold_by_rule(Selector rule) {
  return enforce(
      Queue::Order::hold, rule, rule,
      [this](Job& job, const auto&, auto) -> Task<void> {  // NOLINT(*-avoid-capturing-lambda-coroutines)
        job.held_by_rule = true;
        queue.hold(job);
        co_return;
      });
}

Task<std::size_t> Service::State::hold_one_by_one(Selector selector) {
  std::size_t left_alone = 0;
  const std::size_t found = co_await for_selected(
      std::move(selector), Held::too,
      [&](Job& job, const auto&,
          auto former) -> Task<void> {  // NOLINT(*-avoid-capturing-lambda-coroutines)
        if (job.held_by_rule || former.place == Place::held || queue.may_hold_one_more()) {
          queue.hold(job);
        } else {
          left_alone += job.recipients.size();
          queue.restore(job, former);
        }
        co_return;
      });
  if (left_alone != 0)
    say(
        fmt::format("{} recipients are not held: no more than {} messages can be held one by one; hold a "
                    "domain, a sender, or everything",
                    left_alone, kHeldOneByOneMax));
  co_return found - left_alone;
}

Task<std::size_t> Service::hold(Selector selector) {
  State& state = *state_;
  if (selector.id)
    selector.arrived_until = {};
  else if (selector.arrived_until == WallTime{})
    selector.arrived_until = state.core.wall_now();
  const auto rule = HoldRules::rule_of(selector, state.core.wall_now());
  if (rule && !rule->id && state.queue.hold_rules().add(true, *rule)) return state.hold_by_rule(*rule);
  return state.hold_one_by_one(std::move(selector));
}

Task<std::size_t> Service::release(Selector selector) {
  State& state = *state_;
  HoldRules& rules = state.queue.hold_rules();
  selector.state.reset();
  // Unless it says an age it means all that was ever held, though the clock may have been set back since.
  if (selector.arrived_until == WallTime{}) selector.arrived_until = state.core.wall_now();
  if (!selector.older_than) selector.arrived_until = std::max(selector.arrived_until, rules.latest());
  const auto rule = HoldRules::rule_of(selector, selector.arrived_until);
  if (!rules.empty() && rule && !rules.add(false, *rule)) {
    state.say(
        "nothing is released: there are too many holds and exceptions from them; release more at a time");
    co_return 0;
  }
  Selector meant = selector;
  meant.arrived_until = {};
  meant.state = JobState::held;
  Selector known = *rule;
  if (rules.empty()) known.arrived_until = {};
  const State::Selected act = [&state](Job& job, const auto&,
                                       auto) -> Task<void> {  // NOLINT(*-avoid-capturing-lambda-coroutines)
    state.queue.forget_hold(job.message.id, job.destination->name);
    job.held_by_rule = false;
    state.queue.make_ready(job);
    co_await state.reroute(job.message);
  };
  if (known.id) co_return co_await state.for_selected(std::move(meant), State::Held::too, act);
  co_return co_await state.enforce(Queue::Order::release, std::move(known), std::move(meant), act);
}

}  // namespace ringpost::deliver
