#include "ringpost/shard/timer_wheel.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ringpost::shard {
namespace {

struct Alarm : Timer {
  Alarm(std::vector<int>& log, int name) : Timer(&Alarm::ring), log(&log), name(name) {}
  static void ring(Timer& self) {
    auto& alarm = static_cast<Alarm&>(self);
    alarm.log->push_back(alarm.name);
  }
  std::vector<int>* log;
  int name;
};

Instant at(Duration since) {
  return Instant{} + since;
}

TEST(TimerWheel, never_fires_early_and_fires_within_a_millisecond) {
  std::vector<int> log;
  TimerWheel wheel(at(5ms));
  Alarm alarm(log, 1);
  wheel.arm(alarm, at(20ms + 1ns));
  EXPECT_EQ(wheel.advance(at(20ms + 999us)), 0U);
  EXPECT_TRUE(alarm.armed());
  EXPECT_EQ(wheel.advance(at(21ms)), 1U);
  EXPECT_FALSE(alarm.armed());
}

TEST(TimerWheel, fires_on_the_exact_millisecond) {
  std::vector<int> log;
  TimerWheel wheel(at(0ms));
  Alarm alarm(log, 1);
  wheel.arm(alarm, at(64ms));
  EXPECT_EQ(wheel.advance(at(64ms - 1ns)), 0U);
  EXPECT_EQ(wheel.advance(at(64ms)), 1U);
}

TEST(TimerWheel, fires_in_order_of_deadline_then_of_arming) {
  std::vector<int> log;
  TimerWheel wheel(at(0ms));
  Alarm a(log, 1), b(log, 2), c(log, 3), d(log, 4), e(log, 5);
  wheel.arm(a, at(10ms + 800us));
  wheel.arm(b, at(10ms + 200us));
  wheel.arm(c, at(3h));
  wheel.arm(d, at(10ms + 200us));
  wheel.advance(at(2h));
  wheel.arm(e, at(3h));
  wheel.advance(at(4h));
  EXPECT_EQ(log, (std::vector<int>{2, 4, 1, 3, 5}));
}

TEST(TimerWheel, a_past_deadline_fires_at_the_next_advance_and_never_disarms) {
  std::vector<int> log;
  TimerWheel wheel(at(1s));
  Alarm past(log, 1), never(log, 2);
  wheel.arm(past, at(0s));
  wheel.arm(never, at(2s));
  wheel.arm(never, Instant::never());
  EXPECT_FALSE(never.armed());
  EXPECT_LE(wheel.next(), at(1s));
  EXPECT_EQ(wheel.advance(at(1s)), 1U);
  EXPECT_EQ(wheel.advance(at(10s)), 0U);
  EXPECT_EQ(log, std::vector<int>{1});
}

TEST(TimerWheel, a_timer_that_died_does_not_fire_and_does_not_wake) {
  std::vector<int> log;
  TimerWheel wheel(at(0s));
  {
    Alarm alarm(log, 1);
    wheel.arm(alarm, at(1s));
    EXPECT_LE(wheel.next(), at(1s));
  }
  EXPECT_EQ(wheel.next(), Instant::never());
  EXPECT_EQ(wheel.advance(at(2s)), 0U);
}

TEST(TimerWheel, a_firing_timer_may_disarm_another_of_the_same_tick) {
  struct Killer : Timer {
    Killer() : Timer([](Timer& self) { static_cast<Killer&>(self).victim.reset(); }) {}
    std::unique_ptr<Alarm> victim;
  };
  std::vector<int> log;
  TimerWheel wheel(at(0s));
  Killer killer;
  killer.victim = std::make_unique<Alarm>(log, 1);
  Alarm after(log, 2);
  wheel.arm(killer, at(5ms));
  wheel.arm(*killer.victim, at(5ms));
  wheel.arm(after, at(5ms));
  EXPECT_EQ(wheel.advance(at(6ms)), 2U);
  EXPECT_EQ(log, std::vector<int>{2});
}

TEST(TimerWheel, what_a_firing_timer_arms_for_now_fires_at_the_next_advance) {
  struct Again : Timer {
    Again()
        : Timer([](Timer& self) {
            auto& again = static_cast<Again&>(self);
            ++again.count;
            again.wheel->arm(again, Instant{});
          }) {}
    TimerWheel* wheel = nullptr;
    int count = 0;
  };
  TimerWheel wheel(at(0s));
  Again again;
  again.wheel = &wheel;
  wheel.arm(again, at(5ms));
  EXPECT_EQ(wheel.advance(at(50ms)), 1U);
  EXPECT_EQ(wheel.advance(at(50ms)), 1U);
  EXPECT_EQ(again.count, 2);
}

TEST(TimerWheel, fires_no_more_than_it_is_told_and_the_rest_later_in_order) {
  std::vector<int> log;
  TimerWheel wheel(at(0s));
  Alarm a(log, 1), b(log, 2), c(log, 3);
  wheel.arm(a, at(3ms));
  wheel.arm(b, at(1ms));
  wheel.arm(c, at(2ms));
  EXPECT_EQ(wheel.advance(at(10ms), 2), 2U);
  EXPECT_LE(wheel.next(), at(10ms));
  a.unlink();
  EXPECT_EQ(wheel.next(), Instant::never());
  wheel.arm(a, at(3ms));
  EXPECT_EQ(wheel.advance(at(10ms)), 1U);
  EXPECT_EQ(log, (std::vector<int>{2, 3, 1}));
}

TEST(TimerWheel, takes_the_farthest_deadline_there_is) {
  std::vector<int> log;
  TimerWheel wheel(at(1h));
  Alarm alarm(log, 1);
  const Instant far{Duration::max() - 1ns};
  wheel.arm(alarm, far);
  for (int i = 0; i < 8; ++i) {
    const Instant next = wheel.next();
    ASSERT_LT(next, Instant::never());
    EXPECT_EQ(wheel.advance(next), 0U);
  }
  EXPECT_TRUE(alarm.armed());
}

// Against a plain sorted list: random arming, moving, disarming and jumps of every size.
TEST(TimerWheel, agrees_with_a_sorted_list_on_random_operations) {
  struct Planned {
    Instant deadline;
    std::uint64_t order;
    int name;
  };
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto up_to = [&](unsigned bits) {
      const auto scale = std::uint64_t{1} << (random() % bits);
      return Duration{static_cast<std::int64_t>(random() % (scale * 100) + random() % 2'000'000)};
    };
    std::vector<int> log;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 60; ++i) alarms.push_back(std::make_unique<Alarm>(log, i));
    Instant now = at(Duration{static_cast<std::int64_t>(random() % 1'000'000'000'000)});
    TimerWheel wheel(now);
    std::vector<Planned> plan;
    std::uint64_t order = 0;
    const auto forget = [&](int name) {
      std::erase_if(plan, [&](const Planned& p) { return p.name == name; });
    };

