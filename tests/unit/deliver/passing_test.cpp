// Level through: what the client hears is what the next hop has said, once, and nothing stays behind.
#include <limits>

#include <gtest/gtest.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/spool/limits.hpp"

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

Peer::Answer answer_to(std::string beginning, std::string reply) {
  return [=](const std::string& line, unsigned) -> std::optional<std::string> {
    return line.starts_with(beginning) ? std::optional(reply) : std::nullopt;
  };
}

class Passing : public testing::Test {
 protected:
  Passing() {
    world.local_domains = {"origin.test"};
    world.zone("example.com MX 10 mx.example.com");
    world.zone("mx.example.com A 192.0.2.1");
    world.zone("example.org MX 10 mx.example.org");
    world.zone("mx.example.org A 192.0.2.2");
    world.settings().retry.intervals = std::vector<Duration>{20min};
  }
  ~Passing() override {
    // Whatever the end was: no report, no line of the spool, nothing that waits.
    EXPECT_TRUE(world.empty());
    EXPECT_EQ(world.figure("intake_through_open"), 0U);
    EXPECT_EQ(world.figure("spool_body_bytes"), 0U);
    EXPECT_EQ(world.figure("spool_envelope_bytes"), 0U);
    EXPECT_EQ(world.figure("spool_state_bytes"), 0U);
    EXPECT_EQ(world.figure("spool_ending_bytes"), 0U);
    EXPECT_EQ(world.figure("deliver_recipients_bounced"), 0U);
    EXPECT_EQ(world.figure("deliver_recipients_deferrals"), 0U);
  }
  // The replies that the client has heard, on one line each.
  std::vector<std::string> heard(const World::Answered& answered, Duration bound = 10min) {
    EXPECT_TRUE(world.run_until([&] { return answered->has_value(); }, bound));
    std::vector<std::string> all;
    if (!answered->has_value()) return all;
    if ((*answered)->refusal) all.push_back(mail::to_string(*(*answered)->refusal));
    for (const mail::Reply& reply : (*answered)->replies) all.push_back(mail::to_string(reply));
    return all;
  }
  std::string only_reply(const World::Answered& answered) {
    const auto all = heard(answered);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? "" : all.front();
  }
  std::string pass_one() { return only_reply(world.pass({.to = {"anna@example.com"}})); }

  World world;
};

TEST_F(Passing, a_250_of_the_next_hop_is_the_clients) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.judge = [](const ReceivedMail&, std::size_t) { return "250 2.6.0 stored as 17"; };
  world.begin();
  const auto answered = world.pass({.to = {"anna@example.com"}});
  const std::string reply = only_reply(answered);
  EXPECT_TRUE(reply.starts_with("250 2.6.0 Ok: passed on as " + to_string((*answered)->id))) << reply;
  EXPECT_TRUE(reply.ends_with(": stored as 17")) << reply;
  ASSERT_EQ(peer.mails.size(), 1U);
  EXPECT_TRUE(peer.mails[0].body.starts_with("Received:"));
  const auto delivered = world.events("delivered");
  ASSERT_EQ(delivered.size(), 1U);
  EXPECT_EQ(delivered[0].fields.at("durability"), "through");
  EXPECT_EQ(delivered[0].fields.at("queue_id"), to_string((*answered)->id));
  ASSERT_EQ(world.events("received").size(), 1U);
  EXPECT_EQ(world.events("received")[0].fields.at("durability"), "through");
  EXPECT_EQ(world.figure("intake_through_taken"), 1U);
  EXPECT_EQ(world.figure("deliver_recipients_passed_on"), 1U);
}

TEST_F(Passing, nothing_is_said_before_the_next_hop_has_said_it) {
  world.add_peer("192.0.2.1").delay = 90s;
  world.begin();
  const auto answered = world.pass({.to = {"anna@example.com"}});
  world.run_for(80s);
  EXPECT_FALSE(answered->has_value());
  EXPECT_EQ(world.figure("intake_through_open"), 1U);
  EXPECT_EQ(world.ask(world.service().summary()).passing, 1U);
  EXPECT_TRUE(only_reply(answered).starts_with("250 "));
  EXPECT_EQ(world.ask(world.service().summary()).passing, 0U);
}

