#include "ringpost/shard/core.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

#include "calls.hpp"
#include "core_figures.hpp"

namespace ringpost::shard {

namespace {

const CoreOptions& defaults() {
  static const CoreOptions options;
  return options;
}

const CoreOptions& options_of(const Core::Parts& parts) {
  return parts.options == nullptr ? defaults() : *parts.options;
}

}  // namespace

// The coroutine around a root task: counts it, and its frame dies by itself at the end.
struct Core::Root {
  struct promise_type {
    promise_type(Core& core, Task<void>&) : core_(core) { ++core_.live_tasks_; }
    ~promise_type() { --core_.live_tasks_; }
    Root get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    static void* operator new(std::size_t size, Core& core, Task<void>&) {
      return ringpost::detail::FrameMemory::take(size, &core.frames_);
    }
    static void operator delete(void* frame, std::size_t size) noexcept {
      ringpost::detail::FrameMemory::give_back(frame, size);
    }
    Core& core_;
  };
};

Core::Root Core::run_root(Core&, Task<void> task) {
  co_await std::move(task);
}

Core::Core(const Parts& parts)
    : index_(parts.index),
      backend_(parts.backend),
      own_mesh_(parts.mesh == nullptr ? std::make_unique<Mesh>(1) : nullptr),
      mesh_(parts.mesh == nullptr ? own_mesh_.get() : parts.mesh),
      offload_(parts.offload),
      wait_(options_of(parts).wait),
      buffers_(Bytes{options_of(parts).memory_limit.count / kBufferPartOfMemory}),
      own_figures_(std::make_unique<Figures>(figures_)),
      now_(backend_->now()),
      wall_now_(backend_->wall_now()),
      timers_(now_),
      completions_(kCompletionsPerTurn),
      calls_(std::make_unique<Calls>(*this)) {
  mesh_->attach(index_, *backend_);
}

Core::~Core() {
  RP_ASSERT(live_tasks_ == 0);
}

void Core::spawn(Task<void> task) {
  RP_ASSERT(task.handle());
  run_root(*this, std::move(task));
}

bool Core::post(unsigned core, const Message& message) {
  if (core == index_) {
    if (to_self_.size() == kRingMessagesMax) return false;
    to_self_.push_back(message);
    return true;
  }
  const bool sent = mesh_->push(index_, core, message);
  (sent ? own_figures_->messages_sent : own_figures_->rings_full).add();
  return sent;
}

void Core::hand_in(InboxItem& item) noexcept {
  inbox_.put(item);
  mesh_->wake(index_);
}

std::size_t Core::live_tasks_seen() const noexcept {
  return static_cast<std::size_t>(own_figures_->live_tasks.value());
}
std::uint64_t Core::turns_seen() const noexcept {
  return own_figures_->turns.value();
}

bool Core::has_work() const {
  return !ready_.empty() || !next_turn_.empty() || !to_self_.empty() || !batch_.empty() || !inbox_.empty() ||
         mesh_->pending(index_) || timers_.next() <= backend_->now();
}

std::size_t Core::turn(Instant until) {
  const std::size_t completed = poll(until);
  complete(completed);
  const std::size_t messages = run_messages();
  const std::size_t fired = timers_.advance(now_, kTimersPerTurn);
  own_figures_->timers_fired.add(fired);
  const std::size_t resumed = run_rounds();
  end_turn();
  return completed + messages + fired + resumed;
}

// Enters the kernel once: hands over the batch of the last turn, waits if there is nothing else to do, and collects.
std::size_t Core::poll(Instant until) {
  submit_batch();  // what was given before the first turn must not wait for its end
  const bool more_to_do = !ready_.empty() || !next_turn_.empty() || !to_self_.empty();
  io::Wait wait = plan_wait(until);
  bool waits = !more_to_do && wait_ != WaitStrategy::busy_poll && wait.until > now_;
  if (waits) {
    mesh_->publish_asleep(index_);
    waits = !mesh_->pending(index_) && inbox_.empty();  // the second look: see Mesh
  }
  if (!waits) wait = {.until = now_ - 1ns};
  const Instant before = backend_->now();
  const Duration busy = before - now_;
  const std::size_t count = backend_->poll(completions_, wait);
  mesh_->publish_awake(index_);
  now_ = backend_->now();
  wall_now_ = backend_->wall_now();

  own_figures_->turns.add();
  (waits ? own_figures_->idle_ns : own_figures_->busy_ns)
      .add(static_cast<std::uint64_t>((now_ - before).count()));
  own_figures_->busy_ns.add(static_cast<std::uint64_t>(busy.count()));
  own_figures_->turn_ns.record(static_cast<std::uint64_t>(busy.count()));
  if (busy > kStall) own_figures_->stalls.add();
  return count;
}

// A core whose recent turns brought several completions each waits for as many again, but not for long.
io::Wait Core::plan_wait(Instant until) const {
  io::Wait wait{.until = std::min(until, timers_.next())};
  const std::uint32_t recent = recent_completions_ / 8;
  if (wait_ == WaitStrategy::adaptive && recent > 1) {
    wait.batch_min = std::min(recent, kAwaitedMax);
    wait.linger = kLinger;
  }
  return wait;
}

void Core::complete(std::size_t count) {
  recent_completions_ = recent_completions_ - recent_completions_ / 8 + static_cast<std::uint32_t>(count);
  if (count == 0) return;
  own_figures_->completions.add(count);
  own_figures_->completions_per_turn.record(count);
  for (std::size_t i = 0; i < count; ++i) {
    const io::Completion& completion = completions_[i];
    completion.operation->complete(*completion.operation, completion);
  }
}

std::size_t Core::run_messages() {
  std::size_t count = mesh_->run_messages(*this, index_, kMessagesPerRingAndTurn);
  own_figures_->messages_received.add(count);
  for (InboxItem* item = inbox_.take_all(); item != nullptr; ++count) {
    InboxItem* next = item->next;
    item->run(*item, *this);
    item = next;
  }
  return count;
}

// What runs makes more ready: in rounds, so that two flows which wake each other do not keep the core.
std::size_t Core::run_rounds() {
  ready_.insert(ready_.begin(), next_turn_.begin(), next_turn_.end());
  next_turn_.clear();
  std::size_t count = 0;
  for (unsigned round = 0; round < kRoundsPerTurn && (!ready_.empty() || !to_self_.empty()); ++round) {
    running_.swap(ready_);
    running_to_self_.swap(to_self_);
    for (const std::coroutine_handle<> handle : running_) handle.resume();
    for (Message& message : running_to_self_) message.run(*this, message.payload);
    count += running_.size() + running_to_self_.size();
    running_.clear();
    running_to_self_.clear();
  }
  return count;
}

void Core::submit_batch() {
  if (batch_.empty()) return;
  backend_->submit(batch_);
  batch_.clear();
}

void Core::end_turn() {
  hooks_.for_each([](TurnHook& hook) { hook.run(hook); });
  submit_batch();
  own_figures_->buffer_bytes.set(static_cast<std::int64_t>(buffers_.in_use().count));
  own_figures_->frame_bytes.set(static_cast<std::int64_t>(frames_.live_bytes()));
  own_figures_->live_tasks.set(static_cast<std::int64_t>(live_tasks_));
}

void Core::start_offload(OffloadWork& work) {
  own_figures_->offloaded.add();
  if (offload_ == nullptr) {
    work.work(work);
    schedule(work.awaiting);
  } else if (offload_count_ < kOffloadPerCore) {
    ++offload_count_;
    offload_->push(work);
  } else {
    offload_waiting_.push(work);
  }
}

void Core::end_offload() {
  RP_ASSERT(offload_count_ > 0);
  if (OffloadWork* next = offload_waiting_.pop())
    offload_->push(*next);
  else
    --offload_count_;
}

}  // namespace ringpost::shard
