#include "ringpost/shard/await.hpp"

#include <cerrno>

#include "ringpost/base/assert.hpp"

#include "calls.hpp"

namespace ringpost::shard {

Await::Await(Core& core, const io::Op& op, Instant deadline)
    : io::Operation(&Await::completed), Timer(&Await::expired), core_(core), op_(op), deadline_(deadline) {}

bool Await::await_ready() noexcept {
  if (why_ == 0) return false;
  phase_ = Phase::after;
  result_ = why_;
  return true;
}

void Await::await_suspend(std::coroutine_handle<> awaiting) {
  RP_ASSERT(phase_ == Phase::before);
  awaiting_ = awaiting;
  phase_ = Phase::in_flight;
  op_.operation = this;
  core_.submit(op_);
  core_.timers().arm(*this, deadline_);
}

void Await::completed(io::Operation& self, const io::Completion& completion) {
  auto& await = static_cast<Await&>(self);
  RP_ASSERT(await.phase_ == Phase::in_flight && !completion.more);
  await.core_.timers().disarm(await);
  await.phase_ = Phase::after;
  await.result_ = completion.result < 0 && await.why_ != 0 ? await.why_ : completion.result;
  await.core_.runs(await.awaiting_);
  await.awaiting_.resume();
}

void Await::expired(Timer& self) {
  static_cast<Await&>(self).give_up(-ETIME);
}

void Await::give_up(std::int32_t why) {
  if (why_ != 0 || phase_ == Phase::after) return;
  why_ = why;
  if (phase_ == Phase::in_flight)
    core_.submit({.kind = io::OpKind::cancel, .handle = op_.handle, .target = this});
}

Sleep::Sleep(Core& core, Instant until) : Timer(&Sleep::expired), core_(core), until_(until) {}

void Sleep::await_suspend(std::coroutine_handle<> awaiting) {
  RP_ASSERT(phase_ == Phase::before);
  awaiting_ = awaiting;
  phase_ = Phase::asleep;
  core_.timers().arm(*this, until_);
}

void Sleep::expired(Timer& self) {
  auto& sleep = static_cast<Sleep&>(self);
  sleep.phase_ = Phase::after;
  sleep.core_.runs(sleep.awaiting_);
  sleep.awaiting_.resume();
}

void Sleep::cancel() {
  if (cancelled_ || phase_ == Phase::after) return;
  cancelled_ = true;
  if (phase_ == Phase::before) return;  // it will not begin
  phase_ = Phase::after;
  core_.timers().disarm(*this);
  core_.schedule(awaiting_);
}

Signal::~Signal() {
  RP_ASSERT(waiting_.empty());
}

Signal::Waiting Signal::wait(Instant deadline) {
  return {*this, deadline};
}

bool Signal::has_waiters() const {
  return !waiting_.empty();
}

void Signal::notify_one() {
  if (Waiting* waiting = waiting_.pop_front()) waiting->notify();
}

void Signal::notify_all() {
  while (Waiting* waiting = waiting_.pop_front()) waiting->notify();
}

Signal::Waiting::Waiting(Signal& signal, Instant deadline)
    : Timer(&Waiting::expired), signal_(signal), deadline_(deadline) {}

void Signal::Waiting::await_suspend(std::coroutine_handle<> awaiting) {
  awaiting_ = awaiting;
  signal_.waiting_.push_back(*this);
  signal_.core_.timers().arm(*this, deadline_);
}

void Signal::Waiting::notify() {
  notified_ = true;
  signal_.core_.timers().disarm(*this);
  signal_.core_.schedule(awaiting_);
}

void Signal::Waiting::expired(Timer& self) {
  auto& waiting = static_cast<Waiting&>(self);
  static_cast<ListLink<Signal>&>(waiting).unlink();
  waiting.signal_.core_.runs(waiting.awaiting_);
  waiting.awaiting_.resume();
}

void detail::Asking::await_suspend(std::coroutine_handle<> handle) {
  awaiting = handle;
  home.calls().start(*this);
}

}  // namespace ringpost::shard
