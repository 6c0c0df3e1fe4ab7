// From ready jobs to connections: when to open one more, and what it costs.
#include <algorithm>
#include <array>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

void Service::State::work(Destination& destination) {
  if (!static_cast<ListLink<WorkToDo>&>(destination).linked()) to_do.push_back(destination);
  wake.notify_one();
}

void Service::State::overdue(Message& message) {
  overdue_messages.push_back(message);
  wake.notify_one();
}

// Ends when the service has been drained and nothing is left that it must look at.
Task<void> Service::State::dispatch() {
  dispatching = true;
  for (;;) {
    // Who has waited goes first: a flow that has just given its place away would take it again.
    while (Destination* waiting = next_in_line()) look_at(*waiting, true);
    while (Destination* destination = to_do.pop_front()) look_at(*destination);
    while (!draining && !overdue_messages.empty() && workers < kOverdueWorkersMax)
      core.spawn(work_on_overdue());
    while (!draining && parked_due && wakers < kWakersMax) core.spawn(work_on_parked());
    if (!to_do.empty()) continue;
    if (draining && settled()) break;
    co_await wake.wait();
  }
  dispatching = false;
  note_change();
}

// A ready job that no flow is about to take deserves another connection, unless the destination is in trouble: until the
// first connection works there is one at a time, so a dead host costs one attempt and not one for each message.
bool Service::State::wants_flow(const Destination& destination) const {
  if (draining || destination.suspended || destination.paused()) return false;
  if (destination.ready_count <= destination.starting) return false;
  if (destination.route.via == Via::discard) return destination.flow_count == 0;
  if (destination.route.via == Via::mailbox)
    return destination.flow_count <
           (destination.only_stored ? kStoreDeliveriesPerRecipientMax : kLocalDeliveriesPerRecipientMax);
  if (!destination.proven && destination.flow_count > 0) return false;
  return destination.flow_count == 0 || core.now() >= destination.ramp_after;
}

bool Service::State::flows_are_full() const {
  return flows >= parts.settings->deliver.flows_max;
}

bool Service::State::has_room(const Destination& destination) const {
  if (flows_are_full()) return false;
  if (destination.route.via != Via::mailbox) return true;
  return destination.only_stored ? store_flows < kStoreDeliveriesMax : local_flows < kLocalDeliveriesMax;
}

// Of what it lacks, or lacked last.
IntrusiveList<Destination, WaitForRoom>& Service::State::line_of(const Destination& destination) {
  if (destination.route.via != Via::mailbox || flows_are_full()) return waiting_for_flow;
  return destination.only_stored ? waiting_for_store : waiting_for_local;
}

// `in_turn`: it has stood at the head of a line. Others stand behind those that wait already.
void Service::State::look_at(Destination& destination, bool in_turn) {
  if (turns_back(destination)) turn_back_waiting(destination);
  if (is_putting_off(destination) && !destination.ready.empty() && !destination.telling)
    core.spawn(tell_put_off(destination));
  if (queue.wants_refill(destination) && !destination.refilling && !draining) core.spawn(refill(destination));
  if (draining) destination.idle.for_each([](Flow& flow) { flow.wake(); });
  const bool may_send = !draining && !destination.suspended && !destination.paused();
  while (may_send && destination.ready_count > destination.starting && !destination.idle.empty())
    destination.idle.front().wake();
  if (draining && destination.in_line && !std::exchange(destination.left_line, true))
    core.spawn(leave_line(destination));
  while (destination.slots > 0) {
    --destination.slots;
    if (wants_flow(destination) && has_room(destination))
      start(destination);
    else
      core.spawn(give_slot_back(destination));
  }
  if (!wants_flow(destination) || destination.opening || destination.in_line)
    return queue.forget_if_idle(destination);
  if (!has_room(destination) || (!in_turn && !line_of(destination).empty())) {
    if (!static_cast<ListLink<WaitForRoom>&>(destination).linked())
      line_of(destination).push_back(destination);
    return;
  }
  if (destination.remote())
    core.spawn(open(destination));
  else
    start(destination);
}

