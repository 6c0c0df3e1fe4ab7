#include "access/steps.hpp"

#include <gtest/gtest.h>

namespace ringpost::access {
namespace {

class Counted final : public Steps {
 public:
  using Steps::due;
  using Steps::Steps;
  Task<bool> pause() override { co_return true; }
};

constexpr Instant kBegin{std::chrono::seconds{1000}};

TEST(Steps, are_told_after_a_while_and_again_after_as_long) {
  Counted steps(kBegin, {.messages = 1000});
  for (int i = 0; i < 454; ++i) steps.step();
  EXPECT_EQ(steps.due(kBegin + kProgressEvery - Duration{1}, "A001"), std::nullopt);
  EXPECT_EQ(steps.due(kBegin + kProgressEvery, "A001"), "INPROGRESS (\"A001\" 454 1000)");
  EXPECT_EQ(steps.due(kBegin + 2 * kProgressEvery - Duration{1}, "A001"), std::nullopt);
  EXPECT_EQ(steps.due(kBegin + 2 * kProgressEvery, "A001"), "INPROGRESS (\"A001\" 454 1000)");
}

TEST(Steps, let_others_have_their_turn) {
  Counted steps(kBegin, {.messages = 1000});
  for (std::size_t i = 1; i < kMessagesPerTurn; ++i) EXPECT_FALSE(steps.step());
  EXPECT_TRUE(steps.step());
}

TEST(Steps, of_a_later_stage_count_as_much) {
  Counted steps(kBegin, {.messages = 1000, .stages = 2});
  for (int i = 0; i < 1000; ++i) steps.step();
  EXPECT_EQ(steps.due(kBegin + kProgressEvery, "a"), "INPROGRESS (\"a\" 1000 2000)");
  steps.next_stage(10);
  for (int i = 0; i < 5; ++i) steps.step();
  EXPECT_EQ(steps.due(kBegin + 2 * kProgressEvery, "a"), "INPROGRESS (\"a\" 1500 2000)");
}

// RFC 9585 section 4: what is reached is less than the goal.
TEST(Steps, are_never_all) {
  Counted steps(kBegin, {.messages = 3});
  for (int i = 0; i < 5; ++i) steps.step();
  EXPECT_EQ(steps.due(kBegin + kProgressEvery, "a"), "INPROGRESS (\"a\" 2 3)");
  Counted none(kBegin, {});
  EXPECT_EQ(none.due(kBegin + kProgressEvery, "a"), std::nullopt);
}

// A "]" would end the code.
TEST(Steps, leave_a_tag_out_that_cannot_be_said) {
  Counted steps(kBegin, {.messages = 3});
  EXPECT_EQ(steps.due(kBegin + kProgressEvery, "a]b"), "INPROGRESS (NIL 0 3)");
}

}  // namespace
}  // namespace ringpost::access
