// Changes what operators order for longer than a moment, and keeps it in the tables: an order is answered only when it
// would survive a restart.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "ringpost/admin/directives.hpp"

#include "arguments.hpp"
#include "queue_access.hpp"

namespace ringpost::admin {

// Thread-safe: one change at a time.
class DirectiveKeeper {
 public:
  DirectiveKeeper(Queue& queue, tables::Tables& tables) : queue_(queue), tables_(tables) {}

  Answered<std::size_t> change(QueueChange change, const deliver::Selector& selector);
  // `until` 0: until somebody resumes it. Suspending again sets a new end.
  Answered<> suspend(const std::string& destination, WallTime until);
  Answered<> resume(const std::string& destination);
  Answered<std::vector<Suspension>> suspensions();
  // Ends the suspensions whose time has come; a look at a number when there is none.
  void end_suspensions(WallTime now);

 private:
  Answered<> store();
  void note_next_end();

  Queue& queue_;
  tables::Tables& tables_;
  std::mutex mutex_;
  bool known_ = false;   // next_end_ says what the tables say
  WallTime next_end_{};  // 0: none
};

}  // namespace ringpost::admin
