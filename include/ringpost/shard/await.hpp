// What a coroutine on a core can wait for: an operation, a time, a signal, another core, the offload pool.
//
// Layer: runtime. Every awaitable resumes on the core it was awaited on. No allocation but for offload and ask.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

// One operation with one completion: `std::int32_t result = co_await Await(core, op, deadline)`.
// Past the deadline it is cancelled; the result of the final completion is then -ETIME unless it had succeeded.
// `cancel()` may be called from another flow of the same core: the result is then -ECANCELED unless it had succeeded.
class Await final : io::Operation, Timer {
 public:
  Await(Core& core, const io::Op& op, Instant deadline = Instant::never());
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting);
  std::int32_t await_resume() const noexcept { return result_; }
  void cancel();

 private:
  static void completed(io::Operation& self, const io::Completion& completion);
  static void expired(Timer& self);
  void give_up(std::int32_t why);
  Core& core_;
  io::Op op_;
  Instant deadline_;
  std::coroutine_handle<> awaiting_;
  std::int32_t result_ = 0;
  std::int32_t why_ = 0;
};

// Sleeps until the deadline; `cancel()` from another flow wakes it early (await_resume says false).
class Sleep final : Timer {
 public:
  Sleep(Core& core, Instant until);
  Sleep(Core& core, Duration duration) : Sleep(core, core.now() + duration) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting);
  bool await_resume() const noexcept { return !cancelled_; }
  void cancel();

 private:
  Core& core_;
  Instant until_;
  std::coroutine_handle<> awaiting_;
  bool cancelled_ = false;
};

// Waiters of one core that a later `notify` resumes (in FIFO order, later in the same turn).
class Signal {
 public:
  explicit Signal(Core& core) : core_(core) {}
  Signal(const Signal&) = delete;
  ~Signal();  // nobody may wait

  class Waiting;
  // `bool notified = co_await signal.wait(deadline)`; false when the deadline passed first.
  Waiting wait(Instant deadline = Instant::never());
  void notify_one();
  void notify_all();
  bool has_waiters() const;

 private:
  friend class Waiting;
  Core& core_;
  IntrusiveList<Waiting, Signal> waiting_;
};

class Signal::Waiting final : public ListLink<Signal>, Timer {
 public:
  Waiting(Signal& signal, Instant deadline);
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting);
  bool await_resume() const noexcept { return notified_; }

 private:
  friend class Signal;
  Signal& signal_;
  Instant deadline_;
  std::coroutine_handle<> awaiting_;
  bool notified_ = false;
};

// Gives the core to others and goes on in the next turn.
struct Yield {
  Core& core;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting);
  void await_resume() const noexcept {}
};

// Runs `function` on the offload pool (or inline, in the simulator) and resumes here with what it returned.
// Bounded: when the pool's queue is full it waits for room. `auto hash = co_await offload(core, [..]{ ... });`
template <class F>
Task<std::invoke_result_t<F>> offload(Core& core, F function);

// Runs `function(Core& there) -> R` on another core and resumes here with its result (trivially copyable, small).
// Waits for room in the ring without blocking the core; keeps one credit for the answer.
template <class F>
Task<std::invoke_result_t<F, Core&>> ask(Core& core, unsigned there, F function);

}  // namespace ringpost::shard

#include "ringpost/shard/await_inline.hpp"  // IWYU pragma: keep
