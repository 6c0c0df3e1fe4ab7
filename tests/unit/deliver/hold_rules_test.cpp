// Which mail a hold means, and what is left of rules when others come.
#include "deliver/hold_rules.hpp"

#include <gtest/gtest.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/envelope.hpp"

namespace ringpost::deliver::test {
namespace {

constexpr WallTime kNow{1'000'000'000'000};

class HoldRulesTest : public ::testing::Test {
 protected:
  HoldRulesTest() {
    mail::Envelope envelope;
    envelope.set_reverse_path("news@example.org");
    envelope.add_recipient({.address = "anna@one.test"});
    envelope.add_recipient({.address = "bert@two.test"});
    mail::ArrivalFacts facts;
    facts.arrival = kNow;
    bytes.resize(mail::encoded_envelope_size(envelope, facts));
    (void)mail::encode_envelope(envelope, facts, bytes);
    record = mail::EnvelopeRecord::decode(bytes).value();
  }
  bool add(bool hold, const Selector& selector, WallTime now = kNow) {
    return rules.add(hold, HoldRules::rule_of(selector, now).value());
  }
  bool holds(std::uint32_t recipient) const { return rules.holds({7}, record, recipient); }

  std::vector<std::byte> bytes;
  mail::EnvelopeRecord record;
  HoldRules rules;
};

TEST_F(HoldRulesTest, mean_recipients_by_what_the_selector_says) {
  EXPECT_FALSE(holds(0));
  ASSERT_TRUE(add(true, {.domain = "one.test"}));
  EXPECT_TRUE(holds(0));
  EXPECT_FALSE(holds(1));
  ASSERT_TRUE(add(true, {.sender = "other@example.org"}));
  EXPECT_FALSE(holds(1));
  ASSERT_TRUE(add(true, {.sender = "news@example.org"}));
  EXPECT_TRUE(holds(1));
}

TEST_F(HoldRulesTest, mean_nothing_that_came_later) {
  ASSERT_TRUE(add(true, {}, {kNow.nanoseconds - 1}));
  EXPECT_FALSE(holds(0));
  ASSERT_TRUE(add(true, {}, kNow));
  EXPECT_TRUE(holds(0));
  ASSERT_TRUE(add(false, {}));
  ASSERT_TRUE(add(true, {.older_than = Duration{1}}));
  EXPECT_FALSE(holds(0));
}

TEST_F(HoldRulesTest, let_the_last_one_count) {
  ASSERT_TRUE(add(true, {}));
  ASSERT_TRUE(add(false, {.id = {7}}));
  EXPECT_FALSE(holds(0));
  ASSERT_TRUE(add(true, {.recipient = "anna@one.test"}));
  EXPECT_TRUE(holds(0));
  EXPECT_FALSE(holds(1));
}

TEST_F(HoldRulesTest, drop_what_a_later_one_covers) {
  ASSERT_TRUE(add(true, {.domain = "one.test"}));
  ASSERT_TRUE(add(true, {.domain = "one.test", .sender = "news@example.org"}));
  EXPECT_EQ(rules.all().size(), 2U);
  ASSERT_TRUE(add(true, {.domain = "one.test"}, {kNow.nanoseconds + 1}));
  EXPECT_EQ(rules.all().size(), 1U);
  ASSERT_TRUE(add(false, {.domain = "two.test"}));
  EXPECT_EQ(rules.all().size(), 2U);
  ASSERT_TRUE(add(false, {}, {kNow.nanoseconds + 1}));
  EXPECT_TRUE(rules.empty());
  ASSERT_TRUE(add(false, {.domain = "two.test"}));  // nothing holds it
  EXPECT_TRUE(rules.empty());
}

TEST_F(HoldRulesTest, are_bounded) {
  for (std::size_t i = 0; i < kHoldRulesMax; ++i)
    ASSERT_TRUE(add(true, {.domain = std::to_string(i) + ".test"}));
  EXPECT_FALSE(add(true, {.domain = "one.test"}));
  EXPECT_FALSE(holds(0));
  EXPECT_TRUE(add(true, {}));
  EXPECT_EQ(rules.all().size(), 1U);
}

TEST_F(HoldRulesTest, cannot_say_a_state) {
  EXPECT_FALSE(HoldRules::rule_of({.state = JobState::deferred}, kNow));
}

}  // namespace
}  // namespace ringpost::deliver::test
