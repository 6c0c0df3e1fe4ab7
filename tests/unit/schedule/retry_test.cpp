#include "ringpost/schedule/retry.hpp"

#include <gtest/gtest.h>

namespace ringpost::schedule {
namespace {

TEST(Retry, the_last_interval_of_a_list_repeats) {
  const RetryOptions options;
  EXPECT_EQ(interval_after(options, 1), 5min);
  EXPECT_EQ(interval_after(options, 4), 4h);
  EXPECT_EQ(interval_after(options, 5), 4h);
  EXPECT_EQ(interval_after(options, 4'000'000'000), 4h);
}

TEST(Retry, exponential_intervals_grow_to_their_maximum) {
  RetryOptions options;
  options.intervals = ExponentialRetry{.first = 20min, .factor = 2, .max = 4h};
  EXPECT_EQ(interval_after(options, 1), 20min);
  EXPECT_EQ(interval_after(options, 2), 40min);
  EXPECT_EQ(interval_after(options, 5), 4h);
  EXPECT_EQ(interval_after(options, 10'000), 4h);
}

TEST(Retry, intervals_are_spread_within_an_eighth) {
  const RetryOptions options;
  for (std::uint64_t random : {0ULL, 1ULL, 0x123456789ABCDEFULL, ~0ULL}) {
    const Duration spread = spread_interval(options, 1, random);
    EXPECT_GE(spread, Duration(5min) * 7 / 8);
    EXPECT_LE(spread, Duration(5min) * 9 / 8);
  }
  EXPECT_NE(spread_interval(options, 1, 1), spread_interval(options, 1, 1'000'000'000));
}

TEST(Retry, reports_expire_earlier) {
  const RetryOptions options;
  EXPECT_EQ(expiry(options, WallTime{0}, false) - WallTime{0}, Duration(120h));
  EXPECT_EQ(expiry(options, WallTime{0}, true) - WallTime{0}, Duration(24h));
}

}  // namespace
}  // namespace ringpost::schedule
