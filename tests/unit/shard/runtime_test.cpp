#include "ringpost/shard/runtime.hpp"

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "ringpost/shard/await.hpp"
#include "ringpost/shard/outbox.hpp"

#include "shard/topology.hpp"

namespace ringpost::shard {
namespace {

std::vector<unsigned> allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

// At most two cores, so that a large machine does not make the tests slow.
CoreOptions few(std::string backend = "epoll") {
  CoreOptions options;
  std::vector<unsigned> cpus = allowed();
  if (cpus.size() > 2) cpus.resize(2);
  options.use = cpus;
  options.backend = std::move(backend);
  options.receive_buffers = 1_MiB;
  options.watchdog = 0s;
  return options;
}

std::unique_ptr<Runtime> started(
    const CoreOptions& options,
    std::function<Result<void>(Core&)> start = [](Core&) { return Result<void>(); }) {
  auto runtime = Runtime::start(options, std::move(start));
  EXPECT_TRUE(runtime) << (runtime ? "" : runtime.error().text);
  return runtime ? *std::move(runtime) : nullptr;
}

TEST(Topology, physical_leaves_out_the_second_threads) {
  EXPECT_EQ(physical_only({{0, 1}, {2, 3}}, {0, 1, 2, 3}), (std::vector<unsigned>{0, 2}));
  EXPECT_EQ(physical_only({{0, 1}, {2, 3}}, {1, 2, 3}), (std::vector<unsigned>{2, 1}));
  EXPECT_EQ(physical_only({{0, 4}}, {0, 4, 9}), (std::vector<unsigned>{0, 9}));
  EXPECT_EQ(physical_only({}, {5, 3}), (std::vector<unsigned>{5, 3}));
}

TEST(Topology, takes_one_cpu_of_each_physical_core_first) {
  const std::vector<PhysicalCore> machine{{0, 4}, {1, 5}, {2}, {3, 7}};
  EXPECT_EQ(ordered_cpus(machine, {0, 1, 2, 3, 4, 5, 7}), (std::vector<unsigned>{0, 1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(ordered_cpus({{0, 1}, {2, 3}}, {0, 1, 2, 3}), (std::vector<unsigned>{0, 2, 1, 3}));
  EXPECT_EQ(ordered_cpus({{0, 1}, {2, 3}}, {1, 2}), (std::vector<unsigned>{2, 1}));
  EXPECT_EQ(ordered_cpus({}, {5, 3}), (std::vector<unsigned>{5, 3}));
  EXPECT_EQ(ordered_cpus({{0}}, {0, 9}), (std::vector<unsigned>{0, 9}));
}

TEST(Topology, all_is_every_cpu_that_the_process_may_use_once) {
  const auto cpus = cpus_to_use(CoreOptions{});
  ASSERT_TRUE(cpus);
  const std::vector<unsigned> may = allowed();
  EXPECT_EQ(std::set<unsigned>(cpus->begin(), cpus->end()), std::set<unsigned>(may.begin(), may.end()));
  EXPECT_EQ(cpus->size(), may.size());
}

TEST(Runtime, refuses_a_cpu_that_it_may_not_use_by_name) {
  CoreOptions options = few();
  options.use = std::vector<unsigned>{1023};
  const auto runtime = Runtime::start(options, [](Core&) { return Result<void>(); });
  ASSERT_FALSE(runtime);
  EXPECT_THAT(runtime.error().text, testing::HasSubstr("CPU 1023"));
}

TEST(Topology, without_pinning_only_the_number_of_cpus_counts) {
  CoreOptions options;
  options.use = std::vector<unsigned>{1022, 1023};
  EXPECT_FALSE(cpus_to_use(options));
  options.pin = false;
  const auto cpus = cpus_to_use(options);
  ASSERT_TRUE(cpus) << cpus.error().text;
  EXPECT_EQ(cpus->size(), 2U);
}

TEST(Runtime, starts_every_core_on_its_own_cpu_under_its_name_without_signals) {
  const CoreOptions options = few();
  const auto& cpus = std::get<std::vector<unsigned>>(options.use);
  std::atomic<unsigned> begun{0};
  const auto runtime = started(options, [&](Core& core) -> Result<void> {
    EXPECT_EQ(static_cast<unsigned>(sched_getcpu()), cpus[core.index()]);
    char name[16];
    pthread_getname_np(pthread_self(), name, sizeof(name));
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_TRUE(sigismember(&blocked, SIGTERM));
    EXPECT_EQ(core.count(), cpus.size());
    ++begun;
    return {};
  });
  EXPECT_EQ(begun, cpus.size());
  EXPECT_EQ(runtime->count(), cpus.size());
  EXPECT_THAT(runtime->describe(), testing::HasSubstr("on epoll"));
  EXPECT_EQ(runtime->stop(10s), 0U);
}

TEST(Runtime, a_start_that_fails_on_one_core_fails_the_whole) {
  const auto runtime = Runtime::start(few(), [](Core& core) -> Result<void> {
    if (core.index() + 1 == core.count()) return fail(ErrorKind::exhausted, "no room on this core");
    return {};
  });
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().text, "no room on this core");
}

TEST(Runtime, a_backend_that_cannot_be_made_fails_with_its_reason) {
  const auto runtime = Runtime::start(few("steam"), [](Core&) { return Result<void>(); });
  ASSERT_FALSE(runtime);
  EXPECT_THAT(runtime.error().text, testing::HasSubstr("steam"));
}

TEST(Runtime, runs_what_other_threads_ask_for_in_order_even_when_stopped_at_once) {
  const auto runtime = started(few());
  std::vector<int> order;
  constexpr int kCalls = 3 * static_cast<int>(kForeignCallsMax);
  for (int i = 0; i < kCalls; ++i) runtime->run_on(0, [&order, i](Core&) { order.push_back(i); });
  EXPECT_EQ(runtime->stop(60s), 0U);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kCalls));
  EXPECT_TRUE(std::ranges::is_sorted(order));
  runtime->run_on(0, [](Core&) { FAIL() << "after the end"; });
}

Task<void> talk(Core& core, std::atomic<std::uint64_t>& sum) {
  for (int i = 0; i < 500; ++i) {
    const unsigned there = (core.index() + 1) % core.count();
    sum += co_await ask(core, there, [i](Core&) { return static_cast<std::uint64_t>(i); });
    if (i % 50 == 0) co_await Sleep(core, 1ms);
  }
}

TEST(Runtime, cores_ask_one_another_and_stop_waits_for_their_tasks) {
  std::atomic<std::uint64_t> sum{0};
  const auto runtime = started(few(), [&](Core& core) -> Result<void> {
    for (int i = 0; i < 100; ++i) core.spawn(talk(core, sum));
    return {};
  });
  EXPECT_EQ(runtime->stop(120s), 0U);
  EXPECT_EQ(sum, runtime->count() * 100U * (499U * 500U / 2));
}

Task<void> work_elsewhere(Core& core, std::atomic<int>& done, std::atomic<int>& wrong) {
  const std::thread::id here = std::this_thread::get_id();
  const std::thread::id there = co_await offload(core, [&done] {
    ++done;
    return std::this_thread::get_id();
  });
  if (here == there || std::this_thread::get_id() != here) ++wrong;
}

TEST(Runtime, offloads_more_than_its_credits_and_every_result_comes_home) {
  std::atomic<int> done{0}, wrong{0};
  constexpr int kEach = 10 * static_cast<int>(kOffloadPerCore);
  const auto runtime = started(few(), [&](Core& core) -> Result<void> {
    for (int i = 0; i < kEach; ++i) core.spawn(work_elsewhere(core, done, wrong));
    return {};
  });
  EXPECT_EQ(runtime->stop(120s), 0U);
  EXPECT_EQ(done, kEach * static_cast<int>(runtime->count()));
  EXPECT_EQ(wrong, 0);
}

Task<void> wait_for_ever(Core& core) {
  co_await Sleep(core, Instant{} + 100'000h);
}

TEST(Runtime, abandons_and_counts_tasks_that_do_not_end_in_the_bound) {
  const auto runtime = started(few(), [](Core& core) -> Result<void> {
    core.spawn(wait_for_ever(core));
    core.spawn(wait_for_ever(core));
    return {};
  });
  EXPECT_EQ(runtime->stop(1ms), runtime->count() * 2);
}

TEST(RuntimeDeathTest, a_core_that_hangs_ends_the_process_by_name) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        CoreOptions options = few();
        options.watchdog = 200ms;
        auto runtime = started(options);
        runtime->run_on(0, [](Core&) { std::this_thread::sleep_for(1h); });
        std::this_thread::sleep_for(1h);
      },
      "core 0 has not finished its turn for 200ms");
}

TEST(Runtime, an_idle_core_is_not_taken_for_a_stuck_one) {
  CoreOptions options = few();
  options.watchdog = 200ms;
  const auto runtime = started(options);
  std::this_thread::sleep_for(600ms);
  EXPECT_EQ(runtime->stop(10s), 0U);
}

}  // namespace
}  // namespace ringpost::shard
