#include "ringpost/deliver/leases.hpp"

#include <functional>

#include "ringpost/shard/await.hpp"

namespace ringpost::deliver {

using SlotWaiter = shaping::SlotTable::Waiter;

unsigned Leases::owner(std::string_view name) const {
  return static_cast<unsigned>(std::hash<std::string_view>{}(name) % tables_.size());
}

// The name stands in this coroutine's frame while the owner reads it.
Task<bool> Leases::acquire(shard::Core& core, std::string name, std::uint32_t limit, Waiter& waiter) {
  const unsigned there = owner(name);
  shaping::SlotTable* slots = &tables_[there].slots;
  const SlotWaiter self{core.index(), &waiter};
  co_return co_await shard::ask(core, there, [slots, limit, self, asked = &name](shard::Core&) {
    return slots->acquire(*asked, limit, self);
  });
}

Task<void> Leases::release(shard::Core& core, std::string name, std::uint32_t limit) {
  const unsigned there = owner(name);
  shaping::SlotTable* slots = &tables_[there].slots;
  (void)co_await shard::ask(core, there, [slots, limit, asked = &name](shard::Core& other) {
    if (const auto next = slots->release(*asked, limit)) other.spawn(tell(other, *next));
    return true;
  });
}

Task<void> Leases::tell(shard::Core& owner, SlotWaiter waiter) {
  (void)co_await shard::ask(owner, waiter.core, [waiting = waiter.destination](shard::Core&) {
    static_cast<Waiter*>(waiting)->granted();
    return true;
  });
}

Task<bool> Leases::leave(shard::Core& core, std::string name) {
  const unsigned there = owner(name);
  shaping::SlotTable* slots = &tables_[there].slots;
  co_return co_await shard::ask(core, there, [slots, us = core.index(), asked = &name](shard::Core&) {
    return slots->leave(*asked, us);
  });
}

Task<bool> Leases::others_wait(shard::Core& core, std::string name) {
  const unsigned there = owner(name);
  shaping::SlotTable* slots = &tables_[there].slots;
  co_return co_await shard::ask(core, there, [slots, us = core.index(), asked = &name](shard::Core&) {
    return slots->others_wait(*asked, us);
  });
}

}  // namespace ringpost::deliver
