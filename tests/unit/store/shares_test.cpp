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

TEST(Shares, tell_as_many_as_they_may_and_not_more) {
  Shares shares;
  for (std::size_t i = 0; i < kOwnersListed; ++i)
    shares.set("owner" + std::to_string(100'000 + i), i % 2 == 0 ? "anna" : "anyone", true);
  EXPECT_EQ(shares.owners("anna").size(), kOwnersListed);
  shares.set("zoe", "anna", true);
  EXPECT_EQ(shares.owners("anna").size(), kOwnersListed);
  EXPECT_EQ(shares.owners("anna").back(), "owner" + std::to_string(100'000 + kOwnersListed - 1));
  EXPECT_TRUE(shares.has("zoe", "anna"));
}

}  // namespace
}  // namespace ringpost::store