TEST_F(Passing, refusals_of_each_state_come_back_with_their_text_and_status) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  for (const std::string state : {"MAIL", "RCPT", "DATA"}) {
    peer.answer = answer_to(state, "450 4.2.1 not just now");
    EXPECT_EQ(pass_one(), "450 4.2.1 not just now") << state;
    peer.answer = answer_to(state, "550 5.1.1 nobody of that name");
    EXPECT_EQ(pass_one(), "550 5.1.1 nobody of that name") << state;
  }
  peer.answer = {};
  peer.judge = [](const ReceivedMail&, std::size_t) { return "554 5.7.1 spam"; };
  EXPECT_EQ(pass_one(), "554 5.7.1 spam");
  peer.judge = [](const ReceivedMail&, std::size_t) { return "452 4.3.1 no room"; };
  EXPECT_EQ(pass_one(), "452 4.3.1 no room");
  EXPECT_EQ(world.events("delivered").size(), 0U);
  EXPECT_EQ(world.events("received").size(), 0U);
  EXPECT_EQ(world.figure("intake_through_temporary"), 4U);
  EXPECT_EQ(world.figure("intake_through_permanent"), 4U);
}

TEST_F(Passing, what_the_hop_says_about_our_conversation_with_it_is_not_said_to_the_client) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  peer.answer = answer_to("MAIL", "530 5.7.0 log in first");
  EXPECT_EQ(pass_one(), "554 5.7.0 log in first");
  peer.answer = {};
  peer.judge = [](const ReceivedMail&, std::size_t) { return "421 4.3.2 going down"; };
  EXPECT_EQ(pass_one(), "451 4.3.2 going down");
}

TEST_F(Passing, a_connection_that_dies_after_the_body_is_a_451_and_is_not_tried_again_by_us) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.judge = [](const ReceivedMail&, std::size_t) { return Peer::kHangUp; };
  world.begin();
  EXPECT_TRUE(pass_one().starts_with("451 4.4.2 "));
  world.run_for(1h);
  EXPECT_EQ(count_lines(peer, "DATA"), 1U);
}

TEST_F(Passing, a_connection_that_dies_before_the_body_is_a_451_too) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.answer = answer_to("RCPT", Peer::kHangUp);
  world.begin();
  EXPECT_TRUE(pass_one().starts_with("451 4."));
  EXPECT_EQ(peer.connections, 1U);
}

TEST_F(Passing, an_idle_connection_that_the_hop_has_tired_of_costs_no_answer) {
  Peer& peer = world.add_peer("192.0.2.1");
  unsigned mails = 0;
  peer.answer = [&](const std::string& line, unsigned connection) -> std::optional<std::string> {
    return line.starts_with("MAIL") && connection == 1 && ++mails > 1 ? std::optional(Peer::kHangUp)
                                                                      : std::nullopt;
  };
  world.begin();
  EXPECT_TRUE(pass_one().starts_with("250 "));
  EXPECT_TRUE(pass_one().starts_with("250 "));
  EXPECT_EQ(peer.connections, 2U);
  EXPECT_EQ(peer.mails.size(), 2U);
}

TEST(PassingStalls, are_given_up_before_the_client_gives_up) {
  for (const std::string state : {"greeting", "EHLO", "RCPT", "DATA"}) {
    World slow;
    slow.zone("example.com A 192.0.2.1");
    slow.settings().deliver.command_timeout = 1h;
    slow.settings().deliver.data_timeout = 1h;
    slow.add_peer("192.0.2.1").answer = answer_to(state, "");
    slow.begin();
    const auto answered = slow.pass({.to = {"anna@example.com"}});
    EXPECT_TRUE(slow.run_until([&] { return answered->has_value(); }, kPassingMax + kExpiryGrace + 10s))
        << state;
    ASSERT_TRUE(answered->has_value());
    ASSERT_EQ((*answered)->replies.size(), 1U);
    EXPECT_EQ((*answered)->replies[0].code, 451) << state;
    EXPECT_EQ((*answered)->replies[0].status.subject, 4) << mail::to_string((*answered)->replies[0]);
    EXPECT_TRUE(slow.empty());
  }
}

TEST_F(Passing, a_drip_of_a_reply_ends_in_time) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.judge = [](const ReceivedMail&, std::size_t) { return Peer::kDrip; };
  world.settings().deliver.data_timeout = 1h;
  world.begin();
  const auto answered = world.pass({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return answered->has_value(); }, kPassingMax + 10s));
  EXPECT_TRUE(only_reply(answered).starts_with("451 4.4.2 "));
}

