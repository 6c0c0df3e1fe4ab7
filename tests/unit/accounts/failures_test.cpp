#include "ringpost/accounts/failures.hpp"

#include <gtest/gtest.h>

namespace ringpost::accounts {
namespace {

constexpr FailureRules kRules{.free = 3, .at_once = 20, .longest = 10s};
const Instant kStart = Instant{} + 1000s;

// One attempt after the other: how long it has to wait, or it fails at once.
Duration fail_once(FailureTable& table, std::uint64_t key, std::uint64_t from, Instant now) {
  const Duration wait = table.begin(key, from, now);
  if (wait == Duration{}) table.wrong(key, now);
  return wait;
}
void fail_until_there_are_waits(FailureTable& table, std::uint64_t key, std::uint64_t from, Instant now) {
  for (std::uint32_t i = 0; i <= kRules.free; ++i)
    EXPECT_EQ(fail_once(table, key, from, now), Duration{}) << i;
}
int begin_many(FailureTable& table, std::uint64_t key, Instant now) {
  int let_in = 0;
  for (int i = 0; i < 100; ++i) let_in += table.begin(key, 0, now) == Duration{} ? 1 : 0;
  return let_in;
}

TEST(FailureTable, waits_double_up_to_the_longest) {
  FailureTable table(kRules);
  Instant now = kStart;
  fail_until_there_are_waits(table, 1, 0, now);
  Duration expected = kFirstWait;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(table.begin(1, 0, now), expected);
    EXPECT_EQ(table.wait(1, 0, now), expected);
    EXPECT_EQ(table.begin(1, 0, now + expected - 1ns), 1ns) << "asking does not prolong it";
    now = now + expected;
    EXPECT_EQ(fail_once(table, 1, 0, now), Duration{});
    expected = std::min<Duration>(2 * expected, kRules.longest);
  }
  EXPECT_EQ(table.begin(2, 0, now), Duration{}) << "others are others";
}

TEST(FailureTable, many_may_come_at_once_while_nobody_waits) {
  FailureTable table(kRules);
  fail_once(table, 1, 0, kStart);
  EXPECT_EQ(begin_many(table, 1, kStart), static_cast<int>(kRules.at_once)) << "and no more";
  for (std::uint32_t i = 0; i < kRules.at_once; ++i) table.good(1, 0);
  EXPECT_EQ(begin_many(table, 1, kStart), static_cast<int>(kRules.at_once));
  EXPECT_EQ(table.wait(1, 0, kStart), Duration{});
}

TEST(FailureTable, many_wrong_ones_at_once_all_count) {
  FailureTable table(kRules);
  const int let_in = begin_many(table, 1, kStart);
  for (int i = 0; i < let_in; ++i) table.wrong(1, kStart);
  EXPECT_EQ(table.wait(1, 0, kStart), kRules.longest);
}

TEST(FailureTable, where_there_are_waits_attempts_count_before_they_are_over) {
  FailureTable table(kRules);
  fail_until_there_are_waits(table, 1, 0, kStart);
  EXPECT_EQ(begin_many(table, 1, kStart + kFirstWait), 1);
}

TEST(FailureTable, a_good_one_takes_itself_back_or_forgives_all) {
  FailureTable table(kRules);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(table.begin(1, 0, kStart), Duration{});
    table.take_back(1);
  }
  fail_until_there_are_waits(table, 1, 0, kStart);
  EXPECT_GT(table.wait(1, 0, kStart), Duration{});
  EXPECT_EQ(table.begin(1, 0, kStart + kFirstWait), Duration{});
  table.take_back(1);
  EXPECT_GT(table.wait(1, 0, kStart + kFirstWait), Duration{}) << "what was before it stays";
  table.good(1, 0);
  EXPECT_EQ(table.wait(1, 0, kStart), Duration{});
  fail_until_there_are_waits(table, 1, 0, kStart);
}

TEST(FailureTable, who_is_known_does_not_wait_for_others) {
  FailureTable table(kRules);
  table.begin(1, 77, kStart);
  table.good(1, 77);
  fail_until_there_are_waits(table, 1, 66, kStart);
  EXPECT_GT(table.begin(1, 66, kStart), Duration{});
  EXPECT_EQ(table.begin(1, 77, kStart), Duration{});
  table.good(1, 77);
  for (std::uint64_t other = 100; other < 100 + kKnownAddressesMax; ++other) table.good(1, other);
  fail_until_there_are_waits(table, 1, 66, kStart);
  EXPECT_GT(table.begin(1, 77, kStart), Duration{}) << "only the last few are remembered";
}

TEST(FailureTable, failures_are_forgotten_in_time) {
  FailureTable table(kRules);
  for (std::uint32_t i = 0; i < kRules.free; ++i) fail_once(table, 1, 0, kStart);
  for (std::uint32_t i = 0; i < kRules.at_once; ++i) table.begin(1, 0, kStart);  // whose end nobody tells
  const Instant later = kStart + kForgetFailuresAfter + 1s;
  fail_until_there_are_waits(table, 1, 0, later);
  EXPECT_GT(table.begin(1, 0, later), Duration{});
}

TEST(FailureTable, forgets_the_longest_unheard_of_when_it_is_full) {
  FailureTable table(kRules);
  for (std::uint64_t key = 1; key <= kFailureEntriesMax; ++key)
    for (std::uint32_t i = 0; i <= (key <= 2 ? kRules.free : 0); ++i) fail_once(table, key, 0, kStart);
  EXPECT_EQ(table.size(), kFailureEntriesMax);
  EXPECT_GT(table.wait(1, 0, kStart), Duration{});
  EXPECT_GT(table.wait(2, 0, kStart), Duration{});
  table.begin(kFailureEntriesMax + 1, 0, kStart);
  EXPECT_EQ(table.size(), kFailureEntriesMax);
  EXPECT_EQ(table.wait(1, 0, kStart), Duration{});
  EXPECT_GT(table.wait(2, 0, kStart), Duration{});
}

}  // namespace
}  // namespace ringpost::accounts
