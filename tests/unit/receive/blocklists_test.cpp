#include "ringpost/receive/blocklists.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/resolve/harness.hpp"

namespace ringpost::receive {
namespace {

using resolve::run;
using resolve::ScriptedWorld;
using testing::AllOf;
using testing::HasSubstr;

constexpr IpAddress kClient = IpAddress::ipv4(203, 0, 113, 7);

class BlocklistsTest : public testing::Test {
 protected:
  BlocklistOptions& add(const std::string& name, const std::string& zone,
                        BlocklistCheck check = BlocklistCheck::client) {
    lists_[name].zone = zone;
    lists_[name].check = check;
    return lists_[name];
  }
  std::optional<mail::Reply> judge(const BlocklistSubject& subject = {.client = kClient},
                                   bool client_only = false) {
    auto rules = std::make_shared<const BlocklistRules>(make_blocklist_rules(lists_, options_));
    if (!blocklists_) {
      blocklists_ = std::make_unique<Blocklists>(world_.core, *world_.resolver);
      blocklists_->count_for(*rules);
    }
    return run(world_.core, blocklists_->judge(rules, subject, client_only));
  }
  ScriptedWorld world_;
  Named<BlocklistOptions> lists_;
  BlocklistsOptions options_;
  std::unique_ptr<Blocklists> blocklists_;
};

TEST_F(BlocklistsTest, refuses_a_listed_client_with_the_words_of_the_list) {
  add("zen", "zen.example.");
  EXPECT_EQ(judge(), std::nullopt);
  world_.upstream->add("7.113.0.203.zen.example 60 A 127.0.0.2");
  world_.upstream->add("7.113.0.203.zen.example 60 TXT \"https://zen.example/why\"");
  world_.pass(std::chrono::hours(2));
  const auto reply = judge();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->code, 554);
  EXPECT_EQ(mail::to_string(reply->status), "5.7.1");
  EXPECT_THAT(reply->text, AllOf(HasSubstr("[203.0.113.7]"), HasSubstr("zen.example"),
                                 HasSubstr("https://zen.example/why")));
  EXPECT_EQ(world_.figure("blocklist_listed_zen"), 1U);
  EXPECT_EQ(world_.figure("blocklist_rejected"), 1U);
}

TEST_F(BlocklistsTest, lets_mail_through_when_dns_fails_or_is_silent) {
  add("zen", "zen.example");
  add("other", "other.example");
  world_.upstream->fail({*dns::Name::parse("7.113.0.203.zen.example"), dns::Type::a}, dns::Status::servfail);
  world_.upstream->stay_silent({*dns::Name::parse("7.113.0.203.other.example"), dns::Type::a});
  const Instant before = world_.core.now();
  EXPECT_EQ(judge(), std::nullopt);
  EXPECT_EQ(world_.core.now() - before, options_.timeout);
  EXPECT_EQ(world_.figure("blocklist_failures"), 2U);
}

TEST_F(BlocklistsTest, counts_no_answers_that_are_none) {
  add("zen", "zen.example");
  world_.upstream->add("7.113.0.203.zen.example 60 A 127.255.255.254");  // "you ask too much"
  EXPECT_EQ(judge(), std::nullopt);
  add("parked", "parked.example");
  world_.upstream->add("7.113.0.203.parked.example 60 A 198.51.100.1");
  EXPECT_EQ(judge(), std::nullopt);
}

TEST_F(BlocklistsTest, counts_the_answers_that_are_named) {
  add("zen", "zen.example").answers = {"127.0.0.4-127.0.0.7", "127.0.0.11"};
  world_.upstream->add("7.113.0.203.zen.example 60 A 127.0.0.3");
  world_.upstream->add("8.113.0.203.zen.example 60 A 127.0.0.7");
  world_.upstream->add("9.113.0.203.zen.example 60 A 127.0.0.11");
  EXPECT_EQ(judge({.client = IpAddress::ipv4(203, 0, 113, 7)}), std::nullopt);
  EXPECT_TRUE(judge({.client = IpAddress::ipv4(203, 0, 113, 8)}).has_value());
  EXPECT_TRUE(judge({.client = IpAddress::ipv4(203, 0, 113, 9)}).has_value());
}

TEST_F(BlocklistsTest, adds_weights_up_to_the_threshold) {
  options_.threshold = 3;
  add("one", "one.example").weight = 2;
  add("two", "two.example").weight = 1;
  add("good", "good.example").weight = -2;
  world_.upstream->add("7.113.0.203.one.example 60 A 127.0.0.2");
  EXPECT_EQ(judge(), std::nullopt);
  world_.upstream->add("8.113.0.203.one.example 60 A 127.0.0.2");
  world_.upstream->add("8.113.0.203.two.example 60 A 127.0.0.2");
  const BlocklistSubject eight{.client = IpAddress::ipv4(203, 0, 113, 8)};
  ASSERT_TRUE(judge(eight).has_value());
  EXPECT_THAT(judge(eight)->text, HasSubstr("one.example"));
  world_.upstream->add("9.113.0.203.one.example 60 A 127.0.0.2");
  world_.upstream->add("9.113.0.203.two.example 60 A 127.0.0.2");
  world_.upstream->add("9.113.0.203.good.example 60 A 127.0.0.2");
  EXPECT_EQ(judge({.client = IpAddress::ipv4(203, 0, 113, 9)}), std::nullopt);
}

TEST_F(BlocklistsTest, asks_no_further_about_whom_a_list_allows) {
  add("bad", "bad.example");
  add("good", "good.example").act = BlocklistAct::allow;
  world_.upstream->add("7.113.0.203.bad.example 60 A 127.0.0.2");
  world_.upstream->add("7.113.0.203.good.example 60 A 127.0.5.1");
  EXPECT_EQ(judge(), std::nullopt);
  EXPECT_EQ(world_.figure("blocklist_allowed"), 1U);
}

TEST_F(BlocklistsTest, looks_names_up_where_they_are_wanted) {
  add("helo", "l.example", BlocklistCheck::helo);
  const BlocklistSubject subject{.client = kClient,
                                 .helo = "helo.bad.example",
                                 .sender_domain = "sender.bad.example",
                                 .recipient_domain = "to.bad.example"};
  EXPECT_EQ(judge(subject), std::nullopt);
  world_.upstream->add("helo.bad.example.l.example 60 A 127.0.0.2");
  world_.pass(std::chrono::hours(2));
  EXPECT_THAT(judge(subject)->text, AllOf(HasSubstr("Helo name"), HasSubstr("helo.bad.example")));
  EXPECT_EQ(judge(subject, true), std::nullopt);  // it is not about the client
  lists_["helo"].check = BlocklistCheck::sender;
  world_.upstream->add("sender.bad.example.l.example 60 A 127.0.0.2");
  EXPECT_THAT(judge(subject)->text, HasSubstr("Sender domain sender.bad.example"));
  lists_["helo"].check = BlocklistCheck::recipient;
  world_.upstream->add("to.bad.example.l.example 60 A 127.0.0.2");
  EXPECT_THAT(judge(subject)->text, HasSubstr("Recipient domain to.bad.example"));
  lists_["helo"].check = BlocklistCheck::reverse_client;
  world_.upstream->add("7.113.0.203.in-addr.arpa 60 PTR dyn.bad.example");
  world_.upstream->add("dyn.bad.example.l.example 60 A 127.0.0.2");
  EXPECT_THAT(judge(subject, true)->text, HasSubstr("Client name dyn.bad.example"));
}

TEST_F(BlocklistsTest, asks_nothing_about_what_is_no_domain) {
  add("helo", "l.example", BlocklistCheck::helo);
  for (const std::string_view helo : {"", "localhost", "[192.0.2.1]", "a b", "..."})
    EXPECT_EQ(judge({.client = kClient, .helo = helo}), std::nullopt);
  EXPECT_EQ(world_.upstream->asked(), 0U);
}

TEST_F(BlocklistsTest, makes_a_strangers_words_fit_for_a_reply) {
  add("zen", "zen.example");
  world_.upstream->add("7.113.0.203.zen.example 60 A 127.0.0.2");
  world_.upstream->add("7.113.0.203.zen.example 60 TXT \"two\\013\\010lines " + std::string(200, 'x') + "\"");
  const auto reply = judge();
  ASSERT_TRUE(reply.has_value());
  EXPECT_THAT(reply->text, HasSubstr("two??lines"));
  EXPECT_LE(reply->text.size(), 400U);
}

}  // namespace
}  // namespace ringpost::receive
