// Where threads that are not cores leave things for a core: results of the offload pool, calls of the main thread.
//
// Layer: runtime. Owner: one core takes, any thread puts. Not the mail path: cores among themselves use Mesh.
// Cost:  an item is a link in what it brings, so putting allocates nothing; taking an empty inbox is one load.
#pragma once

#include <atomic>

namespace ringpost::shard {

class Core;

struct InboxItem {
  using Run = void (*)(InboxItem& self, Core& here);
  explicit InboxItem(Run function) : run(function) {}
  Run run;  // may destroy the item
  InboxItem* next = nullptr;
};

class Inbox {
 public:
  // Any thread. Follow with Mesh::wake.
  void put(InboxItem& item) noexcept {
    item.next = newest_.load(std::memory_order_relaxed);
    while (!newest_.compare_exchange_weak(item.next, &item, std::memory_order_seq_cst,
                                          std::memory_order_relaxed)) {
    }
  }
  bool empty() const noexcept { return newest_.load(std::memory_order_seq_cst) == nullptr; }
  // The owner: everything that is there, oldest first, linked by `next`. Taking all at once is why no item
  // can be seen twice.
  InboxItem* take_all() noexcept {
    if (newest_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    InboxItem* oldest_first = nullptr;
    for (InboxItem* item = newest_.exchange(nullptr, std::memory_order_acquire); item != nullptr;) {
      InboxItem* older = item->next;
      item->next = oldest_first;
      oldest_first = item;
      item = older;
    }
    return oldest_first;
  }

 private:
  std::atomic<InboxItem*> newest_{nullptr};
};

}  // namespace ringpost::shard
