// What is kept of recipients: one in place, more in a list, and which records of the log hold it.
#include "spool/states.hpp"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

namespace ringpost::spool::testing {
namespace {

using journal::Location;

PackedOutcome outcome(std::uint32_t recipient, RecipientState state = RecipientState::pending,
                      std::uint16_t attempts = 1) {
  return pack({.recipient = recipient,
               .state = state,
               .attempts = attempts,
               .next_attempt = {1'234'567'890'000},
               .code = 450});
}

constexpr Location kEmpty{1, 4096, sizeof(StateHeader)};
constexpr Location kOne{2, 8192, sizeof(StateHeader) + sizeof(StateItem)};
constexpr Location kTwo{3, 12288, sizeof(StateHeader) + 2 * sizeof(StateItem)};

TEST(States, keep_one_outcome_and_where_it_is_written) {
  States states;
  const auto state = states.make();
  EXPECT_TRUE(states.outcomes(state).empty());
  EXPECT_FALSE(states.whole(state));
  for (const Location where : {kEmpty, kOne, kTwo, Location{}, kOne}) {
    states.set_whole(state, where);
    EXPECT_EQ(states.whole(state), where) << where.size;
    EXPECT_TRUE(!where || states.holds(state, where));
  }
  EXPECT_TRUE(states.merge(state, outcome(5)));
  EXPECT_FALSE(states.merge(state, outcome(5)));
  EXPECT_EQ(states.whole(state), kOne);
  ASSERT_NE(states.find(state, 5), nullptr);
  EXPECT_EQ(unpack(*states.find(state, 5)).next_attempt.nanoseconds, 1'234'567'890'000);
  EXPECT_EQ(unpack(*states.find(state, 5)).code, 450);
}

TEST(States, say_every_place_that_a_record_may_have) {
  constexpr std::uint32_t kSegments = 1U << 17;  // more are kept in a list
  const auto last = static_cast<std::uint32_t>(journal::kSegmentSizeMax.count - 32);
  for (const std::uint32_t segment : {0U, 1U, 31U, 32U, 16'384U, kSegments - 1, kSegments, ~0U})
    for (const std::uint32_t offset : {8264U, 65'536U, last}) {
      States states;
      const auto state = states.make();
      const Location where{segment, offset, kOne.size};
      states.set_whole(state, where);
      EXPECT_EQ(states.whole(state), where);
      EXPECT_TRUE(states.merge(state, outcome(5)));
      EXPECT_EQ(states.whole(state), where);
      EXPECT_EQ(states.outcomes(state)[0], outcome(5));
      states.set_whole(state, {});
      EXPECT_FALSE(states.whole(state));
    }
}

TEST(States, are_used_again_as_if_new) {
  States states;
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < 5; ++i) {
    all.push_back(states.make());
    states.set_whole(all.back(), kOne);
    EXPECT_TRUE(states.merge(all.back(), outcome(i)));
  }
  for (const std::uint32_t state : {all[1], all[3], all[2]}) states.release(state);
  EXPECT_EQ(states.size(), 2U);
  std::vector<std::uint32_t> again{states.make(), states.make(), states.make()};
  EXPECT_EQ(states.make(), all[4] + 1);
  EXPECT_EQ(states.size(), 6U);
  for (const std::uint32_t state : again) {
    EXPECT_FALSE(states.whole(state));
    EXPECT_TRUE(states.outcomes(state).empty());
  }
  std::ranges::sort(again);
  EXPECT_EQ(again, (std::vector{all[1], all[2], all[3]}));
  EXPECT_EQ(states.whole(all[4]), kOne);
}

// In memory to the microsecond, and up to 2112.
TEST(PackedOutcome, keeps_a_next_attempt_within_bounds) {
  const auto kept = [](std::int64_t nanoseconds) {
    return unpack(pack({.next_attempt = {nanoseconds}})).next_attempt.nanoseconds;
  };
  EXPECT_EQ(kept(1'234'567'890'123'456'789), 1'234'567'890'123'456'000);
  EXPECT_EQ(kept(-5), 0);
  EXPECT_EQ(kept(std::numeric_limits<std::int64_t>::max()), ((std::int64_t{1} << 52) - 1) * 1000);
}

TEST(States, of_which_a_record_was_written_before_the_first_outcome_say_its_size) {
  States states;
  const auto state = states.make();
  states.set_whole(state, kEmpty);
  EXPECT_TRUE(states.merge(state, outcome(0)));
  EXPECT_EQ(states.whole(state), kEmpty);
  EXPECT_EQ(states.outcomes(state).size(), 1U);
}

TEST(States, grow_into_a_list_and_keep_what_they_had) {
  States states;
  const auto state = states.make();
  EXPECT_TRUE(states.merge(state, outcome(7, RecipientState::delivered)));
  states.set_whole(state, kOne);
  EXPECT_TRUE(states.merge(state, outcome(3)));
  ASSERT_EQ(states.outcomes(state).size(), 2U);
  EXPECT_EQ(states.outcomes(state)[0].recipient, 3U);
  EXPECT_EQ(states.outcomes(state)[1], outcome(7, RecipientState::delivered));
  EXPECT_EQ(states.final_count(state), 1U);
  EXPECT_EQ(states.whole(state), kOne);
  states.add_change(state, kTwo);
  std::vector<Location> taken;
  states.take_records(state, [&](Location where) { taken.push_back(where); });
  EXPECT_EQ(taken, (std::vector{kOne, kTwo}));
  EXPECT_FALSE(states.whole(state));
  EXPECT_TRUE(states.changes(state).empty());
}

TEST(States, are_used_again_without_a_trace) {
  States states;
  const auto state = states.make();
  states.merge(state, outcome(1));
  states.merge(state, outcome(2));
  states.set_whole(state, kTwo);
  states.release(state);
  ASSERT_EQ(states.make(), state);
  EXPECT_TRUE(states.outcomes(state).empty());
  EXPECT_FALSE(states.whole(state));
  EXPECT_EQ(states.size(), 1U);
}

}  // namespace
}  // namespace ringpost::spool::testing
