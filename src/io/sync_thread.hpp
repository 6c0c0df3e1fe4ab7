// One thread that does file operations for the epoll backend, which cannot wait for files by itself.
//
// Layer: io, private. Owner: the backend; starts with the first operation. Operations run one after another, in order.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "kernel_backend.hpp"
#include "operation_table.hpp"

namespace ringpost::io {

class SyncThread {
 public:
  struct Done {
    Ticket ticket;
    std::int32_t result = 0;
  };
  // Rings `bell` when something is done.
  explicit SyncThread(Doorbell& bell) : bell_(bell) {}
  // Waits for the operation that runs; those that wait never run.
  ~SyncThread();

  void add(Ticket ticket, const Op& op);
  // True when the operation had not begun and now never will.
  bool cancel(Ticket ticket);
  // Moves what is done to `into`, which is cleared first.
  void collect(std::vector<Done>& into);

 private:
  struct Job {
    Ticket ticket;
    Op op;
  };
  void run();
  Doorbell& bell_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> waiting_;  // bounded by the operations in flight
  std::vector<Done> done_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ringpost::io
