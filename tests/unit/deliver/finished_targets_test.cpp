#include "ringpost/deliver/finished_targets.hpp"

#include <gtest/gtest.h>

namespace ringpost::deliver {
namespace {

TEST(FinishedTargets, knows_what_was_added_and_what_came_from_before) {
  FinishedTargets finished({FinishedTargets::digest("old"), FinishedTargets::digest("older")});
  EXPECT_TRUE(finished.contains("old"));
  EXPECT_TRUE(finished.contains("older"));
  EXPECT_FALSE(finished.contains("new"));
  finished.add("new");
  EXPECT_TRUE(finished.contains("new"));
}

TEST(FinishedTargets, keeps_each_once) {
  std::vector<FinishedTargets::Digest> kept;
  FinishedTargets finished({FinishedTargets::digest("old")},
                           [&](FinishedTargets::Digest digest) { kept.push_back(digest); });
  finished.add("old");
  finished.add("new");
  finished.add("new");
  EXPECT_EQ(kept, std::vector{FinishedTargets::digest("new")});
}

// It is on disk: another way to count would forget what was done.
TEST(FinishedTargets, digests_are_the_first_bytes_of_sha_256) {
  EXPECT_EQ(FinishedTargets::digest("abc"), 0xeacf018fbf1678baU);
}

}  // namespace
}  // namespace ringpost::deliver
