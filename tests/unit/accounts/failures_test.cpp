#include "ringpost/accounts/failures.hpp"

#include <gtest/gtest.h>

namespace ringpost::accounts {
namespace {

constexpr FailureRules kRules{.free = 3, .longest = 10s};
const Instant kStart = Instant{} + 1000s;

TEST(FailureTable, waits_double_up_to_the_longest) {
  FailureTable table(kRules);
  Instant now = kStart;
  for (std::uint32_t i = 0; i <= kRules.free; ++i) EXPECT_EQ(table.begin(1, 0, now), Duration{}) << i;
  Duration expected = kFirstWait;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(table.begin(1, 0, now), expected);
    EXPECT_EQ(table.wait(1, 0, now), expected);
    EXPECT_EQ(table.begin(1, 0, now + expected - 1ns), 1ns) << "asking does not prolong it";
    now = now + expected;
    EXPECT_EQ(table.begin(1, 0, now), Duration{});
    expected = std::min<Duration>(2 * expected, kRules.longest);
  }
  EXPECT_EQ(table.begin(2, 0, now), Duration{}) << "others are others";
}

TEST(FailureTable, attempts_at_once_count_before_they_are_over) {
  FailureTable table(kRules);
  int let_in = 0;
  for (int i = 0; i < 100; ++i) let_in += table.begin(1, 0, kStart) == Duration{} ? 1 : 0;
  EXPECT_EQ(let_in, static_cast<int>(kRules.free) + 1);
}

TEST(FailureTable, a_good_one_takes_itself_back_or_forgives_all) {
  FailureTable table(kRules);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(table.begin(1, 0, kStart), Duration{});
    table.good(1, 0, false);
  }
  for (std::uint32_t i = 0; i < kRules.free; ++i) table.begin(1, 0, kStart);
  EXPECT_EQ(table.begin(1, 0, kStart), Duration{});
  EXPECT_GT(table.wait(1, 0, kStart), Duration{});
  table.good(1, 0, true);
  EXPECT_EQ(table.wait(1, 0, kStart), Duration{});
  for (std::uint32_t i = 0; i <= kRules.free; ++i) EXPECT_EQ(table.begin(1, 0, kStart), Duration{});
}

TEST(FailureTable, who_is_known_does_not_wait_for_others) {
  FailureTable table(kRules);
  table.begin(1, 77, kStart);
  table.good(1, 77, true);
  for (std::uint32_t i = 0; i <= kRules.free; ++i) table.begin(1, 66, kStart);
  EXPECT_GT(table.begin(1, 66, kStart), Duration{});
  EXPECT_EQ(table.begin(1, 77, kStart), Duration{});
  table.good(1, 77, true);
  for (std::uint64_t other = 100; other < 100 + kKnownAddressesMax; ++other) table.good(1, other, true);
  for (std::uint32_t i = 0; i <= kRules.free; ++i) table.begin(1, 66, kStart);
  EXPECT_GT(table.begin(1, 77, kStart), Duration{}) << "only the last few are remembered";
}

TEST(FailureTable, failures_are_forgotten_in_time) {
  FailureTable table(kRules);
  for (std::uint32_t i = 0; i < kRules.free; ++i) table.begin(1, 0, kStart);
  const Instant later = kStart + kForgetFailuresAfter + 1s;
  for (std::uint32_t i = 0; i <= kRules.free; ++i) EXPECT_EQ(table.begin(1, 0, later), Duration{}) << i;
  EXPECT_GT(table.begin(1, 0, later), Duration{});
}

TEST(FailureTable, forgets_the_longest_unheard_of_when_it_is_full) {
  FailureTable table(kRules);
  for (std::uint64_t key = 1; key <= kFailureEntriesMax; ++key)
    for (std::uint32_t i = 0; i <= (key <= 2 ? kRules.free : 0); ++i) table.begin(key, 0, kStart);
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
