// One core: a thread, a ring, a clock, its timers, its pools, and the rings to the other cores.
//
// Layer:  runtime (base, buffer, observe, io). Owner: its thread; every member is for that thread unless it says so.
// Turn:   submit what was queued, wait, collect completions -> resume what they woke -> messages from other cores and
//         threads -> due timers -> scheduled coroutines -> turn-end hooks (the journal seals its frame here). One entry
//         into the kernel a turn.
// Limits: shard/limits.hpp. Each kind of work has its own budget of a turn, so none starves another.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ringpost/base/frame_pool.hpp"
#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/buffer/pool.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/observe/event_ring.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/observe/trace.hpp"
#include "ringpost/shard/inbox.hpp"
#include "ringpost/shard/limits.hpp"
#include "ringpost/shard/mesh.hpp"
#include "ringpost/shard/message.hpp"
#include "ringpost/shard/offload.hpp"
#include "ringpost/shard/options.hpp"
#include "ringpost/shard/stalls.hpp"
#include "ringpost/shard/timer_wheel.hpp"

namespace ringpost::shard {

class Calls;
class Listener;

// Called at the end of every turn, before submission. Lives as long as it is registered; leaves the list when
// it dies, but never while another hook runs.
struct TurnHook : ListLink<TurnHook> {
  using Run = void (*)(TurnHook& self);
  explicit TurnHook(Run function) : run(function) {}
  Run run;
};

class Core {
 public:
  struct Parts {  // what the runtime (or the simulator) puts a core together from
    unsigned index = 0;
    io::Backend* backend = nullptr;        // outlives the core
    Mesh* mesh = nullptr;                  // null: the only core
    OffloadPool* offload = nullptr;        // null: offloaded work runs at once on the core
    const CoreOptions* options = nullptr;  // null: the defaults
    int cpu = -1;                          // it is bound to this one; -1: to none
    int node = -1;                         // of NUMA, of that CPU; -1: not known
  };
  explicit Core(const Parts& parts);
  ~Core();  // no root task is alive
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  unsigned index() const { return index_; }
  unsigned count() const { return mesh_->count(); }  // how many cores there are
  int cpu() const { return cpu_; }                   // it is bound to this one; -1: to none
  int node() const { return node_; }                 // of NUMA, of that CPU; -1: not known
  io::Backend& backend() { return *backend_; }
  Mesh& mesh() { return *mesh_; }
  FramePool& frames() { return frames_; }
  buffer::Pool& buffers() { return buffers_; }
  // Any thread may read the figures, and one thread drain the events.
  observe::Registry& figures() { return figures_; }
  observe::EventRing& events() { return events_; }
  TimerWheel& timers() { return timers_; }
  const StallLog& stalls() const { return stalls_; }
  // Where sessions tell what is spoken; null while nobody traces. Who sets one takes it away before it dies.
  observe::Trace* trace() const { return trace_; }
  void set_trace(observe::Trace* trace) { trace_ = trace; }
  friend FramePool& frame_pool(Core& core) { return core.frames_; }

  // The clocks as read at the start of this turn.
  Instant now() const { return now_; }
  WallTime wall_now() const { return wall_now_; }
  std::uint64_t random() { return backend_->random(); }

  // Joins this turn's batch.
  void submit(const io::Op& op) { batch_.push_back(op); }
  // Does not wait for the turn's end: for a large write, which the disk can do while this turn goes on. Costs an entry into the
  // kernel.
  void submit_at_once(io::Op op) {
    op.at_once = true;
    submit(op);
    submit_batch();
  }
  // Starts a root task now, on this stack; it runs until its first suspension and frees itself at its end.
  void spawn(Task<void> task);
  // Resumes later in this turn (or in the next when the turn's budget is spent). Until then the coroutine must live.
  void schedule(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  // Resumes in the next turn, after that turn's completions.
  void schedule_next_turn(std::coroutine_handle<> handle) { next_turn_.push_back(handle); }
  void at_turn_end(TurnHook& hook) { hooks_.push_back(hook); }

  // Puts a message into the ring to `core`; false when it is full: the caller keeps it (shard::Outbox does)
  // and never blocks. A message to oneself runs later in this turn.
  [[nodiscard]] bool post(unsigned core, const Message& message);
  // Any thread that is not a core's: `item.run` is called here soon. The item lives until then.
  void hand_in(InboxItem& item) noexcept;

  // Root tasks alive. A stopped core runs until this is 0 or its bound passes.
  std::size_t live_tasks() const { return live_tasks_; }
  // The same, and the turns so far, for other threads to look at.
  std::size_t live_tasks_seen() const noexcept;
  std::uint64_t turns_seen() const noexcept;

  // One turn; waits for work until `until` at the most. The runtime's loop and the simulator call it. Says
  // how many completions, messages, timers and coroutines it ran.
  std::size_t turn(Instant until);
  // True when a turn would do something without waiting (what the backend has is not counted).
  bool has_work() const;

  // What runs from now on, for the record of stalls. Said by whoever resumes a coroutine or runs a message.
  void runs(const void* code) noexcept { running_code_ = code; }
  // A frame begins with the address where its coroutine goes on.
  void runs(std::coroutine_handle<> handle) noexcept {
    running_code_ = *static_cast<const void* const*>(handle.address());
  }
  // One message of several has run.
  void message_ended() noexcept;

  // For the awaitables of await.hpp.
  void start_offload(OffloadWork& work);
  void end_offload();
  Calls& calls() { return *calls_; }

 private:
  friend class Listener;
  struct Root;
  struct Figures;
  static Root run_root(Core& core, Task<void> task);
  std::size_t poll(Instant until);
  io::Wait plan_wait(Instant until) const;
  void complete(std::size_t count);
  std::size_t run_messages();
  std::size_t run_rounds();
  void submit_batch();
  void end_turn();
  void piece_ended(TurnPhase phase) noexcept;
  void count_turn(Duration busy, Duration in_kernel, bool waited);
  void note_stall(Stall stall);
  void look_at_thread();

  unsigned index_;
  int cpu_;
  int node_;
  io::Backend* backend_;
  std::unique_ptr<Mesh> own_mesh_;
  Mesh* mesh_;
  OffloadPool* offload_;
  WaitStrategy wait_;
  FramePool frames_;
  buffer::Pool buffers_;
  observe::Registry figures_;
  std::unique_ptr<Figures> own_figures_;
  observe::EventRing events_;
  StallLog stalls_;
  observe::Trace* trace_ = nullptr;
  const void* running_code_ = nullptr;
  Instant now_;
  WallTime wall_now_;
  TimerWheel timers_;
  std::vector<io::Op> batch_;
  std::vector<io::Completion> completions_;
  std::uint32_t recent_completions_ = 0;  // a running mean, times 8
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
  std::vector<std::coroutine_handle<>> next_turn_;
  std::vector<Message> to_self_;
  std::vector<Message> running_to_self_;
  Inbox inbox_;
  OffloadQueue offload_waiting_;
  std::size_t offload_count_ = 0;
  IntrusiveList<TurnHook, TurnHook> hooks_;
  std::array<Listener*, kListenersMax> listeners_{};
  std::size_t live_tasks_ = 0;
  std::unique_ptr<Calls> calls_;
};

}  // namespace ringpost::shard