// Its wait began before the clock was set; its transaction, behind another one, does later.
TEST_F(Passing, a_clock_that_is_set_back_gives_the_hop_no_more_time) {
  world.add_peer("192.0.2.1").delay = 200s;
  world.settings().shaping.connection_limit = 1;
  world.begin();
  const auto first = world.pass({.to = {"anna@example.com"}});
  const auto second = world.pass({.to = {"bert@example.com"}});
  world.run_for(150s);
  world.shift_time_of_day(-1h);
  EXPECT_TRUE(only_reply(first).starts_with("250 "));
  ASSERT_TRUE(world.run_until([&] { return second->has_value(); }, kPassingMax - 200s + 10s));
  EXPECT_TRUE(only_reply(second).starts_with("451 4.4."));
}

TEST_F(Passing, a_dead_hop_is_said_at_once_to_all_who_come_and_looked_at_again_soon) {
  world.begin();
  std::vector<World::Answered> all;
  for (int i = 0; i < 20; ++i) all.push_back(world.pass({.to = {"anna@example.com"}}));
  for (const auto& each : all) EXPECT_TRUE(only_reply(each).starts_with("451 4.4.1 "));
  EXPECT_EQ(world.figure("deliver_connections_failed"), 1U);
  const auto late = world.pass({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return late->has_value(); }, 1s));
  EXPECT_EQ(world.figure("deliver_connections_failed"), 1U);
  world.add_peer("192.0.2.1");
  world.run_for(kPassingPauseMax + 1s);
  const std::string reply = pass_one();
  EXPECT_TRUE(reply.starts_with("250 ")) << reply;
}

TEST_F(Passing, a_domain_that_does_not_exist_is_a_5yz) {
  world.zone("nowhere.test MX 0 .");
  world.begin();
  const std::string reply = only_reply(world.pass({.to = {"anna@nowhere.test"}}));
  EXPECT_TRUE(reply.starts_with("55")) << reply;
}

TEST_F(Passing, lmtp_hears_of_each_recipient_and_two_hops_are_two_answers) {
  Peer& one = world.add_peer("192.0.2.1");
  Peer& two = world.add_peer("192.0.2.2");
  one.answer = answer_to("RCPT TO:<bert@", "550 5.1.1 no bert here");
  two.judge = [](const ReceivedMail&, std::size_t) { return "451 4.7.1 greylisted"; };
  world.begin();
  const auto all = heard(world.pass(
      {.to = {"anna@example.com", "carl@example.org", "bert@example.com", "dora@example.com"}}, true));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_TRUE(all[0].starts_with("250 ")) << all[0];
  EXPECT_EQ(all[1], "451 4.7.1 greylisted");
  EXPECT_EQ(all[2], "550 5.1.1 no bert here");
  EXPECT_TRUE(all[3].starts_with("250 ")) << all[3];
  ASSERT_EQ(one.mails.size(), 1U);
  EXPECT_EQ(one.mails[0].to.size(), 2U);
  world.run_for(1h);
  EXPECT_EQ(one.mails.size(), 1U);
  EXPECT_EQ(count_lines(two, "DATA"), 1U);
}

TEST_F(Passing, more_recipients_than_a_transaction_has_are_all_answered) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.settings().shaping.recipients_per_transaction = 2;
  world.begin();
  const auto all = heard(world.pass(
      {.to = {"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com"}}, true));
  EXPECT_EQ(all.size(), 5U);
  for (const std::string& reply : all) EXPECT_TRUE(reply.starts_with("250 ")) << reply;
  EXPECT_EQ(peer.mails.size(), 3U);
}

TEST_F(Passing, a_suspended_destination_turns_back_at_once) {
  world.add_peer("192.0.2.1");
  world.begin();
  world.service().suspend("example.com");
  const auto suspended = world.pass({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return suspended->has_value(); }, 1s));
  EXPECT_TRUE(only_reply(suspended).starts_with("451 4.3.2 "));
  world.service().resume("example.com");
  EXPECT_TRUE(pass_one().starts_with("250 "));
}

