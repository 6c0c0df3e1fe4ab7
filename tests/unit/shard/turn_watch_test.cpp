#include "shard/turn_watch.hpp"

#include <gtest/gtest.h>

namespace ringpost::shard {
namespace {

int code_a, code_b, code_c;

TEST(TurnWatch, blames_the_phase_that_took_most_and_its_slowest_piece) {
  TurnWatch watch;
  watch.begin(1000);
  watch.piece(TurnPhase::completions, &code_a, 1010);
  watch.piece(TurnPhase::completions, &code_b, 1050);
  watch.piece(TurnPhase::completions, &code_c, 1060);
  watch.piece(TurnPhase::hooks, &code_c, 1100);
  const Stall stall = watch.blame(Duration{1'000'000});
  EXPECT_EQ(stall.phase, TurnPhase::completions);
  EXPECT_EQ(stall.pieces, 3U);
  EXPECT_EQ(stall.code, &code_b);
  EXPECT_EQ(stall.length, Duration{1'000'000});
  EXPECT_EQ(stall.phase_length, Duration{600'000});
  EXPECT_EQ(stall.piece_length, Duration{400'000});
}

TEST(TurnWatch, forgets_the_turn_before) {
  TurnWatch watch;
  watch.begin(0);
  watch.piece(TurnPhase::messages, &code_a, 1'000'000);
  watch.begin(2'000'000);
  watch.piece(TurnPhase::submission, nullptr, 2'000'001);
  const Stall stall = watch.blame(Duration{7});
  EXPECT_EQ(stall.phase, TurnPhase::submission);
  EXPECT_EQ(stall.code, nullptr);
}

TEST(TurnWatch, knows_nothing_of_a_turn_without_pieces) {
  TurnWatch watch;
  watch.begin(5);
  EXPECT_EQ(watch.blame(Duration{7}).phase_length, Duration{0});
}

TEST(StallLog, keeps_the_newest) {
  StallLog log;
  EXPECT_TRUE(log.recent().empty());
  for (std::size_t i = 1; i <= kStallsKept; ++i) log.add({.length = Duration{static_cast<std::int64_t>(i)}});
  EXPECT_EQ(log.recent().size(), kStallsKept);
  EXPECT_EQ(log.recent().front().length, Duration{1});
  log.add({.length = Duration{99}});
  EXPECT_EQ(log.recent().size(), kStallsKept);
  EXPECT_EQ(log.recent().front().length, Duration{2});
  EXPECT_EQ(log.recent().back().length, Duration{99});
}

}  // namespace
}  // namespace ringpost::shard
