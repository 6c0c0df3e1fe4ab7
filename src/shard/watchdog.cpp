#include "watchdog.hpp"

#include <cstdio>
#include <cstdlib>

#include <pthread.h>

namespace ringpost::shard {

Watchdog::Watchdog(std::vector<const Core*> cores, Duration bound) : bound_(bound) {
  for (const Core* core : cores) watched_.push_back({core});
  thread_ = std::thread([this] { watch(); });
  pthread_setname_np(thread_.native_handle(), "watchdog");
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, bound_ / kLooks, [&] { return stopping_; }))
    for (Watched& watched : watched_) look(watched);
}

void Watchdog::look(Watched& watched) const {
  const std::uint64_t turns = watched.core->turns_seen();
  watched.unchanged = turns == watched.turns ? watched.unchanged + 1 : 0;
  watched.turns = turns;
  if (watched.unchanged < kLooks) return;
  std::fprintf(stderr,
               "ringpost: core %u has not finished its turn for %s; ending the process, so that it can be "
               "started again\n",
               watched.core->index(), to_string(bound_).c_str());
  std::abort();
}

}  // namespace ringpost::shard
