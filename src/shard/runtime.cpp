#include "ringpost/shard/runtime.hpp"

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <sched.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/base/signals_blocked.hpp"
#include "ringpost/shard/await.hpp"

#include "topology.hpp"
#include "watchdog.hpp"

namespace ringpost::shard {

namespace {

// All threads pass a stage together.
class Gate {
 public:
  explicit Gate(std::size_t count) : count_(count) {}
  void pass() {
    std::unique_lock lock(mutex_);
    const std::size_t stage = stage_;
    if (++arrived_ == count_) {
      arrived_ = 0;
      ++stage_;
      changed_.notify_all();
    } else {
      changed_.wait(lock, [&] { return stage_ != stage; });
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_;
  std::size_t arrived_ = 0;
  std::size_t stage_ = 0;
};

// Calls of other threads to one core. The queue owns them; one item in the core's inbox says that there are some.
class ForeignCalls : InboxItem {
 public:
  ForeignCalls() : InboxItem(&ForeignCalls::run_all) {}
  void put(Core& core, std::function<void(Core&)> function) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || calls_.size() < kForeignCallsMax; });
    if (closed_) return;
    calls_.push_back(std::move(function));
    if (std::exchange(announced_, true)) return;
    lock.unlock();
    core.hand_in(*this);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  static void run_all(InboxItem& self, Core& here) {
    auto& calls = static_cast<ForeignCalls&>(self);
    std::deque<std::function<void(Core&)>> taken;
    {
      const std::lock_guard lock(calls.mutex_);
      taken.swap(calls.calls_);
      calls.announced_ = false;
      calls.changed_.notify_all();
    }
    for (auto& call : taken) call(here);
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void(Core&)>> calls_;
  bool announced_ = false;
  bool closed_ = false;
};

struct Seat {
  unsigned cpu = 0;
  std::thread thread;
  std::unique_ptr<io::Backend> backend;
  std::unique_ptr<Core> core;  // dies before its backend
  std::optional<Error> not_made;
  std::optional<Error> not_started;
  ForeignCalls calls;
};

Result<void> pin_to(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (const int error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set); error != 0)
    return fail_system(error, fmt::format("bind a core to CPU {}", cpu));
  return {};
}

// The calls before this one have had a whole turn, and the live tasks that others see are those after it.
Task<void> catch_up(Core& core, std::shared_ptr<std::atomic<std::size_t>> count) {
  co_await Yield{core};
  count->fetch_add(1);
}

io::BackendOptions backend_options(const CoreOptions& options) {
  return {.choice = options.backend,
          .submission_entries = options.submission_entries,
          .completion_entries = options.completion_entries,
          .receive_buffers = options.receive_buffers,
          .receive_buffer_size = options.receive_buffer_size};
}

}  // namespace

struct Runtime::State {
  State(const CoreOptions& chosen, const std::vector<unsigned>& cpus,
        std::function<Result<void>(Core&)> function)
      : options(chosen),
        start(std::move(function)),
        mesh(static_cast<unsigned>(cpus.size())),
        offload(options.offload_threads),
        seats(cpus.size()),
        gate(cpus.size() + 1) {
    for (std::size_t i = 0; i < cpus.size(); ++i) seats[i].cpu = cpus[i];
  }

  const CoreOptions options;
  const std::function<Result<void>(Core&)> start;
  Mesh mesh;
  OffloadPool offload;
  std::deque<Seat> seats;
  Gate gate;
  std::atomic<bool> exit{false};
  std::optional<Watchdog> watchdog;
  bool stopped = false;
  bool failed = false;
  std::size_t abandoned = 0;

