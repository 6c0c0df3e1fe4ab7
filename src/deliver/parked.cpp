// Bringing parked messages back from the spool: when their time comes, when the line before them shortens, or for an order.
#include "ringpost/deliver/limits.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

void Service::State::wake_parked() {
  parked_due = true;
  wake.notify_one();
}

// False: it stays parked, or is gone.
Task<bool> Service::State::unpark(MessageId id) {
  const auto loaded = co_await parts.spool->load(id);
  if (queue.parked(id) == nullptr) co_return false;  // somebody else was faster
  if (loaded) {
    queue.unpark(parts.settings->router, parts.settings->retry, id, loaded->envelope, loaded->outcomes);
    co_return true;
  }
  if (!parts.spool->contains(id))
    queue.drop_parked(id);
  else
    unreadable(id, loaded.error());
  co_return false;
}

// As with one that is in memory: tried again, until it is too old.
void Service::State::unreadable(MessageId id, const Error& error) {
  results.announce_unreadable(id, error);
  if (core.wall_now() - queue.parked(id)->arrived() < parts.settings->retry.expire_after)
    return queue.postpone(id, error.kind == ErrorKind::permanent ? kUnreadableRetry : kNoMemoryRetry);
  results.give_up(id);
  queue.drop_parked(id);
}

Task<void> Service::State::work_on_parked() {
  ++wakers;
  std::size_t looked_at = 0;
  while (!draining) {
    const auto id = queue.next_due(parts.settings->retry);
    if (!id) {
      parked_due = false;
      break;
    }
    if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{core};
    (void)co_await unpark(*id);
  }
  --wakers;
  wake.notify_one();
}

Task<void> Service::State::refill(Destination& destination) {
  ++errands;
  ++destination.errands;
  destination.refilling = true;
  std::size_t looked_at = 0;
  while (!draining && destination.ready_count < kReadyInMemory) {
    const auto id = queue.next_behind(destination);
    if (!id) break;
    if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{core};
    (void)co_await unpark(*id);
  }
  destination.refilling = false;
  --destination.errands;
  --errands;
  work(destination);
}

}  // namespace ringpost::deliver
