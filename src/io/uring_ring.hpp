// One io_uring: its set-up, its two queues, and the system call between them.
//
// Layer: io, private. Owner: the thread that made it; no other may use it (SINGLE_ISSUER).
#pragma once

#include <memory>
#include <span>
#include <thread>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

#include "uring_extra.hpp"

namespace ringpost::io {

class Ring {
 public:
  // Made disabled: register what is needed, then enable().
  static Result<std::unique_ptr<Ring>> make(std::uint32_t submission_entries,
                                            std::uint32_t completion_entries);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // The thread that made the ring is here. Another one may only destroy it, after that thread has ended: the
  // kernel has then cancelled everything.
  bool is_mine() const { return owner_ == std::this_thread::get_id(); }
  // Allows exactly the operations that the backend uses, bounds the kernel's workers, and starts the ring.
  Result<void> enable();
  // The kernel knows every operation of the allow-list.
  bool supports_operations();
  std::int32_t register_call(unsigned what, const void* argument, unsigned count);
  std::uint32_t features() const { return ring_.features; }
  bool has_registered_descriptor() const { return ring_.enter_ring_fd != ring_.ring_fd; }

  // The next free entry, after handing over the queue when it is full. Null when the kernel takes none now.
  io_uring_sqe* next();
  bool anything_queued() const { return ring_.sq.sqe_tail != ring_.sq.sqe_head; }
  // Hands over what is queued, and runs what the kernel has put off.
  void enter() { enter(0, Duration{0}, Duration{0}); }
  // The same, then waits: for `count` completions until `min_wait` has passed, then for one, `at_most` so
  // long. Duration::max(): without bound.
  void enter(unsigned count, Duration min_wait, Duration at_most);

  bool peek() const;
  // Takes the oldest completion; false when there is none.
  bool take(io_uring_cqe& completion);
  // The kernel has more than it put into the queue: call enter().
  bool holds_back() const;

 private:
  Ring() = default;
  unsigned flush();
  std::int32_t call(unsigned submit, unsigned count, unsigned flags,
                    const extra::GeteventsArgument& argument);
  io_uring ring_{};
  std::thread::id owner_ = std::this_thread::get_id();
  bool made_ = false;
};

// What setting up a ring failed with, in words that say what to do.
Error explain_refusal(int error);

}  // namespace ringpost::io
