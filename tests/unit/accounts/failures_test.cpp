#include "ringpost/accounts/failures.hpp"

#include <gtest/gtest.h>

namespace ringpost::accounts {
namespace {

constexpr FailureRules kRules{.free = 3, .at_once = 20, .longest = 10s};
const Instant kStart = Instant{} + 1000s;

bool begins(FailureTable& table, std::uint64_t key, Instant now, std::uint64_t from = 0) {
  return table.begin(key, from, now).time == Duration{};
}

void fail_often(FailureTable& table, std::uint64_t key, std::uint32_t count, Instant now) {
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSERT_TRUE(begins(table, key, now)) << i;
    table.wrong(key, now);
  }
}

TEST(FailureTable, waits_double_up_to_the_longest) {
  FailureTable table(kRules);
  Instant now = kStart;
  fail_often(table, 1, kRules.free + 1, now);
  Duration expected = kFirstWait;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(table.begin(1, 0, now).time, expected);
    EXPECT_EQ(table.wait(1, 0, now).time, expected);
    EXPECT_EQ(table.begin(1, 0, now + expected - 1ns).time, 1ns) << "asking does not prolong it";
    now = now + expected;
    fail_often(table, 1, 1, now);
    expected = std::min<Duration>(2 * expected, kRules.longest);
  }
  EXPECT_TRUE(begins(table, 2, now)) << "others are others";
}

int let_in_together(FailureTable& table, Instant now) {
  int let_in = 0;
  for (int i = 0; i < 100; ++i) let_in += begins(table, 1, now) ? 1 : 0;
  EXPECT_TRUE(table.begin(1, 0, now).in_line);
  return let_in;
}

TEST(FailureTable, who_has_not_failed_may_come_with_many_at_once) {
  FailureTable table(kRules);
  EXPECT_EQ(let_in_together(table, kStart), 20);
  table.leave(1);
  EXPECT_TRUE(begins(table, 1, kStart)) << "the next one in line";
  table.good(1, 0);
  EXPECT_TRUE(begins(table, 1, kStart));
}

TEST(FailureTable, who_has_failed_gains_nothing_by_many_at_once) {
  FailureTable table(kRules);
  fail_often(table, 1, 1, kStart);
  EXPECT_EQ(let_in_together(table, kStart), static_cast<int>(kRules.free));
  for (std::uint32_t i = 0; i < kRules.free; ++i) table.wrong(1, kStart);
  const Duration wait = table.begin(1, 0, kStart).time;
  EXPECT_EQ(wait, kFirstWait);
  EXPECT_EQ(let_in_together(table, kStart + wait), 1);
}

TEST(FailureTable, a_good_one_forgives_all_and_one_of_unknown_end_nothing) {
  FailureTable table(kRules);
  fail_often(table, 1, kRules.free, kStart);
  EXPECT_TRUE(begins(table, 1, kStart));
  table.leave(1);
  fail_often(table, 1, 1, kStart);
  EXPECT_GT(table.wait(1, 0, kStart).time, Duration{});
  const Instant later = kStart + kFirstWait;
  EXPECT_TRUE(begins(table, 1, later));
  table.good(1, 0);
  fail_often(table, 1, kRules.free, later);
  EXPECT_TRUE(begins(table, 1, later));
}

TEST(FailureTable, who_is_known_does_not_wait_for_others) {
  FailureTable table(kRules);
  EXPECT_TRUE(begins(table, 1, kStart, 77));
  table.good(1, 77);
  fail_often(table, 1, kRules.free + 1, kStart);
  EXPECT_FALSE(begins(table, 1, kStart, 66));
  EXPECT_TRUE(begins(table, 1, kStart, 77));
  table.good(1, 77);
  for (std::uint64_t other = 100; other < 100 + kKnownAddressesMax; ++other) table.good(1, other);
  fail_often(table, 1, kRules.free + 1, kStart);
  EXPECT_FALSE(begins(table, 1, kStart, 77)) << "only the last few are remembered";
}

TEST(FailureTable, failures_are_forgotten_in_time) {
  FailureTable table(kRules);
  fail_often(table, 1, kRules.free, kStart);
  const Instant later = kStart + kForgetFailuresAfter + 1s;
  fail_often(table, 1, kRules.free + 1, later);
  EXPECT_FALSE(begins(table, 1, later));
}

TEST(FailureTable, forgets_the_longest_unheard_of_when_it_is_full) {
  FailureTable table(kRules);
  fail_often(table, 1, kRules.free + 1, kStart);
  fail_often(table, 2, kRules.free + 1, kStart);
  for (std::uint64_t key = 3; key <= kFailureEntriesMax; ++key) fail_often(table, key, 1, kStart);
  EXPECT_EQ(table.size(), kFailureEntriesMax);
  EXPECT_GT(table.wait(1, 0, kStart).time, Duration{});
  EXPECT_GT(table.wait(2, 0, kStart).time, Duration{});
  fail_often(table, kFailureEntriesMax + 1, 1, kStart);
  EXPECT_EQ(table.size(), kFailureEntriesMax);
  EXPECT_EQ(table.wait(1, 0, kStart).time, Duration{});
  EXPECT_GT(table.wait(2, 0, kStart).time, Duration{});
}

}  // namespace
}  // namespace ringpost::accounts
