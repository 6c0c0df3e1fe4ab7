// Ends the process when a core does not finish its turn: a server that hangs must be restarted, not waited for.
//
// Owner: Runtime. It counts looks, not time, so a machine that was stopped and goes on is not taken for a stuck core.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

class Watchdog {
 public:
  Watchdog(std::vector<const Core*> cores, Duration bound);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  static constexpr unsigned kLooks = 4;  // in the bound
  struct Watched {
    const Core* core;
    std::uint64_t turns = 0;
    unsigned unchanged = 0;  // so many looks in a row
  };
  void watch();
  void look(Watched& watched) const;
  std::vector<Watched> watched_;
  Duration bound_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ringpost::shard
