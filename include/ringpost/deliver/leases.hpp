// Connection slots for the whole machine: each destination has an owner core, by hash of its name, that counts its open
// connections. The others ask.
//
// Layer:  services. Owner: one object for the process; each table is touched by its owner core alone.
// Rule:   a slot is given back only after its socket is closed. Nothing expires: cores do not die alone.
// Fair:   first come, first served over cores; `others_wait` tells a holder to make way after its tenure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/base/task.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shaping/slots.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::deliver {

class Leases {
 public:
  // Who waits for a slot: lives on its core until the slot has come or `leave` has said true.
  class Waiter {
   public:
    // On the core that waited. The slot is held from now on.
    virtual void granted() = 0;

   protected:
    ~Waiter() = default;
  };

  explicit Leases(unsigned cores) : tables_(cores) {}

  // At start, for each core.
  void add_figures(shard::Core& core);

  // True: a slot is held. False: `waiter` stands in the line and will hear `granted`, unless it leaves.
  Task<bool> acquire(shard::Core& core, std::string name, std::uint32_t limit, Waiter& waiter);
  // After the socket is closed.
  Task<void> release(shard::Core& core, std::string name, std::uint32_t limit);
  // Out of the line. False: too late, the slot is on its way.
  Task<bool> leave(shard::Core& core, std::string name);
  Task<bool> others_wait(shard::Core& core, std::string name);

  unsigned owner(std::string_view name) const;

 private:
  struct alignas(64) Table {
    shaping::SlotTable slots;
    observe::Gauge held;  // by flows of this core, whoever owns the destination
    observe::Counter granted_late;
  };
  Task<void> tell(shard::Core& owner, shaping::SlotTable::Waiter waiter);
  std::vector<Table> tables_;
};

}  // namespace ringpost::deliver
