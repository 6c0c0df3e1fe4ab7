// What a coroutine on a core can wait for: an operation, a time, a signal, another core, the offload pool.
//
// Layer: runtime. Every awaitable resumes on the core it was awaited on. No allocation but the frames of offload and
//        ask. An awaitable is awaited once, and it and its coroutine live until it has resumed.
#pragma once

#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

// One operation with one completion: `std::int32_t result = co_await Await(core, op, deadline)`. Past the deadline it
// is cancelled; the result of the final completion is then -ETIME unless it had succeeded (a send may have succeeded in
// part). `cancel()` may be called from another flow of the same core: the result is then -ECANCELED unless it had
// succeeded; before the co_await, the operation is not started at all.
class [[nodiscard]] Await final : io::Operation, Timer {
 public:
  Await(Core& core, const io::Op& op, Instant deadline = Instant::never());
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> awaiting);
  std::int32_t await_resume() const noexcept { return result_; }
  void cancel() { give_up(-ECANCELED); }

 private:
  enum class Phase : std::uint8_t { before, in_flight, after };
  static void completed(io::Operation& self, const io::Completion& completion);
  static void expired(Timer& self);
  void give_up(std::int32_t why);
  Core& core_;
  io::Op op_;
  Instant deadline_;
  std::coroutine_handle<> awaiting_;
  std::int32_t result_ = 0;
  std::int32_t why_ = 0;  // given up: -ETIME or -ECANCELED
  Phase phase_ = Phase::before;
};

// Sleeps until the deadline; `cancel()` from another flow wakes it early (await_resume says false).
class [[nodiscard]] Sleep final : Timer {
 public:
  Sleep(Core& core, Instant until);
  Sleep(Core& core, Duration duration) : Sleep(core, core.now() + duration) {}
  bool await_ready() const noexcept { return cancelled_; }
  void await_suspend(std::coroutine_handle<> awaiting);
  bool await_resume() const noexcept { return !cancelled_; }
  void cancel();

 private:
  enum class Phase : std::uint8_t { before, asleep, after };
  static void expired(Timer& self);
  Core& core_;
  Instant until_;
  std::coroutine_handle<> awaiting_;
  Phase phase_ = Phase::before;
  bool cancelled_ = false;
};

// Waiters of one core that a later `notify` resumes (in FIFO order, later in the same turn). Remembers
// nothing: a notify without waiters is lost, so check the condition first, and again after the wait.
class Signal {
 public:
  explicit Signal(Core& core) : core_(core) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
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
  mutable IntrusiveList<Waiting, Signal> waiting_;
};

class [[nodiscard]] Signal::Waiting final : public ListLink<Signal>, Timer {
 public:
  Waiting(Signal& signal, Instant deadline);
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting);
  bool await_resume() const noexcept { return notified_; }

 private:
  friend class Signal;
  static void expired(Timer& self);
  void notify();
  Signal& signal_;
  Instant deadline_;
  std::coroutine_handle<> awaiting_;
  bool notified_ = false;
};

// Gives the core to others and goes on in the next turn.
struct [[nodiscard]] Yield {
  Core& core;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) const { core.schedule_next_turn(awaiting); }
  void await_resume() const noexcept {}
};

// Runs `function` on the offload pool (or inline, in the simulator) and resumes here with what it returned.
// The function touches nothing that the core owns; an exception that leaves it ends the process. Past
// kOffloadPerCore it waits for its turn. `auto hash = co_await offload(core, [..]{ ... });`
template <class F>
Task<std::invoke_result_t<F&>> offload(Core& core, F function);

// Runs `function(Core& there) -> R` on the core `there`, while it stands in this coroutine's frame, and
// resumes here with its result. R owns nothing of the other core (no Block, no Task). Past kAskCredits in
// flight to that core it waits for its turn; the answer always finds room. `auto depth = co_await ask(core,
// 3, [](Core& there) { ... });`
template <class F>
Task<std::invoke_result_t<F&, Core&>> ask(Core& core, unsigned there, F function);

}  // namespace ringpost::shard

#include "ringpost/shard/await_inline.hpp"  // IWYU pragma: keep
