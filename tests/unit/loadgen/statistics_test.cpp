#include "statistics.hpp"

#include <random>

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

using Values = std::vector<double>;

TEST(MannWhitney, gives_the_probabilities_of_the_tables) {
  // Completely parted samples of n and n: 2 / C(2n, n).
  EXPECT_NEAR(mann_whitney_p(Values{1, 2, 3}, Values{4, 5, 6}), 0.1, 1e-12);
  EXPECT_NEAR(mann_whitney_p(Values{1, 2, 3, 4}, Values{5, 6, 7, 8}), 2.0 / 70, 1e-12);
  EXPECT_NEAR(mann_whitney_p(Values{5, 6, 7, 8, 9}, Values{0, 1, 2, 3, 4}), 2.0 / 252, 1e-12);
  // U = 2 for 4 and 4: (1 + 1 + 2) orders of 70 at or below, two-sided.
  EXPECT_NEAR(mann_whitney_p(Values{1, 2, 3, 6}, Values{4, 5, 7, 8}), 2.0 * 4 / 70, 1e-12);
}

TEST(MannWhitney, equal_samples_are_no_difference) {
  EXPECT_EQ(mann_whitney_p(Values{1, 1, 1, 1}, Values{1, 1, 1, 1}), 1);
  EXPECT_GT(mann_whitney_p(Values{1, 3, 5, 7}, Values{2, 4, 6, 8}), 0.5);
  EXPECT_EQ(mann_whitney_p({}, Values{1}), 1);
}

TEST(MannWhitney, calls_noise_real_as_rarely_as_it_says) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(100, 5);
  int called = 0;
  for (int i = 0; i < 1000; ++i) {
    Values a(8);
    Values b(8);
    for (double& value : a) value = noise(random);
    for (double& value : b) value = noise(random);
    called += mann_whitney_p(a, b) < kRealBelow ? 1 : 0;
  }
  EXPECT_LT(called, 75);
  EXPECT_GT(called, 20);
}

TEST(Ratio, has_the_true_one_in_its_range) {
  std::mt19937_64 random(4);
  std::normal_distribution<double> noise(100, 3);
  Values a(12);
  Values b(12);
  for (double& value : a) value = noise(random);
  for (double& value : b) value = 2 * noise(random);
  const Ratio ratio = ratio_of(a, b);
  EXPECT_NEAR(ratio.value, 2, 0.1);
  EXPECT_LT(ratio.low, 2);
  EXPECT_GT(ratio.high, 2);
  EXPECT_LT(ratio.high - ratio.low, 0.3);
}

TEST(Ratio, over_nothing_there_is_none) {
  const std::vector<double> none;
  const std::vector<double> zeros{0, 0, 0};
  const std::vector<double> some{1, 2, 3};
  EXPECT_FALSE(ratio_of(none, some).known);
  EXPECT_FALSE(ratio_of(some, none).known);
  EXPECT_FALSE(ratio_of(zeros, some).known);
  EXPECT_EQ(to_string(ratio_of(zeros, some)), "no ratio");
  EXPECT_TRUE(ratio_of(some, zeros).known);
  EXPECT_EQ(ratio_of(some, zeros).value, 0);
  EXPECT_EQ(to_string(ratio_of(some, some)).substr(0, 7), "x 1.000");
}

}  // namespace
}  // namespace ringpost::loadgen
