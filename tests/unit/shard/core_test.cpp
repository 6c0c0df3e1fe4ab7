#include "ringpost/shard/core.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/shard/await.hpp"

#include "unit/shard/fake_backend.hpp"

namespace ringpost::shard {
namespace {

Task<void> append_after(Core& core, std::string& log, char name, int turns) {
  for (int i = 0; i < turns; ++i) co_await Yield{core};
  log += name;
}

TEST(Core, runs_a_root_task_at_once_until_it_waits_and_counts_it_until_it_ends) {
  FakeCores cores(1);
  std::string log;
  cores[0].spawn(append_after(cores[0], log, 'a', 0));
  EXPECT_EQ(log, "a");
  EXPECT_EQ(cores[0].live_tasks(), 0U);
  cores[0].spawn(append_after(cores[0], log, 'b', 2));
  EXPECT_EQ(cores[0].live_tasks(), 1U);
  EXPECT_GT(cores[0].frames().live_bytes(), 0U);
  EXPECT_TRUE(cores[0].has_work());
  cores.turn(0);
  EXPECT_EQ(figure(cores[0], "core_live_tasks"), 1U);
  cores.turn(0);
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(cores[0].live_tasks(), 0U);
  EXPECT_EQ(cores[0].frames().live_bytes(), 0U);
  EXPECT_FALSE(cores[0].has_work());
}

TEST(Core, a_yielding_task_goes_on_in_the_next_turn_and_not_in_this) {
  FakeCores cores(1);
  std::string log;
  cores[0].spawn(append_after(cores[0], log, 'a', 1));
  EXPECT_EQ(log, "");
  cores.turn(0);
  EXPECT_EQ(log, "a");
}

TEST(Core, submits_once_a_turn_and_waits_only_when_nothing_is_left_to_do) {
  FakeCores cores(1);
  struct Nothing : io::Operation {
    Nothing() : io::Operation([](io::Operation&, const io::Completion&) {}) {}
  } first, second;
  cores[0].submit({.kind = io::OpKind::receive, .operation = &first});
  cores[0].submit({.kind = io::OpKind::send, .operation = &second});
  EXPECT_TRUE(cores[0].has_work());
  cores.turn(0);
  EXPECT_EQ(cores.backends[0]->batches, 1);
  EXPECT_EQ(cores.backends[0]->submitted.size(), 2U);
  EXPECT_EQ(cores.backends[0]->submitted_before_wait,
            std::vector<std::size_t>{2});  // not after the first wait

  const Instant before = cores[0].now();
  cores[0].turn(before + 1s);
  EXPECT_EQ(cores.backends[0]->waits.back().until, before + 1s);
  std::string log;
  cores[0].spawn(append_after(cores[0], log, 'a', 1));
  cores[0].turn(cores[0].now() + 1s);
  EXPECT_LT(cores.backends[0]->waits.back().until, cores[0].now());
}

TEST(Core, waits_no_longer_than_to_the_next_timer) {
  FakeCores cores(1);
  Timer timer([](Timer&) {});
  const Instant deadline = cores[0].now() + 5ms;
  cores[0].timers().arm(timer, deadline);
  cores[0].turn(Instant::never());
  EXPECT_EQ(cores.backends[0]->waits.back().until, deadline);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(figure(cores[0], "core_timers_fired"), 1U);
}

struct CountingOperation : io::Operation {
  CountingOperation()
      : io::Operation([](io::Operation& self, const io::Completion&) {
          ++static_cast<CountingOperation&>(self).count;
        }) {}
  int count = 0;
};

TEST(Core, a_busy_core_waits_for_a_batch_and_an_idle_one_for_the_first) {
  FakeCores cores(1);
  FakeBackend& backend = *cores.backends[0];
  CountingOperation operation;
  cores[0].turn(Instant::never());
  EXPECT_EQ(backend.waits.back().batch_min, 1U);
  EXPECT_EQ(backend.waits.back().linger, Duration{0});
  for (int turn = 0; turn < 40; ++turn) {
    for (int i = 0; i < 200; ++i) backend.complete(operation, 0, true);
    cores[0].turn(Instant::never());
  }
  EXPECT_EQ(operation.count, 40 * 200);
  cores[0].turn(Instant::never());
  EXPECT_EQ(backend.waits.back().batch_min, kAwaitedMax);
  EXPECT_EQ(backend.waits.back().linger, kLinger);
  for (int turn = 0; turn < 60; ++turn) cores[0].turn(Instant::never());
  EXPECT_EQ(backend.waits.back().batch_min, 1U);
  EXPECT_EQ(figure(cores[0], "core_completions_per_turn"), 40U);
}

TEST(Core, sleeping_takes_the_first_completion_and_busy_polling_never_waits) {
  for (const WaitStrategy strategy : {WaitStrategy::sleep, WaitStrategy::busy_poll}) {
    CoreOptions options;
    options.wait = strategy;
    FakeCores cores(1, options);
    CountingOperation operation;
    for (int turn = 0; turn < 20; ++turn) {
      for (int i = 0; i < 20; ++i) cores.backends[0]->complete(operation, 0, true);
      cores[0].turn(Instant::never());
    }
    EXPECT_EQ(cores.backends[0]->waits.back().batch_min, 1U);
    EXPECT_EQ(cores.backends[0]->waits.back().until < cores[0].now(), strategy == WaitStrategy::busy_poll);
  }
}

TEST(Core, one_turn_takes_a_bounded_number_of_completions_and_still_fires_timers) {
  FakeCores cores(1);
  CountingOperation operation;
  for (std::size_t i = 0; i < kCompletionsPerTurn + 1; ++i) cores.backends[0]->complete(operation, 0, true);
  Timer timer([](Timer&) {});
  cores[0].timers().arm(timer, Instant{});
  cores.turn(0);
  EXPECT_EQ(operation.count, static_cast<int>(kCompletionsPerTurn));
  EXPECT_FALSE(timer.armed());
  cores.turn(0);
  EXPECT_EQ(operation.count, static_cast<int>(kCompletionsPerTurn) + 1);
}

Task<void> wake_one_another(Signal& mine, Signal& other, int& count, const bool& stop) {
  while (!stop) {
    ++count;
    other.notify_one();
    co_await mine.wait();
  }
  other.notify_one();
}

TEST(Core, two_tasks_that_wake_each_other_do_not_keep_the_core) {
  FakeCores cores(1);
  Signal left(cores[0]), right(cores[0]);
  int count = 0;
  bool stop = false;
  cores[0].spawn(wake_one_another(left, right, count, stop));
  cores[0].spawn(wake_one_another(right, left, count, stop));
  cores.turn(0);
  EXPECT_GE(count, static_cast<int>(kRoundsPerTurn));
  EXPECT_LE(count, static_cast<int>(kRoundsPerTurn) + 2);
  EXPECT_TRUE(cores[0].has_work());
  stop = true;
  cores.turn(0);
  cores.turn(0);
  EXPECT_EQ(cores[0].live_tasks(), 0U);
}

TEST(Core, hooks_run_at_the_end_of_every_turn_until_they_die) {
  struct Hook : TurnHook {
    explicit Hook(int& count)
        : TurnHook([](TurnHook& self) { ++static_cast<Hook&>(self).count; }), count(count) {}
    int& count;
  };
  FakeCores cores(1);
  int count = 0;
  {
    Hook hook(count);
    cores[0].at_turn_end(hook);
    cores.turn_all(3);
  }
  cores.turn_all(2);
  EXPECT_EQ(count, 3);
}

TEST(Core, counts_a_turn_that_works_too_long_as_a_stall) {
  FakeCores cores(1);
  FakeBackend& backend = *cores.backends[0];
  const auto work_for = [&](Duration time) {
    struct Work : TurnHook {
      Work(FakeBackend& on, Duration length)
          : TurnHook([](TurnHook& self) {
              auto& work = static_cast<Work&>(self);
              work.backend.clock = work.backend.clock + work.time;
            }),
            backend(on),
            time(length) {}
      FakeBackend& backend;
      Duration time;
    } work(backend, time);
    cores[0].at_turn_end(work);
    cores.turn(0);
  };
  work_for(kStall);
  cores.turn(0);
  EXPECT_EQ(figure(cores[0], "core_stalls"), 0U);
  work_for(kStall + 1ns);
  cores.turn(0);
  EXPECT_EQ(figure(cores[0], "core_stalls"), 1U);
  const std::vector<Stall> stalls = cores[0].stalls().recent();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].length, kStall + 1ns);
  EXPECT_LE(stalls[0].off_cpu, stalls[0].length);
  EXPECT_EQ(figure(cores[0], "core_busy_ns"), static_cast<std::uint64_t>((kStall * 2 + 1ns).count()));
}

TEST(Core, the_memory_limit_bounds_the_message_buffers) {
  CoreOptions options;
  options.memory_limit = 64_MiB;
  FakeCores cores(1, options);
  EXPECT_EQ(cores[0].buffers().budget(), 32_MiB);
}

TEST(CoreDeathTest, must_not_die_before_its_tasks) {
  EXPECT_DEATH(
      {
        FakeCores cores(1);
        Signal signal(cores[0]);
        cores[0].spawn([](Signal& on) -> Task<void> { co_await on.wait(); }(signal));
        cores.cores.clear();
      },
      "live_tasks");
}

}  // namespace
}  // namespace ringpost::shard
