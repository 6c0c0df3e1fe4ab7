#include "ringpost/deliver/leases.hpp"

#include <functional>

#include "ringpost/shard/await.hpp"

namespace ringpost::deliver {

using SlotWaiter = shaping::SlotTable::Waiter;

unsigned Leases::owner(std::string_view name) const {
  return static_cast<unsigned>(std::hash<std::string_view>{}(name) % tables_.size());
}

void Leases::add_figures(shard::Core& core) {
  Table& table = tables_[core.index()];
  core.figures().add("deliver_slots_held", "Connection slots that this core has leased.", table.held);
  core.figures().add("deliver_slots_granted_late", "Slots that came after a wait in the line.",
                     table.granted_late);
}

// The name stands in this coroutine's frame while the owner reads it.
Task<bool> Leases::acquire(shard::Core& core, std::string name, std::uint32_t limit, Waiter& waiter) {
  const unsigned there = owner(name);
  shaping::SlotTable* slots = &tables_[there].slots;
  const SlotWaiter self{core.index(), &waiter};
  const bool held = co_await shard::ask(core, there, [slots, limit, self, asked = &name](shard::Core&) {
    return slots->acquire(*asked, limit, self);
  });
  if (held) tables_[core.index()].held.add(1);
  co_return held;
}

Task<void> Leases::release(shard::Core& core, std::string name, std::uint32_t limit) {
  const unsigned there = owner(name);
  shaping::SlotTable* slots = &tables_[there].slots;
  tables_[core.index()].held.add(-1);
  (void)co_await shard::ask(core, there, [this, slots, limit, asked = &name](shard::Core& other) {
    if (const auto next = slots->release(*asked, limit)) other.spawn(tell(other, *next));
    return true;
  });
}

Task<void> Leases::tell(shard::Core& owner, SlotWaiter waiter) {
  (void)co_await shard::ask(owner, waiter.core, [this, waiting = waiter.destination](shard::Core& there) {
    tables_[there.index()].held.add(1);
    tables_[there.index()].granted_late.add();
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