TEST_F(Passing, what_an_operator_holds_is_turned_back_at_once) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.directives.rules.push_back(
      {true, {.domain = "example.com", .arrived_until = WallTime{std::numeric_limits<std::int64_t>::max()}}});
  world.begin();
  const auto held = world.pass({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return held->has_value(); }, 1s));
  EXPECT_EQ(only_reply(held), "451 4.7.1 held by the operator");
  EXPECT_EQ(peer.connections, 0U);
}

TEST_F(Passing, orders_leave_alone_what_a_client_waits_for) {
  world.add_peer("192.0.2.1").delay = 10s;
  world.settings().shaping.connection_limit = 1;
  world.begin();
  const auto first = world.pass({.to = {"anna@example.com"}});
  const auto second = world.pass({.to = {"bert@example.com"}});
  world.run_for(5s);
  EXPECT_EQ(world.ask(world.service().cancel({})), 0U);
  EXPECT_EQ(world.ask(world.service().hold({})), 0U);
  EXPECT_TRUE(only_reply(first).starts_with("250 "));
  EXPECT_TRUE(only_reply(second).starts_with("250 "));
}

TEST_F(Passing, mailboxes_of_this_server_are_not_a_next_hop) {
  world.begin();
  EXPECT_TRUE(only_reply(world.pass({.to = {"sender@origin.test"}})).starts_with("554 5.7.1 "));
}

TEST_F(Passing, a_body_of_many_blocks_passes_byte_for_byte_and_one_that_is_too_large_does_not) {
  Peer& peer = world.add_peer("192.0.2.1");
  peer.offers = {"PIPELINING", "CHUNKING"};
  world.begin();
  const std::uint64_t before = world.core().buffers().in_use().count;
  std::string body = "Subject: large\r\n\r\n";
  while (body.size() < 3'000'000) body += std::to_string(body.size()) + " bytes so far\r\n";
  EXPECT_TRUE(only_reply(world.pass({.to = {"anna@example.com"}, .body = body})).starts_with("250 "));
  ASSERT_EQ(peer.mails.size(), 1U);
  EXPECT_TRUE(peer.mails[0].body.ends_with("\r\n" + body));
  EXPECT_EQ(world.core().buffers().in_use().count, before);
}

TEST_F(Passing, going_down_answers_everybody) {
  world.add_peer("192.0.2.1").delay = 5s;
  world.settings().shaping.connection_limit = 1;
  world.begin();
  const auto sending = world.pass({.to = {"anna@example.com"}});
  const auto waiting = world.pass({.to = {"bert@example.com"}});
  world.run_for(1s);
  world.service().drain();
  const auto late = world.pass({.to = {"carl@example.com"}});
  EXPECT_TRUE(only_reply(waiting).starts_with("451 4.3.2 "));
  EXPECT_TRUE(only_reply(late).starts_with("451 4.3.2 "));
  EXPECT_TRUE(only_reply(sending).starts_with("250 "));
}

TEST_F(Passing, hanging_up_on_the_hop_answers_who_is_being_sent) {
  world.add_peer("192.0.2.1").delay = 30min;
  world.begin();
  const auto sending = world.pass({.to = {"anna@example.com"}});
  world.run_for(1s);
  world.service().abort();
  ASSERT_TRUE(world.run_until([&] { return sending->has_value(); }, 1s));
  EXPECT_TRUE(only_reply(sending).starts_with("451 4."));
}

TEST_F(Passing, a_reload_routes_anew_what_waits) {
  world.add_peer("192.0.2.1").delay = 5s;
  Peer& other = world.add_peer("192.0.2.7", 2525);
  world.settings().shaping.connection_limit = 1;
  world.begin();
  const auto sending = world.pass({.to = {"anna@example.com"}});
  const auto waiting = world.pass({.to = {"bert@example.com"}});
  world.run_for(1s);
  RouteOptions elsewhere;
  elsewhere.match.domain = "example.com";
  elsewhere.via = "smtp:192.0.2.7:2525";
  auto settings = std::make_shared<Settings>(world.settings());
  settings->router = *Router::make({{"elsewhere", elsewhere}}, {}, {});
  world.service().reload(settings);
  EXPECT_TRUE(only_reply(waiting).starts_with("250 "));
  EXPECT_TRUE(only_reply(sending).starts_with("250 "));
  EXPECT_EQ(other.mails.size(), 1U);
}

}  // namespace
}  // namespace ringpost::deliver::test