bool Service::State::is_putting_off(const Destination& destination) const {
  return destination.paused() && !destination.suspended && !draining;
}

// The mail behind a destination that failed waits without having been tried. The log says so of each message, once for each
// pause: the pauses are those of the retry schedule, so that bounds the lines. A few in each turn, and nothing is read.
Task<void> Service::State::tell_put_off(Destination& destination) {
  ++errands;
  ++destination.errands;
  destination.telling = true;
  while (is_putting_off(destination) && !destination.ready.empty()) {
    for (std::size_t i = 0; i < kToldPerTurn && !destination.ready.empty(); ++i) {
      Job& job = *destination.ready.pop_front();
      results.announce_put_off(job, *destination.setback, queue.wall(destination.deadline()));
      destination.put_off.push_back(job);
    }
    co_await shard::Yield{core};
  }
  destination.telling = false;
  --destination.errands;
  --errands;
  work(destination);
}

// Its slot is held, if it needs one.
void Service::State::start(Destination& destination) {
  ++flows;
  ++destination.flow_count;
  figures.flows.set(static_cast<std::int64_t>(flows));
  if (destination.remote()) {
    ++destination.starting;
    core.spawn(serve(destination));
  } else {
    const bool stores = destination.only_stored;
    ++(stores ? store_flows : local_flows);
    core.spawn(serve_here(destination, stores));
  }
  work(destination);  // perhaps one is not enough
}

Task<void> Service::State::open(Destination& destination) {
  destination.opening = true;
  const bool granted = co_await parts.leases->acquire(core, destination.name,
                                                      parts.settings->shaping.connection_limit, destination);
  destination.opening = false;
  if (granted)
    ++destination.slots;
  else if (!std::exchange(destination.granted_early, false))
    destination.stand_in_line(true);
  work(destination);
}

Task<void> Service::State::give_slot_back(Destination& destination) {
  ++errands;
  ++destination.errands;
  co_await parts.leases->release(core, destination.name, parts.settings->shaping.connection_limit);
  --destination.errands;
  --errands;
  work(destination);
}

// Going down: nobody may grant us a slot when we are gone.
Task<void> Service::State::leave_line(Destination& destination) {
  ++errands;
  ++destination.errands;
  destination.stand_in_line(false);
  const bool left = co_await parts.leases->leave(core, destination.name);
  if (!left && !std::exchange(destination.granted_early, false))
    destination.stand_in_line(true);  // it is on its way
  --destination.errands;
  --errands;
  work(destination);
}

Task<void> Service::State::serve(Destination& destination) {
  {
    Flow flow(*this, destination);
    destination.flows.push_back(flow);
    co_await flow.run();
  }
  co_await parts.leases->release(core, destination.name, parts.settings->shaping.connection_limit);
  flow_ended(destination);
}

void Service::State::flow_ended(Destination& destination) {
  --flows;
  --destination.flow_count;
  figures.flows.set(static_cast<std::int64_t>(flows));
  work(destination);
}

// The first of a line for which there is room; who does not want it any more leaves it to the next. One line after the other: each
// flow that ends may be wanted by all of them, and the end of a line may never come.
Destination* Service::State::next_in_line() {
  if (flows_are_full()) return nullptr;
  const std::array lines{&waiting_for_flow, &waiting_for_local, &waiting_for_store};
  const std::array has_room{true, local_flows < kLocalDeliveriesMax, store_flows < kStoreDeliveriesMax};
  for (std::size_t tries = 0; tries < lines.size(); ++tries) {
    line_in_turn = (line_in_turn + 1) % lines.size();
    if (has_room[line_in_turn] && !lines[line_in_turn]->empty()) return lines[line_in_turn]->pop_front();
  }
  return nullptr;
}

}  // namespace ringpost::deliver
