// What operators see and order.
#include <gtest/gtest.h>

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

// Two destinations, both deaf at first; three messages.
class Orders : public testing::Test {
 protected:
  Orders() {
    world.local_domains.clear();
    world.zone("one.test MX 10 mx.one.test");
    world.zone("mx.one.test A 192.0.2.1");
    world.zone("two.test MX 10 mx.two.test");
    world.zone("mx.two.test A 192.0.2.2");
    world.zone("origin.test MX 10 mx.home.test");
    world.zone("mx.home.test A 192.0.2.9");
    world.settings().retry.intervals = std::vector<Duration>{30min};
    world.settings().retry.warn_after = 0s;
  }
  void begin() {
    world.begin();
    first = world.send({.to = {"anna@one.test"}});
    second = world.send({.from = "other@origin.test", .to = {"bert@one.test", "carl@two.test"}});
    third = world.send({.from = "", .to = {"dora@two.test"}});
    world.run_for(1min);
  }
  std::size_t state_count(JobState state) {
    return world.ask(world.service().summary()).recipients[static_cast<std::size_t>(state)];
  }
  std::size_t listed(Selector selector) { return world.ask(world.service().list({}, 100, selector)).size(); }

  World world;
  MessageId first, second, third;
};

TEST_F(Orders, summary_and_listing_say_what_waits_and_why) {
  begin();
  const QueueSummary summary = world.ask(world.service().summary());
  EXPECT_EQ(summary.messages, 3U);
  EXPECT_EQ(state_count(JobState::deferred), 4U);
  EXPECT_EQ(summary.ages[0], 4U);
  ASSERT_EQ(summary.destinations.size(), 2U);
  EXPECT_EQ(summary.destinations[0].name, "one.test");
  EXPECT_NE(summary.destinations[0].problem.find("192.0.2.1"), std::string::npos);
  const auto shown = world.ask(world.service().show(second));
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].sender, "other@origin.test");
  ASSERT_EQ(shown[0].recipients.size(), 2U);
  EXPECT_EQ(shown[0].recipients[1].destination, "two.test");
  EXPECT_GT(shown[0].recipients[1].next_attempt, world.core().wall_now());
  EXPECT_FALSE(shown[0].recipients[1].reason.empty());
  EXPECT_TRUE(world.ask(world.service().show(MessageId{77})).empty());
}

TEST_F(Orders, selectors_mean_what_they_say) {
  begin();
  EXPECT_EQ(listed({}), 3U);
  EXPECT_EQ(listed({.id = second}), 1U);
  EXPECT_EQ(listed({.domain = "two.test"}), 2U);
  EXPECT_EQ(listed({.sender = "other@origin.test"}), 1U);
  EXPECT_EQ(listed({.sender = "<>"}), 1U);
  EXPECT_EQ(listed({.recipient = "anna@one.test"}), 1U);
  EXPECT_EQ(listed({.older_than = 1h}), 0U);
  EXPECT_EQ(listed({.older_than = 30s}), 3U);
  EXPECT_EQ(listed({.state = JobState::deferred}), 3U);
  EXPECT_EQ(listed({.state = JobState::held}), 0U);
  EXPECT_EQ(world.ask(world.service().count({.domain = "two.test"})), 2U);
  EXPECT_EQ(world.ask(world.service().list(first, 100, {})).size(), 2U);
  EXPECT_EQ(world.ask(world.service().list({}, 2, {})).size(), 2U);
}

TEST_F(Orders, flush_tries_at_once) {
  begin();
  Peer& peer = world.add_peer("192.0.2.1");
  EXPECT_EQ(world.ask(world.service().flush({.domain = "one.test"})), 2U);
  ASSERT_TRUE(world.run_until([&] { return world.events("delivered").size() == 2; }, 1min));
  EXPECT_EQ(peer.mails.size(), 2U);
  EXPECT_EQ(state_count(JobState::deferred), 2U);
}

TEST_F(Orders, hold_keeps_and_release_lets_go) {
  begin();
  EXPECT_EQ(world.ask(world.service().hold({.domain = "two.test"})), 2U);
  EXPECT_EQ(state_count(JobState::held), 2U);
  Peer& peer = world.add_peer("192.0.2.2");
  EXPECT_EQ(world.ask(world.service().flush({})), 2U);  // not what is held
  world.run_for(2h);
  EXPECT_EQ(peer.mails.size(), 0U);
  EXPECT_TRUE(world.service().directives().held.empty());
  EXPECT_EQ(world.service().directives().rules.size(), 1U);
  // It means what was there.
  world.send({.to = {"late@two.test"}});
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 1; }, 1h));
  EXPECT_EQ(world.ask(world.service().release({})), 2U);
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 3; }, 1h));
  EXPECT_TRUE(world.service().directives().rules.empty());
}

