#include "ringpost/observe/registry.hpp"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ringpost::observe {
namespace {

TEST(Histogram, is_exact_below_the_first_step) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 20; ++value) histogram.record(value);
  EXPECT_EQ(histogram.count(), 20U);
  EXPECT_EQ(histogram.quantile(0.5), 10U);
  EXPECT_EQ(histogram.quantile(0.0), 1U);
  EXPECT_EQ(histogram.quantile(1.0), 20U);
}

TEST(Histogram, is_at_most_one_step_off_at_every_size) {
  std::mt19937_64 random(7);
  for (unsigned bits = 1; bits <= 64; ++bits) {
    Histogram histogram;
    const std::uint64_t value = (random() >> (64 - bits)) | (std::uint64_t{1} << (bits - 1));
    histogram.record(value);
    histogram.record(std::numeric_limits<std::uint64_t>::max());
    const std::uint64_t found = histogram.quantile(0.5);
    EXPECT_GE(found, value);
    EXPECT_LE(static_cast<double>(found - value), static_cast<double>(value) / 32.0);
  }
}

TEST(Histogram, keeps_the_largest_value_exactly) {
  Histogram histogram;
  histogram.record(1'000'003);
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.max(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.quantile(1.0), std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, is_zero_when_empty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.99), 0U);
  EXPECT_EQ(histogram.count(), 0U);
}

TEST(Histogram, merges_as_if_all_had_been_recorded_in_one) {
  std::mt19937_64 random(11);
  Histogram left, right, both;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    (i % 3 == 0 ? left : right).record(value);
    both.record(value);
  }
  left.merge_from(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.max(), both.max());
  for (const double fraction : {0.01, 0.5, 0.9, 0.999})
    EXPECT_EQ(left.quantile(fraction), both.quantile(fraction));
}

TEST(Histogram, counts_exactly_what_is_below_a_power_of_two) {
  std::mt19937_64 random(13);
  std::vector<std::uint64_t> values{0, 1, 31, 32, 33, 63, 64, 65, std::numeric_limits<std::uint64_t>::max()};
  for (int i = 0; i < 1000; ++i) values.push_back(random() >> (random() % 64));
  Histogram histogram;
  std::uint64_t sum = 0;
  for (const std::uint64_t value : values) {
    histogram.record(value);
    sum += value;
  }
  EXPECT_EQ(histogram.sum(), sum);
  for (unsigned bits = 0; bits < 64; ++bits)
    EXPECT_EQ(histogram.count_below(bits), static_cast<std::uint64_t>(std::ranges::count_if(
                                               values, [&](std::uint64_t v) { return v >> bits == 0; })))
        << bits;
  EXPECT_EQ(histogram.count_below(64), values.size());
}

TEST(Registry, keeps_names_in_the_order_of_registration) {
  Registry registry;
  Counter messages;
  Gauge sessions;
  Histogram commit;
  registry.add("messages", "Messages received.", messages);
  registry.add("sessions", "Sessions now.", sessions);
  registry.add("commit_ns", "Time of a commit.", commit);
  messages.add(2);
  sessions.add(3);
  sessions.add(-1);
  ASSERT_EQ(registry.entries().size(), 3U);
  EXPECT_EQ(registry.entries()[0].name, "messages");
  EXPECT_EQ(registry.entries()[0].counter->value(), 2U);
  EXPECT_EQ(registry.entries()[1].gauge->value(), 2);
  EXPECT_EQ(registry.entries()[2].histogram, &commit);
  EXPECT_EQ(registry.entries()[2].counter, nullptr);
}

TEST(RegistryDeathTest, a_name_given_twice_is_our_mistake) {
  Registry registry;
  const Counter counter;
  registry.add("turns", "Turns.", counter);
  EXPECT_DEATH(registry.add("turns", "Turns again.", counter), "must hold");
}

}  // namespace
}  // namespace ringpost::observe