  void run(unsigned index);
  Result<void> make(unsigned index);
  void turn_until_exit(Core& core);
  std::optional<Error> first_error(std::optional<Error> Seat::* kind) const;
  std::size_t live_tasks() const;
  void wait_until_idle(std::chrono::milliseconds bound);
  void end_turns();
  // Cores that must outlive the runtime: see keep_to_the_end.
  bool keeps() const { return abandoned != 0 || failed; }
};

// The stages of a core's thread; the gate keeps all of them, and the main thread, together.
void Runtime::State::run(unsigned index) {
  Seat& seat = seats[index];
  if (auto made = make(index); !made) seat.not_made = std::move(made).error();
  gate.pass();  // every core stands: from now on they may talk to one another
  if (!first_error(&Seat::not_made))
    if (auto begun = start(*seat.core); !begun) seat.not_started = std::move(begun).error();
  gate.pass();  // all have started
  if (!first_error(&Seat::not_made) && !first_error(&Seat::not_started)) turn_until_exit(*seat.core);
  gate.pass();  // none turns any more
  gate.pass();  // ~Runtime: nobody looks any more. A ring is torn down by the thread that used it
  if (keeps()) return;
  seat.core.reset();
  seat.backend.reset();
}

Result<void> Runtime::State::make(unsigned index) {
  Seat& seat = seats[index];
  if (options.pin) RP_CHECK(pin_to(seat.cpu));
  auto backend = io::make_backend(backend_options(options));
  if (!backend) return fail(std::move(backend).error().in(fmt::format("core {}", index)));
  seat.backend = *std::move(backend);
  seat.core = std::make_unique<Core>(Core::Parts{.index = index,
                                                 .backend = seat.backend.get(),
                                                 .mesh = &mesh,
                                                 .offload = &offload,
                                                 .options = &options,
                                                 .cpu = options.pin ? static_cast<int>(seat.cpu) : -1,
                                                 .node = options.pin ? node_of(seat.cpu) : -1});
  return {};
}

void Runtime::State::turn_until_exit(Core& core) {
  const Duration watched = options.watchdog == Duration{0} ? kIdleTurn : options.watchdog / 8;
  const Duration idle = std::min(kIdleTurn, watched);
  while (!exit.load(std::memory_order_acquire)) core.turn(core.now() + idle);
}

std::optional<Error> Runtime::State::first_error(std::optional<Error> Seat::* kind) const {
  for (const Seat& seat : seats)
    if (seat.*kind) return seat.*kind;
  return std::nullopt;
}

std::size_t Runtime::State::live_tasks() const {
  std::size_t count = 0;
  for (const Seat& seat : seats) count += seat.core->live_tasks_seen();
  return count;
}

// After what run_on was given before; a look each millisecond is cheap for the little time that a stop takes.
void Runtime::State::wait_until_idle(std::chrono::milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  const auto caught_up = std::make_shared<std::atomic<std::size_t>>(0);
  for (Seat& seat : seats)
    seat.calls.put(*seat.core, [caught_up](Core& here) { here.spawn(catch_up(here, caught_up)); });
  while ((caught_up->load() < seats.size() || live_tasks() > 0) &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Runtime::State::end_turns() {
  for (Seat& seat : seats) seat.calls.close();
  exit.store(true, std::memory_order_release);
  for (Seat& seat : seats)
    if (seat.core) seat.backend->wake();
  gate.pass();
  watchdog.reset();
  offload.stop();
  for (Seat& seat : seats)
    if (seat.core) abandoned += seat.core->live_tasks();
  stopped = true;
}

// For a runtime whose cores are still named by abandoned tasks, by operations in flight, or by services of a
// start that failed half way: it lives as long as the process, which is about to end. Reachable, so no leak
// checker complains.
void Runtime::keep_to_the_end(std::unique_ptr<State> state) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<State>>;
  const std::lock_guard lock(mutex);
  kept.push_back(std::move(state));
}

Result<std::unique_ptr<Runtime>> Runtime::start(const CoreOptions& options,
                                                std::function<Result<void>(Core&)> start) {
  const std::vector<unsigned> cpus = RP_TRY(cpus_to_use(options));
  const SignalsBlocked blocked;
  std::unique_ptr<Runtime> runtime(new Runtime(std::make_unique<State>(options, cpus, std::move(start))));
  State& state = *runtime->state_;
  for (unsigned i = 0; i < state.seats.size(); ++i) {
    state.seats[i].thread = std::thread([&state, i] { state.run(i); });
    pthread_setname_np(state.seats[i].thread.native_handle(), fmt::format("core-{}", i).c_str());
  }
  state.gate.pass();
  state.gate.pass();
  auto error = state.first_error(&Seat::not_made);
  if (!error) {
    error = state.first_error(&Seat::not_started);
    state.failed = error.has_value();
  }
  if (error) return fail(*std::move(error));  // and ~Runtime ends the threads
  if (options.watchdog != Duration{0}) {
    std::vector<const Core*> cores;
    for (const Seat& seat : state.seats) cores.push_back(seat.core.get());
    state.watchdog.emplace(std::move(cores), options.watchdog);
  }
  return runtime;
}

Runtime::Runtime(std::unique_ptr<State> state) : state_(std::move(state)) {}

Runtime::~Runtime() {
  if (!state_->stopped) state_->end_turns();
  state_->gate.pass();
  for (Seat& seat : state_->seats) seat.thread.join();
  if (state_->keeps()) keep_to_the_end(std::move(state_));
}

Result<std::vector<unsigned>> Runtime::cpus(const CoreOptions& options) {
  return cpus_to_use(options);
}

Result<unsigned> Runtime::core_count(const CoreOptions& options) {
  return static_cast<unsigned>(RP_TRY(cpus_to_use(options)).size());
}

unsigned Runtime::count() const {
  return static_cast<unsigned>(state_->seats.size());
}

Core& Runtime::core(unsigned index) {
  RP_ASSERT(index < count());
  return *state_->seats[index].core;
}

void Runtime::run_on(unsigned core, std::function<void(Core&)> function) {
  RP_ASSERT(core < count());
  state_->seats[core].calls.put(*state_->seats[core].core, std::move(function));
}

std::size_t Runtime::stop(std::chrono::milliseconds bound) {
  RP_ASSERT(!state_->stopped);
  state_->wait_until_idle(bound);
  state_->end_turns();
  return state_->abandoned;
}

std::string Runtime::describe() const {
  const io::Description& with = state_->seats.front().backend->describe();
  std::string line = fmt::format("{} core{} on {} ({}), kernel {}", count(), count() == 1 ? "" : "s",
                                 with.name, fmt::join(with.features, ", "), with.kernel);
  if (!with.why.empty()) line += fmt::format("; {}", with.why);
  return line;
}

}  // namespace ringpost::shard
