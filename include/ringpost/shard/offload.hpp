// Threads for what would block a core: password hashing, SQLite, name lookups of the C library, cold file work.
//
// Layer:  runtime. Owner: the runtime; one pool for the process. Cores reach it through `shard::offload` (await.hpp).
// Limits: kOffloadPerCore for each core, kept by the core; so the queue here is bounded without a lock on the way in.
// Errors: an exception that leaves the work ends the process: work returns a Result.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "ringpost/shard/inbox.hpp"

namespace ringpost::shard {

class Core;

// One piece of work; lives in the frame of the coroutine that waits for it, and comes back through its core's inbox.
struct OffloadWork : InboxItem {
  using Work = void (*)(OffloadWork& self);
  OffloadWork(Core& core, Work function);
  Core& home;
  Work work;
  std::coroutine_handle<> awaiting;
  OffloadWork* next_work = nullptr;
};

// First in, first out, linked through the work.
class OffloadQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  void push(OffloadWork& work) {
    work.next_work = nullptr;
    (first_ == nullptr ? first_ : last_->next_work) = &work;
    last_ = &work;
  }
  OffloadWork* pop() {
    OffloadWork* work = first_;
    if (work != nullptr) first_ = work->next_work;
    return work;
  }

 private:
  OffloadWork* first_ = nullptr;
  OffloadWork* last_ = nullptr;
};

class OffloadPool {
 public:
  explicit OffloadPool(unsigned threads);
  ~OffloadPool() { stop(); }
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  void push(OffloadWork& work);
  // Finishes what runs and ends the threads. What is still queued stays undone and nobody is told.
  void stop();

 private:
  void serve();
  std::mutex mutex_;
  std::condition_variable changed_;
  OffloadQueue queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ringpost::shard
