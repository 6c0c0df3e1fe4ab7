#include "store/shares.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/store/limits.hpp"

namespace ringpost::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Shares, tell_who_names_a_reader_or_anyone) {
  Shares shares;
  shares.set("dora", "anna", true);
  shares.set("bert", "anna", true);
  shares.set("carla", "anyone", true);
  shares.set("bert", "anyone", true);
  EXPECT_THAT(shares.owners("anna"), ElementsAre("bert", "carla", "dora"));
  EXPECT_THAT(shares.owners("emil"), ElementsAre("bert", "carla"));
  EXPECT_THAT(shares.owners("bert"), ElementsAre("carla")) << "nobody shares with himself";
  EXPECT_TRUE(shares.has("dora", "anna"));
  EXPECT_TRUE(shares.has("carla", "anna"));
  EXPECT_FALSE(shares.has("dora", "emil"));
  EXPECT_FALSE(shares.has("carla", "carla"));
  shares.set("bert", "anyone", false);
  shares.set("dora", "anna", false);
  shares.set("dora", "anna", false);
  shares.set("nobody", "none", false);
  EXPECT_THAT(shares.owners("anna"), ElementsAre("bert", "carla"));
  EXPECT_THAT(shares.owners("emil"), ElementsAre("carla"));
}

TEST(Shares, show_nothing_by_what_is_taken_away) {
  Shares shares;
  shares.set("bert", "-anna", true);
  shares.set("bert", "-anyone", true);
  EXPECT_THAT(shares.owners("anna"), IsEmpty());
  EXPECT_THAT(shares.owners("-anna"), IsEmpty());
}

TEST(Shares, tell_so_many_at_once_and_all_of_them_one_after_the_other) {
  Shares shares;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < 2 * kOwnersAtOnce + 1; ++i) {
    all.push_back("owner" + std::to_string(100'000 + i));
    if (i % 3 != 0) shares.set(all.back(), "anna", true);
    if (i % 3 != 1) shares.set(all.back(), "anyone", true);
  }
  std::vector<std::string> told;
  for (const std::size_t size : {kOwnersAtOnce, kOwnersAtOnce, std::size_t{1}, std::size_t{0}}) {
    const auto next = shares.owners("anna", told.empty() ? "" : told.back());
    EXPECT_EQ(next.size(), size);
    told.insert(told.end(), next.begin(), next.end());
  }
  EXPECT_EQ(told, all);
}

}  // namespace
}  // namespace ringpost::store