TEST_F(Orders, a_hold_of_everything_is_one_rule_that_a_restart_keeps_and_a_release_may_except_from) {
  Peer& one = world.add_peer("192.0.2.1");
  Peer& two = world.add_peer("192.0.2.2");
  one.answer = two.answer = [](const std::string& line, unsigned) {
    return line.starts_with("RCPT") ? std::optional<std::string>("450 4.2.1 later") : std::nullopt;
  };
  begin();
  const std::size_t all = world.ask(world.service().count({}));
  EXPECT_EQ(world.ask(world.service().hold({})), all);
  EXPECT_EQ(world.ask(world.service().release({.domain = "one.test"})), 2U);
  const Directives kept = world.service().directives();
  EXPECT_TRUE(kept.held.empty());
  EXPECT_EQ(kept.rules.size(), 2U);
  world.run_for(10s);
  world.power_cut();
  Peer& one_again = world.add_peer("192.0.2.1");
  Peer& two_again = world.add_peer("192.0.2.2");
  world.directives = kept;
  world.begin();
  ASSERT_TRUE(world.run_until([&] { return one_again.mails.size() == 2; }, 12h));
  world.run_for(12h);
  EXPECT_EQ(two_again.mails.size(), 0U);
  EXPECT_EQ(state_count(JobState::held), all - 2);
  EXPECT_EQ(world.ask(world.service().release({})), all - 2);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 12h));
  EXPECT_TRUE(world.service().directives().rules.empty());
}

TEST_F(Orders, bounce_tells_the_sender_and_cancel_does_not) {
  Peer& home = world.add_peer("192.0.2.9");
  begin();
  EXPECT_EQ(world.ask(world.service().bounce({.recipient = "carl@two.test"})), 1U);
  EXPECT_EQ(world.ask(world.service().cancel({.domain = "one.test"})), 2U);
  ASSERT_TRUE(world.run_until([&] { return home.mails.size() == 1; }));
  EXPECT_EQ(home.mails[0].to, std::vector<std::string>{"<other@origin.test>"});
  EXPECT_NE(home.mails[0].body.find("carl@two.test"), std::string::npos);
  EXPECT_EQ(home.mails[0].body.find("bert@one.test"), std::string::npos);
  EXPECT_EQ(world.events("cancelled").size(), 2U);
  EXPECT_EQ(world.events("bounced").size(), 1U);
  ASSERT_TRUE(world.run_until([&] { return world.spool().message_count() == 1; }));
  EXPECT_EQ(listed({}), 1U);
}

TEST_F(Orders, a_suspended_destination_waits_but_does_not_outlive_expiry) {
  world.settings().retry.expire_after = 2h;
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  world.service().suspend("one.test");
  world.send({.from = "", .to = {"anna@one.test"}});
  world.run_for(1h);
  EXPECT_EQ(peer.connections, 0U);
  EXPECT_EQ(state_count(JobState::suspended), 1U);
  EXPECT_EQ(world.service().directives().suspended, std::vector<std::string>{"one.test"});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(world.events("expired").size(), 1U);
}

TEST_F(Orders, resume_sends_what_waited) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  world.service().suspend("*");
  world.send({.to = {"anna@one.test"}});
  world.run_for(1h);
  EXPECT_EQ(peer.connections, 0U);
  world.service().resume("*");
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 1; }, 1min));
}

TEST_F(Orders, held_mail_expires_like_any_other) {
  world.settings().retry.expire_after = 3h;
  Peer& home = world.add_peer("192.0.2.9");
  begin();
  EXPECT_EQ(world.ask(world.service().hold({.id = first})), 1U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 4h));
  EXPECT_EQ(world.events("expired").size(), 4U);
  bool told = false;
  for (const ReceivedMail& mail : home.mails)
    told |= mail.body.find("held by the operator") != std::string::npos;
  EXPECT_TRUE(told);
  EXPECT_TRUE(world.service().directives().held.empty());
}

TEST_F(Orders, directives_hold_and_suspend_from_the_start) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.directives.suspended = {"one.test"};
  world.begin();
  world.send({.to = {"anna@one.test"}});
  world.run_for(1h);
  EXPECT_EQ(peer.connections, 0U);
}

