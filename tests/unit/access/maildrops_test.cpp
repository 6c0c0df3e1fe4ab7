#include "ringpost/access/maildrops.hpp"

#include <gtest/gtest.h>

namespace ringpost::access {
namespace {

using Taken = Maildrops::Taken;
constexpr Instant kBegin{1h};

TEST(Maildrops, one_session_has_one) {
  Maildrops drops;
  EXPECT_EQ(drops.take("anna", 0s, kBegin), Taken::yes);
  EXPECT_EQ(drops.take("anna", 0s, kBegin), Taken::in_use);
  EXPECT_EQ(drops.take("bert", 0s, kBegin), Taken::yes);
  drops.give_up("anna");
  EXPECT_EQ(drops.take("anna", 0s, kBegin), Taken::yes);
}

TEST(Maildrops, the_delay_runs_from_login_to_login) {
  Maildrops drops;
  EXPECT_EQ(drops.take("anna", 60s, kBegin), Taken::yes);
  EXPECT_EQ(drops.take("anna", 60s, kBegin + 60s), Taken::in_use) << "however long it has been";
  drops.give_up("anna");
  EXPECT_EQ(drops.take("anna", 60s, kBegin + 60s - 1ns), Taken::too_soon);
  EXPECT_EQ(drops.take("anna", 60s, kBegin + 60s), Taken::yes) << "who was refused waits no longer for it";
}

TEST(Maildrops, those_of_whom_nothing_need_be_known_are_forgotten) {
  Maildrops drops;
  EXPECT_EQ(drops.take("held", 1s, kBegin), Taken::yes);
  for (int i = 0; i < 10'000; ++i) {
    const std::string user = "user" + std::to_string(i);
    EXPECT_EQ(drops.take(user, 1s, kBegin + i * 1s), Taken::yes);
    drops.give_up(user);
  }
  EXPECT_LE(drops.size(), 1024U);
  EXPECT_EQ(drops.take("held", 1s, kBegin + 24h), Taken::in_use);
  EXPECT_EQ(drops.take("user9999", 1s, kBegin + 9999s), Taken::too_soon);
}

}  // namespace
}  // namespace ringpost::access
