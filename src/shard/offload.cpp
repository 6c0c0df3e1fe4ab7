#include "ringpost/shard/offload.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

namespace {

// Back on the core: the next piece may start, then the coroutine goes on (and its frame with the work may end).
void resume(InboxItem& self, Core& here) {
  auto& work = static_cast<OffloadWork&>(self);
  here.end_offload();
  here.runs(work.awaiting);
  work.awaiting.resume();
}

}  // namespace

OffloadWork::OffloadWork(Core& core, Work function) : InboxItem(&resume), home(core), work(function) {}

OffloadPool::OffloadPool(unsigned threads) {
  RP_ASSERT(threads > 0);
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { serve(); });
    pthread_setname_np(threads_.back().native_handle(), fmt::format("offload-{}", i).c_str());
  }
}

void OffloadPool::push(OffloadWork& work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push(work);
  }
  changed_.notify_one();
}

void OffloadPool::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    OffloadWork& work = *queue_.pop();
    lock.unlock();
    work.work(work);
    work.home.hand_in(work);
    lock.lock();
  }
}

void OffloadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace ringpost::shard
