#include "ringpost/base/ids.hpp"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

TEST(MessageId, carries_epoch_shard_and_sequence) {
  const auto id = MessageId::make(7, 1023, 99);
  EXPECT_EQ(id.epoch(), 7U);
  EXPECT_EQ(id.shard(), 1023U);
  EXPECT_EQ(id.sequence(), 99U);
}

TEST(MessageId, text_is_fixed_width_ordered_and_reversible) {
  const auto low = MessageId::make(1, 0, 5);
  const auto high = MessageId::make(2, 0, 0);
  EXPECT_EQ(to_string(low).size(), 13U);
  EXPECT_LT(to_string(low), to_string(high));
  EXPECT_EQ(parse_message_id(to_string(low)), low);
  EXPECT_EQ(parse_message_id(to_string(MessageId{~0ULL})), MessageId{~0ULL});
}

TEST(MessageId, refuses_text_that_is_no_id) {
  for (const char* text : {"", "0", "000000000000U", "G000000000000", "00000000000000"})
    EXPECT_EQ(parse_message_id(text), std::nullopt) << text;
}

}  // namespace
}  // namespace ringpost