    for (int step = 0; step < 2000; ++step) {
      const int name = static_cast<int>(random() % alarms.size());
      Alarm& alarm = *alarms[static_cast<std::size_t>(name)];
      switch (random() % 4) {
        case 0:
        case 1: {
          forget(name);
          const Instant deadline = random() % 20 == 0 ? now - 5ms : now + up_to(50);
          plan.push_back({deadline, order++, name});
          wheel.arm(alarm, deadline);
          break;
        }
        case 2:
          forget(name);
          wheel.disarm(alarm);
          break;
        default: {
          now = random() % 2 == 0 && wheel.next() != Instant::never() ? std::max(now, wheel.next())
                                                                      : now + up_to(42);
          std::ranges::sort(plan, [](const Planned& a, const Planned& b) {
            return std::tie(a.deadline, a.order) < std::tie(b.deadline, b.order);
          });
          std::vector<int> expected;
          const auto tick = now.since_start / 1ms;
          while (!plan.empty() &&
                 std::chrono::ceil<std::chrono::milliseconds>(plan.front().deadline.since_start) / 1ms <=
                     tick) {
            expected.push_back(plan.front().name);
            plan.erase(plan.begin());
          }
          log.clear();
          EXPECT_EQ(wheel.advance(now), expected.size());
          ASSERT_EQ(log, expected) << "seed " << seed << " step " << step;
        }
      }
      Instant earliest = Instant::never();
      for (const Planned& p : plan) earliest = std::min(earliest, std::max(p.deadline + 1ms, now));
      ASSERT_LE(wheel.next(), earliest) << "seed " << seed << " step " << step;
      ASSERT_EQ(wheel.next() == Instant::never(), plan.empty());
    }
  }
}

}  // namespace
}  // namespace ringpost::shard
