#include "ringpost/shard/core.hpp"

#include <algorithm>

#include <time.h>

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
      cpu_(parts.cpu),
      node_(parts.node),
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
  own_figures_->buffer_limit.set(static_cast<std::int64_t>(buffers_.budget().count));
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
  if (fired != 0) {
    own_figures_->timers_fired.add(fired);
    piece_ended(TurnPhase::timers);
  }
  const std::size_t resumed = run_rounds();
  if (const std::size_t pieces = messages + fired + resumed; pieces != 0)
    own_figures_->turn_pieces.record(pieces);
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

  count_turn(busy, now_ - before, waits);
  return count;
}

// Of the turn that has just ended, and of the entry into the kernel after it.
void Core::count_turn(Duration busy, Duration in_kernel, bool waited) {
  Figures& figures = *own_figures_;
  figures.turns.add();
  (waited ? figures.idle_ns : figures.busy_ns).add(static_cast<std::uint64_t>(in_kernel.count()));
  figures.busy_ns.add(static_cast<std::uint64_t>(busy.count()));
  // Before its first turn a core is being made, and nobody waits for it yet.
  if (busy > kStall && figures.turns.value() > 1) note_stall(figures.watch.blame(busy));
  if (!waited && in_kernel > kStall)
    note_stall({.length = in_kernel, .phase = TurnPhase::kernel, .phase_length = in_kernel, .pieces = 1});
  if (now_ - figures.look.at >= kThreadLook) look_at_thread();
  figures.watch.begin(ticks());
  running_code_ = nullptr;
}

// Since the last look the thread counted itself busy for longer than the kernel let it run: the rest, or less, was in
// this stall.
void Core::note_stall(Stall stall) {
  Figures& figures = *own_figures_;
  const Duration busy{static_cast<std::int64_t>(figures.busy_ns.value() - figures.look.busy_ns)};
  const Duration ran = backend_->thread_time() - figures.look.thread_time;
  stall.off_cpu = std::clamp(busy - ran, Duration{0}, stall.length);
  stall.time = wall_now_;
  figures.stalls.add();
  figures.stall_ns.record(static_cast<std::uint64_t>(stall.length.count()));
  figures.stalls_in[static_cast<std::size_t>(stall.phase)].add();
  stalls_.add(stall);
}

void Core::look_at_thread() {
  Figures& figures = *own_figures_;
  const Duration spent = backend_->thread_time();
  const auto spent_ns = static_cast<std::uint64_t>(spent.count());
  figures.cpu_ns.add(spent_ns - std::min(spent_ns, figures.cpu_ns.value()));
  figures.look = {.at = now_, .thread_time = spent, .busy_ns = figures.busy_ns.value()};
  const io::Load load = backend_->load();
  figures.receive_buffers.set(load.receive_buffers);
  figures.receive_buffers_taken.set(load.receive_buffers_taken_max);
  figures.receive_buffers_short.add(load.receive_buffers_short);
  figures.operations.set(static_cast<std::int64_t>(load.operations));
}

void Core::piece_ended(TurnPhase phase) noexcept {
  own_figures_->watch.piece(phase, running_code_, ticks());
  running_code_ = nullptr;
}

void Core::message_ended() noexcept {
  piece_ended(TurnPhase::messages);
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
    runs(reinterpret_cast<const void*>(completion.operation->complete));
    completion.operation->complete(*completion.operation, completion);
    piece_ended(TurnPhase::completions);
  }
}

std::size_t Core::run_messages() {
  std::size_t count = mesh_->run_messages(*this, index_, kMessagesPerRingAndTurn);
  own_figures_->messages_received.add(count);
  for (InboxItem* item = inbox_.take_all(); item != nullptr; ++count) {
    InboxItem* next = item->next;
    runs(reinterpret_cast<const void*>(item->run));
    item->run(*item, *this);
    message_ended();
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
    for (const std::coroutine_handle<> handle : running_) {
      runs(handle);
      handle.resume();
      piece_ended(TurnPhase::coroutines);
    }
    for (Message& message : running_to_self_) {
      runs(reinterpret_cast<const void*>(message.run));
      message.run(*this, message.payload);
      message_ended();
    }
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
  hooks_.for_each([this](TurnHook& hook) {
    runs(reinterpret_cast<const void*>(hook.run));
    hook.run(hook);
    piece_ended(TurnPhase::hooks);
  });
  submit_batch();
  piece_ended(TurnPhase::submission);
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
