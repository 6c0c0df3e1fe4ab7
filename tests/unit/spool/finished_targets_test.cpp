// What the spool says of a target that is done: whether a later attempt will know of it.
#include "ringpost/spool/limits.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

class FinishedTargetTest : public SpoolTest {};

TEST_P(FinishedTargetTest, is_kept_up_to_the_bound_and_needs_not_be_when_nothing_comes_again) {
  at->open();
  const MessageId id = at->accept("x", {.recipients = {"a@example.net", "b@example.net"}});
  for (std::uint64_t i = 0; i < kFinishedTargetsMax; ++i)
    ASSERT_TRUE(at->spool->record(id, FinishedTarget{0, i}));
  EXPECT_FALSE(at->spool->record(id, FinishedTarget{0, kFinishedTargetsMax}));
  EXPECT_FALSE(at->spool->record(id, FinishedTarget{1, 0})) << "the bound is for the message";
  EXPECT_TRUE(at->spool->record(id, FinishedTarget{0, 0})) << "known";
  EXPECT_TRUE(at->spool->record(id, FinishedTarget{2, 0})) << "no such recipient";
  at->record(id, 0, RecipientState::delivered);
  EXPECT_TRUE(at->spool->record(id, FinishedTarget{0, kFinishedTargetsMax})) << "final";
  EXPECT_TRUE(at->spool->record(id, FinishedTarget{1, 0})) << "there is room again";
  at->record(id, 1, RecipientState::delivered);
  EXPECT_TRUE(at->spool->record(id, FinishedTarget{1, 1})) << "no such message";
}

INSTANTIATE_TEST_SUITE_P(Simulated, FinishedTargetTest, ::testing::Values("sim"));

}  // namespace
}  // namespace ringpost::spool::testing
