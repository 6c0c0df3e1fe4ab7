#include "ringpost/shaping/slots.hpp"

#include <gtest/gtest.h>

namespace ringpost::shaping {
namespace {

constexpr std::string_view kName = "example.com";

TEST(SlotTable, gives_out_exactly_the_limit) {
  SlotTable slots;
  EXPECT_TRUE(slots.acquire(kName, 2, {0, nullptr}));
  EXPECT_TRUE(slots.acquire(kName, 2, {1, nullptr}));
  EXPECT_FALSE(slots.acquire(kName, 2, {0, nullptr}));
  EXPECT_EQ(slots.held(kName), 2U);
}

TEST(SlotTable, serves_who_waits_longest_first) {
  SlotTable slots;
  int a = 0;
  int b = 0;
  EXPECT_TRUE(slots.acquire(kName, 1, {0, nullptr}));
  EXPECT_FALSE(slots.acquire(kName, 1, {1, &a}));
  EXPECT_FALSE(slots.acquire(kName, 1, {2, &b}));
  EXPECT_EQ(slots.release(kName, 1)->destination, &a);
  EXPECT_EQ(slots.release(kName, 1)->destination, &b);
  EXPECT_FALSE(slots.release(kName, 1));
  EXPECT_EQ(slots.size(), 0U);
}

TEST(SlotTable, a_newcomer_does_not_overtake_the_line) {
  SlotTable slots;
  EXPECT_TRUE(slots.acquire(kName, 1, {0, nullptr}));
  EXPECT_FALSE(slots.acquire(kName, 1, {1, nullptr}));
  EXPECT_TRUE(slots.release(kName, 1));
  EXPECT_FALSE(slots.acquire(kName, 1, {0, nullptr}));
}

TEST(SlotTable, a_core_waits_once) {
  SlotTable slots;
  EXPECT_TRUE(slots.acquire(kName, 1, {0, nullptr}));
  EXPECT_FALSE(slots.acquire(kName, 1, {1, nullptr}));
  EXPECT_FALSE(slots.acquire(kName, 1, {1, nullptr}));
  EXPECT_TRUE(slots.others_wait(kName, 0));
  EXPECT_FALSE(slots.others_wait(kName, 1));
  EXPECT_TRUE(slots.leave(kName, 1));
  EXPECT_FALSE(slots.leave(kName, 1));
  EXPECT_FALSE(slots.release(kName, 1));
}

TEST(SlotTable, a_lowered_limit_lets_holders_finish_and_admits_nobody) {
  SlotTable slots;
  EXPECT_TRUE(slots.acquire(kName, 2, {0, nullptr}));
  EXPECT_TRUE(slots.acquire(kName, 2, {1, nullptr}));
  EXPECT_FALSE(slots.acquire(kName, 1, {2, nullptr}));
  EXPECT_FALSE(slots.release(kName, 1));
  EXPECT_TRUE(slots.release(kName, 1));
}

}  // namespace
}  // namespace ringpost::shaping
