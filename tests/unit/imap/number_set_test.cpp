#include "ringpost/imap/number_set.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace ringpost::imap {
namespace {

TEST(NumberSet, joins_what_touches) {
  NumberSet set;
  for (const std::uint32_t number : {5U, 7U, 6U, 1U, 9U, 8U, 5U}) set.add(number);
  EXPECT_EQ(to_string(set), "1,5:9");
  set.add({2, 4});
  EXPECT_EQ(to_string(set), "1:9");
  EXPECT_EQ(set.count(), 9U);
  set.add({4'294'967'295U, 4'294'967'295U});
  EXPECT_EQ(to_string(set), "1:9,4294967295");
  EXPECT_TRUE(set.contains(4'294'967'295U));
  EXPECT_FALSE(set.contains(10));
}

TEST(NumberSet, takes_ranges_in_any_order) {
  const NumberSet set{{9, 12}, {1, 3}, {2, 5}, {6, 6}};
  EXPECT_EQ(to_string(set), "1:6,9:12");
  EXPECT_EQ(set.first(), 1U);
  EXPECT_EQ(set.last(), 12U);
  EXPECT_EQ(to_string(NumberSet{}), "");
}

// All operations against a set of single numbers.
TEST(NumberSet, does_what_sets_do) {
  std::mt19937 random(11);
  const auto draw = [&](std::set<std::uint32_t>& plain) {
    NumberSet set;
    for (int i = 0; i < 25; ++i) {
      const auto first = static_cast<std::uint32_t>(1 + random() % 60);
      const auto last = static_cast<std::uint32_t>(first + random() % 5);
      set.add({first, last});
      for (std::uint32_t n = first; n <= last; ++n) plain.insert(n);
      if (random() % 3 == 0) break;
    }
    return set;
  };
  const auto plain_of = [](const NumberSet& set) {
    std::set<std::uint32_t> plain;
    set.for_each([&](std::uint32_t number) { plain.insert(number); });
    EXPECT_EQ(plain.size(), set.count());
    for (std::size_t i = 1; i < set.ranges().size(); ++i)
      EXPECT_GT(set.ranges()[i].first, set.ranges()[i - 1].last + 1);
    return plain;
  };
  for (int round = 0; round < 300; ++round) {
    std::set<std::uint32_t> a;
    std::set<std::uint32_t> b;
    const NumberSet x = draw(a);
    const NumberSet y = draw(b);
    EXPECT_EQ(plain_of(x), a);
    std::set<std::uint32_t> common;
    std::set<std::uint32_t> rest;
    std::set<std::uint32_t> both = a;
    for (const std::uint32_t n : a) (b.contains(n) ? common : rest).insert(n);
    both.insert(b.begin(), b.end());
    EXPECT_EQ(plain_of(x.intersected(y)), common);
    EXPECT_EQ(plain_of(x.united(y)), both);
    EXPECT_EQ(plain_of(x.without(y)), rest);
    for (std::uint32_t n = 1; n < 70; ++n) EXPECT_EQ(x.contains(n), a.contains(n));
  }
}

TEST(SequenceSet, knows_the_star_when_the_mailbox_is_known) {
  SequenceSet set;
  set.add({0, 5});  // *:5
  set.add({12, 10});
  EXPECT_TRUE(set.has_star());
  EXPECT_EQ(to_string(set.resolve(20)), "5:20");
  EXPECT_EQ(to_string(set.resolve(3)), "3:5,10:12");
  EXPECT_EQ(to_string(set.resolve(0)), "10:12");
}

}  // namespace
}  // namespace ringpost::imap
