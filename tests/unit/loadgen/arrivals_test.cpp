#include "arrivals.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

using namespace std::chrono_literals;

std::vector<Duration> all_of(const RateProfile& profile, Spacing spacing, unsigned core, unsigned cores) {
  Arrivals arrivals(profile, spacing, 5, core, cores);
  std::vector<Duration> times;
  while (const auto time = arrivals.next()) times.push_back(*time);
  return times;
}

TEST(Arrivals, fixed_ones_are_uniform_over_all_cores) {
  const RateProfile profile{1000, 1000, 2s};
  const auto first = all_of(profile, Spacing::fixed, 0, 2);
  const auto second = all_of(profile, Spacing::fixed, 1, 2);
  ASSERT_EQ(first.size() + second.size(), 2000U);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i], i * 2ms);
    EXPECT_EQ(second[i], i * 2ms + 1ms);
  }
}

TEST(Arrivals, a_ramp_has_the_area_under_it_and_its_rate_at_each_place) {
  const auto times = all_of({0, 1000, 10s}, Spacing::fixed, 0, 1);
  EXPECT_EQ(times.size(), 5000U);
  const auto in = [&](Duration from, Duration to) {
    return std::ranges::count_if(times, [&](Duration t) { return t >= from && t < to; });
  };
  EXPECT_NEAR(static_cast<double>(in(1s, 2s)), 150, 1);
  EXPECT_NEAR(static_cast<double>(in(9s, 10s)), 950, 1);
  EXPECT_TRUE(std::ranges::is_sorted(times));
}

TEST(Arrivals, a_falling_ramp_ends_with_its_run) {
  const auto times = all_of({1000, 0, 10s}, Spacing::fixed, 0, 1);
  EXPECT_NEAR(static_cast<double>(times.size()), 5000, 1);
  EXPECT_LT(times.back(), 10s);
}

TEST(Arrivals, poisson_ones_have_the_rate_and_the_spread_of_chance) {
  const auto times = all_of({1000, 1000, 100s}, Spacing::poisson, 0, 1);
  EXPECT_NEAR(static_cast<double>(times.size()), 100'000, 4 * 317);  // 4 sigma
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double gap = std::chrono::duration<double, std::milli>(times[i] - times[i - 1]).count();
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / static_cast<double>(times.size());
  EXPECT_NEAR(squares / static_cast<double>(times.size()) - mean * mean, 1, 0.05);  // variance = mean squared
}

TEST(Arrivals, the_same_seed_gives_the_same_times_and_cores_differ) {
  const RateProfile profile{100, 100, 1s};
  EXPECT_EQ(all_of(profile, Spacing::poisson, 0, 2), all_of(profile, Spacing::poisson, 0, 2));
  EXPECT_NE(all_of(profile, Spacing::poisson, 0, 2), all_of(profile, Spacing::poisson, 1, 2));
}

}  // namespace
}  // namespace ringpost::loadgen