TEST_F(Orders, a_reload_routes_what_waits_anew) {
  begin();
  Peer& relay = world.add_peer("192.0.2.50", 587);
  auto settings = std::make_shared<Settings>(world.settings());
  settings->router =
      Router::make({{"relay", {.match = {"*"}, .via = "smtp:192.0.2.50:587"}}}, {}, [](std::string_view) {
        return false;
      }).value();
  world.service().reload(settings);
  ASSERT_TRUE(world.run_until([&] { return world.events("delivered").size() == 4; }, 2h)) << world.log();
  std::size_t recipients = 0;
  for (const ReceivedMail& mail : relay.mails) recipients += mail.to.size();
  EXPECT_EQ(recipients, 4U);
  EXPECT_TRUE(world.empty());
}

TEST_F(Orders, drain_lets_the_transaction_under_way_end_and_begins_no_other) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.delay = 10s;
  world.settings().shaping.connection_limit = 1;
  world.begin();
  world.send({.to = {"anna@one.test"}});
  world.send({.to = {"bert@one.test"}});
  world.run_for(1s);
  world.service().drain();
  ASSERT_TRUE(world.run_until([&] { return world.service().open_flows() == 0; }, 1min));
  EXPECT_EQ(peer.mails.size(), 1U);
  EXPECT_EQ(peer.quits, 1U);
  EXPECT_EQ(world.spool().message_count(), 1U);
}

TEST_F(Orders, abort_ends_a_transaction_and_its_mail_stays) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.delay = 1h;
  world.begin();
  const MessageId id = world.send({.to = {"anna@one.test"}});
  world.run_for(1s);
  world.service().abort();
  ASSERT_TRUE(world.run_until([&] { return world.service().open_flows() == 0; }, 1min));
  EXPECT_EQ(world.outcomes(id).at(0).attempts, 0);
  EXPECT_TRUE(world.events("deferred").empty());
}

TEST_F(Orders, drain_waits_for_no_server_that_has_not_answered_yet) {
  world.add_silence("192.0.2.1");
  Peer& mute = world.add_peer("192.0.2.2");
  mute.greeting = "";
  world.settings().deliver.connect_timeout = 30min;
  world.begin();
  world.send({.to = {"anna@one.test"}});
  world.send({.to = {"bert@two.test"}});
  world.run_for(1s);
  ASSERT_EQ(world.service().open_flows(), 2U);
  world.service().drain();
  ASSERT_TRUE(world.run_until([&] { return world.service().open_flows() == 0; }, 1s));
  EXPECT_EQ(world.spool().message_count(), 2U);
  EXPECT_TRUE(world.events("deferred").empty());
}

TEST_F(Orders, abort_ends_a_connect_that_nobody_answers_and_says_nothing_about_the_host) {
  world.add_silence("192.0.2.1");
  world.settings().deliver.connect_timeout = 30min;
  world.begin();
  const MessageId id = world.send({.to = {"anna@one.test"}});
  world.run_for(1s);
  ASSERT_EQ(world.service().open_flows(), 1U);
  world.service().abort();
  ASSERT_TRUE(world.run_until([&] { return world.service().open_flows() == 0; }, 1s));
  EXPECT_EQ(world.outcomes(id).at(0).attempts, 0);
  EXPECT_TRUE(world.events("deferred").empty());
}

TEST_F(Orders, recovered_mail_keeps_its_attempts_and_its_time) {
  world.begin();
  mail::Envelope envelope;
  envelope.set_reverse_path("sender@origin.test");
  for (const char* to : {"anna@one.test", "bert@one.test", "carl@one.test", "dora@one.test"})
    envelope.add_recipient({.address = to});
  mail::ArrivalFacts facts;
  facts.arrival = world.core().wall_now();
  std::vector<std::byte> bytes(mail::encoded_envelope_size(envelope, facts));
  mail::encode_envelope(envelope, facts, bytes);
  const auto record = mail::EnvelopeRecord::decode(bytes);
  ASSERT_TRUE(record);
  const WallTime later = facts.arrival + 2h;
  const std::vector<spool::Outcome> outcomes{{.recipient = 0, .state = spool::RecipientState::delivered},
                                             {.recipient = 1, .attempts = 3, .next_attempt = later},
                                             {.recipient = 2},
                                             {.recipient = 3, .attempts = 3, .next_attempt = later}};
  world.service().queued({MessageId{5}, &*record, outcomes, true});
  const QueueSummary summary = world.ask(world.service().summary());
  EXPECT_EQ(summary.messages, 1U);
  EXPECT_EQ(summary.recipients[static_cast<std::size_t>(JobState::ready)], 1U);
  EXPECT_EQ(summary.recipients[static_cast<std::size_t>(JobState::deferred)], 2U);
}

}  // namespace
}  // namespace ringpost::deliver::test
