// The time of a simulated world, and what is going to happen in it.
//
// Layer: io, private.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "ringpost/base/units.hpp"

namespace ringpost::io::sim {

class Clock {
 public:
  Instant now() const { return now_; }
  // Events of one instant happen in the order in which they were planned.
  void plan(Instant when, std::function<void()> event) {
    events_.emplace(std::pair(std::max(when, now_), next_++), std::move(event));
  }
  void plan_in(Duration delay, std::function<void()> event) { plan(now_ + delay, std::move(event)); }
  // Lets everything happen that is due.
  void run_due() {
    while (!events_.empty() && events_.begin()->first.first <= now_) run_first();
  }
  // Moves to the next event and lets that instant happen; false, at `until`, when there is none before.
  bool step(Instant until) {
    if (events_.empty() || events_.begin()->first.first > until) {
      if (until != Instant::never()) now_ = std::max(now_, until);
      return false;
    }
    now_ = std::max(now_, events_.begin()->first.first);
    run_due();
    return true;
  }
  void forget_everything() { events_.clear(); }

 private:
  void run_first() {
    const auto event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
  }
  Instant now_{std::chrono::hours{1}};  // so that a little before the start is still a time
  std::uint64_t next_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace ringpost::io::sim
