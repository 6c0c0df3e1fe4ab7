// One core: a thread, a ring, a clock, its timers, its pools, and the rings to the other cores.
//
// Layer: runtime (base, buffer, observe, io). Owner: its thread; every member is for that thread unless it says so.
// Turn:  collect completions -> resume what they woke -> messages from other cores -> due timers -> scheduled
//        coroutines -> turn-end hooks (the journal seals its frame here) -> submit everything at once -> wait.
// Limits: shard/limits.hpp.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "ringpost/base/frame_pool.hpp"
#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/buffer/pool.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/observe/event_ring.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/options.hpp"
#include "ringpost/shard/timer_wheel.hpp"

namespace ringpost::shard {

class Core;
class OffloadPool;
class Mesh;

// What one core says to another: a function and up to 48 bytes, copied through a bounded SPSC ring. Bytes of mail do
// not travel; a pointer to immutable bytes may, if the sender keeps them until the answer.
struct Message {
  static constexpr std::size_t kPayload = 48;
  using Run = void (*)(Core& here, void* payload);
  Run run = nullptr;
  alignas(8) std::byte payload[kPayload]{};

  // From any trivially copyable callable `void(Core& here)`.
  template <class F>
  static Message make(F function) {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= kPayload && alignof(F) <= 8);
    Message message;
    ::new (message.payload) F(function);
    message.run = [](Core& here, void* payload) { (*std::launder(static_cast<F*>(payload)))(here); };
    return message;
  }
};

// Called at the end of every turn, before submission. Lives as long as it is registered.
struct TurnHook : ListLink<TurnHook> {
  using Run = void (*)(TurnHook& self);
  explicit TurnHook(Run function) : run(function) {}
  Run run;
};

class Core {
 public:
  struct Parts {  // what the runtime (or the simulator) puts a core together from
    unsigned index = 0;
    io::Backend* backend = nullptr;
    Mesh* mesh = nullptr;             // rings between the cores
    OffloadPool* offload = nullptr;
    const CoreOptions* options = nullptr;
  };
  explicit Core(const Parts& parts);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  unsigned index() const { return index_; }
  unsigned count() const;  // how many cores there are
  io::Backend& backend() { return *backend_; }
  OffloadPool& offload() { return *offload_; }
  FramePool& frames() { return frames_; }
  buffer::Pool& buffers() { return buffers_; }
  observe::Registry& figures() { return figures_; }
  observe::EventRing& events() { return events_; }
  TimerWheel& timers() { return timers_; }
  friend FramePool& frame_pool(Core& core) { return core.frames_; }

  // The clocks as read at the start of this turn.
  Instant now() const { return now_; }
  WallTime wall_now() const { return wall_now_; }
  std::uint64_t random() { return backend_->random(); }

  // Joins this turn's batch.
  void submit(const io::Op& op) { batch_.push_back(op); }
  // Starts a root task now, on this stack; it runs until its first suspension and frees itself at its end.
  void spawn(Task<void> task);
  // Resumes later in this turn (or in the next when the turn's budget is spent).
  void schedule(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  void at_turn_end(TurnHook& hook) { hooks_.push_back(hook); }

  // Puts a message into the ring to `core`; false when it is full: the caller keeps it (shard::Outbox does) and never
  // blocks. A message to oneself runs later in this turn.
  [[nodiscard]] bool post(unsigned core, const Message& message);

  // Root tasks alive. A stopped core runs until this is 0 or its bound passes.
  std::size_t live_tasks() const { return live_tasks_; }

  // One turn; waits for work until `until` at the most. The runtime's loop and the simulator call it.
  void turn(Instant until);
  // True when a turn would do something without waiting.
  bool has_work() const;

 private:
  friend class Runtime;
  struct Root;
  struct Figures;
  unsigned index_;
  io::Backend* backend_;
  Mesh* mesh_;
  OffloadPool* offload_;
  const CoreOptions* options_;
  FramePool frames_;
  buffer::Pool buffers_;
  observe::Registry figures_;
  observe::EventRing events_;
  Instant now_;
  WallTime wall_now_;
  TimerWheel timers_;
  std::vector<io::Op> batch_;
  std::vector<io::Completion> completions_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
  std::vector<Message> to_self_;
  IntrusiveList<TurnHook, TurnHook> hooks_;
  std::size_t live_tasks_ = 0;
  std::unique_ptr<Figures> own_figures_;
};

}  // namespace ringpost::shard
