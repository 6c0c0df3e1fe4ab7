// One message, one server: what each answer leads to.
#include <gtest/gtest.h>

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;
using State = spool::RecipientState;

// Mail for example.com goes to `peer`, mail for the senders at origin.test to `home`.
class Delivery : public testing::Test {
 protected:
  Delivery() {
    world.local_domains.clear();
    world.zone("example.com MX 10 mx.example.com");
    world.zone("mx.example.com A 192.0.2.1");
    world.zone("origin.test MX 10 mx.home.test");
    world.zone("mx.home.test A 192.0.2.9");
    peer = &world.add_peer("192.0.2.1");
    home = &world.add_peer("192.0.2.9");
    world.settings().retry.intervals = std::vector<Duration>{5min};
    world.settings().retry.warn_after = 0s;
  }
  // Sends to anna@example.com and waits until nothing is left of it, reports included.
  void deliver(NewMail mail = {.to = {"anna@example.com"}}) {
    world.begin();
    id = world.send(mail);
    EXPECT_TRUE(world.run_until([&] { return world.empty(); }));
  }
  LoggedEvent only_event(const std::string& type) {
    const auto events = world.events(type);
    EXPECT_EQ(events.size(), 1U) << type;
    return events.empty() ? LoggedEvent{} : events.front();
  }

  World world;
  // What `peer` answers to lines that begin so.
  void answer(std::string beginning, std::string reply) {
    peer->answer = [=](const std::string& line, unsigned) -> std::optional<std::string> {
      return line.starts_with(beginning) ? std::optional(reply) : std::nullopt;
    };
  }

  Peer* peer = nullptr;
  Peer* home = nullptr;
  MessageId id;
};

TEST_F(Delivery, by_mx_with_data) {
  deliver({.to = {"anna@example.com"}, .body = "Subject: dots\r\n\r\n.one\r\n..two\r\nthree\r\n"});
  ASSERT_EQ(peer->mails.size(), 1U);
  EXPECT_EQ(peer->mails[0].to, std::vector<std::string>{"<anna@example.com>"});
  EXPECT_TRUE(peer->mails[0].from.starts_with("<sender@origin.test>")) << peer->mails[0].from;
  EXPECT_TRUE(peer->mails[0].body.ends_with("Subject: dots\r\n\r\n.one\r\n..two\r\nthree\r\n"))
      << peer->mails[0].body;
  EXPECT_TRUE(peer->mails[0].body.starts_with("Received:"));
  EXPECT_FALSE(peer->mails[0].chunked);
  LoggedEvent event = only_event("delivered");
  EXPECT_EQ(event.fields["remote"], "192.0.2.1:25");
  EXPECT_EQ(event.fields["remote_host"], "mx.example.com");
  EXPECT_EQ(event.fields["recipient"], "anna@example.com");
  EXPECT_EQ(event.fields["code"], "250");
  EXPECT_EQ(event.fields["enhanced_status"], "2.6.0");
  EXPECT_EQ(event.fields["attempts"], "1");
  EXPECT_EQ(event.fields["queue_id"], to_string(id));
}

TEST_F(Delivery, by_chunks_in_one_packet_where_the_server_takes_them) {
  peer->offers = {"PIPELINING", "CHUNKING", "SIZE 1000000"};
  deliver();
  ASSERT_EQ(peer->mails.size(), 1U);
  EXPECT_TRUE(peer->mails[0].chunked);
  EXPECT_TRUE(peer->mails[0].body.ends_with("Subject: hello\r\n\r\nbody\r\n"));
}

TEST_F(Delivery, a_second_message_finds_the_connection_open_and_quit_ends_it) {
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  world.send({.to = {"bert@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_EQ(peer->connections, 1U);
  ASSERT_TRUE(world.run_until([&] { return world.service().open_flows() == 0; }));
  EXPECT_EQ(peer->quits, 1U);
}

TEST_F(Delivery, a_refused_recipient_bounces_and_the_others_get_the_mail) {
  peer->answer = [](const std::string& line, unsigned) -> std::optional<std::string> {
    if (line.starts_with("RCPT TO:<bert")) return "550 5.1.1 no such user";
    return std::nullopt;
  };
  deliver({.to = {"anna@example.com", "bert@example.com"}});
  ASSERT_EQ(peer->mails.size(), 1U);
  EXPECT_EQ(peer->mails[0].to, std::vector<std::string>{"<anna@example.com>"});
  EXPECT_EQ(world.events("delivered").size(), 2U);  // anna, and the report
  LoggedEvent bounced = only_event("bounced");
  EXPECT_EQ(bounced.fields["recipient"], "bert@example.com");
  EXPECT_EQ(bounced.fields["code"], "550");
  ASSERT_EQ(home->mails.size(), 1U);
  EXPECT_TRUE(home->mails[0].from.starts_with("<>")) << home->mails[0].from;
  EXPECT_EQ(home->mails[0].to, std::vector<std::string>{"<sender@origin.test>"});
  const std::string& report = home->mails[0].body;
  EXPECT_NE(report.find("multipart/report"), std::string::npos);
  EXPECT_NE(report.find("Final-Recipient: rfc822; bert@example.com"), std::string::npos) << report;
  EXPECT_NE(report.find("Status: 5.1.1"), std::string::npos);
  EXPECT_NE(report.find("Subject: hello"), std::string::npos);
  EXPECT_EQ(report.find("anna@example.com"), std::string::npos);
}

TEST_F(Delivery, what_is_deferred_comes_again_when_the_schedule_says) {
  bool refuses = true;
  peer->judge = [&](const ReceivedMail&, std::size_t) {
    return refuses ? std::optional<std::string>("451 4.2.1 mailbox busy") : std::nullopt;
  };
  world.begin();
  id = world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  const auto outcomes = world.outcomes(id);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].state, State::pending);
  EXPECT_EQ(outcomes[0].attempts, 1);
  EXPECT_EQ(outcomes[0].code, 451);
  const Duration wait = outcomes[0].next_attempt - world.core().wall_now();
  EXPECT_GT(wait, 4min);
  EXPECT_LT(wait, 6min);
  refuses = false;
  const Instant before = world.core().now();
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_GT(world.core().now() - before, 4min);
  EXPECT_EQ(peer->mails.size(), 1U);
  EXPECT_EQ(only_event("delivered").fields["attempts"], "2");
}

TEST_F(Delivery, a_refused_sender_bounces_all_recipients_in_one_report) {
  answer("MAIL", "553 5.1.8 bad sender");
  deliver({.to = {"anna@example.com", "bert@example.com"}});
  EXPECT_EQ(world.events("bounced").size(), 2U);
  ASSERT_EQ(home->mails.size(), 1U);
  EXPECT_NE(home->mails[0].body.find("rfc822; anna@example.com"), std::string::npos);
  EXPECT_NE(home->mails[0].body.find("rfc822; bert@example.com"), std::string::npos);
}

TEST_F(Delivery, mail_from_the_null_sender_is_never_reported_on) {
  answer("RCPT", "550 5.1.1 no such user");
  deliver({.from = "", .to = {"anna@example.com"}});
  EXPECT_EQ(world.events("bounced").size(), 1U);
  EXPECT_EQ(world.events("notice").size(), 1U);
  EXPECT_EQ(world.figure("deliver_reports_dropped"), 1U);
  EXPECT_TRUE(home->mails.empty());
}

TEST_F(Delivery, notify_never_means_no_report) {
  answer("RCPT", "550 5.1.1 no such user");
  deliver({.to = {"anna@example.com"}, .notify = {mail::Notify::kNever}});
  EXPECT_EQ(world.events("bounced").size(), 1U);
  EXPECT_EQ(world.figure("deliver_reports"), 0U);
}

TEST_F(Delivery, success_is_reported_when_the_next_hop_does_not_offer_dsn) {
  deliver({.to = {"anna@example.com"}, .notify = {mail::Notify::kSuccess}});
  ASSERT_EQ(home->mails.size(), 1U);
  EXPECT_NE(home->mails[0].body.find("Action: relayed"), std::string::npos) << home->mails[0].body;
}

TEST_F(Delivery, a_next_hop_that_offers_dsn_is_asked_to_report) {
  peer->offers.push_back("DSN");
  deliver({.to = {"anna@example.com"}, .notify = {mail::Notify::kSuccess}});
  EXPECT_EQ(count_lines(*peer, "RCPT TO:<anna@example.com> NOTIFY=SUCCESS"), 1U);
  EXPECT_EQ(world.figure("deliver_reports"), 0U);
}

TEST_F(Delivery, ret_full_returns_the_message_and_ret_hdrs_does_not) {
  answer("RCPT", "550 5.1.1 no such user");
  world.begin();
  world.send({.to = {"anna@example.com"},
              .body = "Subject: x\r\n\r\nsecret\r\n",
              .dsn_return = mail::DsnReturn::full});
  world.send({.to = {"anna@example.com"},
              .body = "Subject: y\r\n\r\nsecret\r\n",
              .dsn_return = mail::DsnReturn::headers});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  ASSERT_EQ(home->mails.size(), 2U);
  for (const ReceivedMail& mail : home->mails)
    EXPECT_EQ(mail.body.find("Subject: x") != std::string::npos,
              mail.body.find("secret") != std::string::npos);
}

TEST_F(Delivery, what_is_always_refused_for_now_expires_with_a_report) {
  world.settings().retry.expire_after = 1h;
  answer("RCPT", "450 4.2.1 later");
  world.begin();
  const Instant before = world.core().now();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_GE(world.core().now() - before, 1h);
  EXPECT_LT(world.core().now() - before, 1h + 2min);
  EXPECT_EQ(world.events("expired").size(), 1U);
  ASSERT_EQ(home->mails.size(), 1U);
  EXPECT_NE(home->mails[0].body.find("Action: failed"), std::string::npos);
  EXPECT_NE(home->mails[0].body.find("Status: 4.4.7"), std::string::npos) << home->mails[0].body;
  EXPECT_NE(home->mails[0].body.find("450 4.2.1 later"), std::string::npos);
}

TEST_F(Delivery, one_message_that_expires_gives_one_report_whatever_its_destinations) {
  world.settings().retry.expire_after = 30min;
  world.zone("example.net MX 10 mx.example.com");
  answer("RCPT", "450 4.2.1 later");
  deliver({.to = {"anna@example.com", "bert@example.net"}});
  EXPECT_EQ(world.events("expired").size(), 2U);
  EXPECT_EQ(home->mails.size(), 1U);
}

TEST_F(Delivery, a_delay_is_reported_once) {
  world.settings().retry.warn_after = 1h;
  world.settings().retry.expire_after = 10h;
  answer("RCPT", "450 4.2.1 later");
  world.begin();
  id = world.send({.to = {"anna@example.com"}});
  world.run_for(5h);
  ASSERT_EQ(home->mails.size(), 1U);
  EXPECT_NE(home->mails[0].body.find("Action: delayed"), std::string::npos);
  EXPECT_NE(home->mails[0].body.find("Will-Retry-Until:"), std::string::npos) << home->mails[0].body;
  EXPECT_TRUE(world.outcomes(id).at(0).warned);
  EXPECT_EQ(world.outcomes(id).at(0).state, State::pending);
  peer->answer = {};
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
}

TEST_F(Delivery, each_recipient_of_lmtp_has_an_answer_of_its_own) {
  Peer& store = world.add_peer("192.0.2.7", 24);
  store.lmtp = true;
  store.judge = [](const ReceivedMail& mail, std::size_t recipient) -> std::optional<std::string> {
    if (mail.to[recipient] == "<bert@box.test>") return "552 5.2.2 mailbox full";
    if (mail.to[recipient] == "<carl@box.test>") return "451 4.2.1 busy";
    return std::nullopt;
  };
  world.routes["box"] = {.match = {"box.test"}, .via = "lmtp:192.0.2.7:24"};
  world.begin();
  id = world.send({.to = {"anna@box.test", "bert@box.test", "carl@box.test"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; })) << world.log();
  EXPECT_EQ(count_lines(store, "LHLO"), 1U);
  EXPECT_EQ(world.events("bounced").size(), 1U);
  const auto outcomes = world.outcomes(id);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(outcomes[0].state, State::delivered);
  EXPECT_EQ(outcomes[1].state, State::bounced);
  EXPECT_EQ(outcomes[2].state, State::pending);
  store.judge = {};
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_EQ(store.mails.back().to, std::vector<std::string>{"<carl@box.test>"});
}

TEST_F(Delivery, a_large_message_is_sent_in_parts) {
  std::string body = "Subject: large\r\n\r\n";
  while (body.size() < 3'000'000)
    body += ".a line that begins with a dot and is of some length, as lines are\r\n";
  deliver({.to = {"anna@example.com"}, .body = body});
  ASSERT_EQ(peer->mails.size(), 1U);
  EXPECT_TRUE(peer->mails[0].body.ends_with(body));
}

TEST_F(Delivery, a_message_too_large_for_the_server_bounces_unasked) {
  peer->offers = {"SIZE 100"};
  deliver();
  EXPECT_EQ(only_event("bounced").fields["enhanced_status"], "5.3.4");
  EXPECT_EQ(count_lines(*peer, "MAIL"), 0U);
}

TEST_F(Delivery, what_is_routed_to_discard_is_delivered_nowhere) {
  world.routes["void"] = {.match = {"example.com"}, .via = "discard"};
  deliver();
  EXPECT_EQ(only_event("delivered").fields["route"], "void");
  EXPECT_EQ(peer->connections, 0U);
}

TEST_F(Delivery, recipients_are_divided_by_the_limit_of_a_transaction) {
  world.settings().shaping.recipients_per_transaction = 2;
  deliver({.to = {"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com"}});
  ASSERT_EQ(peer->mails.size(), 3U);
  std::size_t recipients = 0;
  for (const ReceivedMail& mail : peer->mails) {
    EXPECT_LE(mail.to.size(), 2U);
    recipients += mail.to.size();
  }
  EXPECT_EQ(recipients, 5U);
}

TEST_F(Delivery, a_connection_carries_no_more_messages_than_allowed) {
  world.settings().shaping.messages_per_connection = 3;
  world.settings().shaping.connection_limit = 1;
  world.begin();
  for (int i = 0; i < 7; ++i) world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_EQ(peer->mails.size(), 7U);
  std::map<unsigned, unsigned> carried;
  for (const ReceivedMail& mail : peer->mails) ++carried[mail.connection];
  for (const auto& [connection, count] : carried) EXPECT_LE(count, 3U);
  EXPECT_EQ(peer->open_max, 1U);
}

TEST_F(Delivery, a_message_to_many_does_not_keep_others_waiting) {
  world.settings().shaping.recipients_per_transaction = 1;
  world.settings().shaping.connection_limit = 1;
  NewMail bulk{.to = {}};
  for (int i = 0; i < 50; ++i) bulk.to.push_back("list" + std::to_string(i) + "@example.com");
  world.begin();
  world.send(bulk);
  world.send({.to = {"urgent@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  std::size_t place = 0;
  while (peer->mails[place].to[0] != "<urgent@example.com>") ++place;
  EXPECT_LT(place, 10U);
}

TEST_F(Delivery, a_failure_whose_report_cannot_be_stored_has_not_happened_yet) {
  answer("RCPT", "550 5.1.1 no such user");
  world.begin();
  id = world.send({.to = {"anna@example.com"}});
  std::vector<buffer::Block> blocks;  // all memory of the core is in use: nothing new is taken in
  while (!world.core().buffers().tight()) blocks.push_back(world.core().buffers().take(256U << 10));
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  EXPECT_TRUE(world.events("bounced").empty());
  EXPECT_EQ(world.outcomes(id).at(0).state, State::pending);
  blocks.clear();
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_EQ(world.events("bounced").size(), 1U);
  EXPECT_EQ(home->mails.size(), 1U);
}

TEST_F(Delivery, no_more_flows_run_at_once_than_allowed_and_all_mail_leaves) {
  world.settings().deliver.flows_max = 2;
  for (int i = 0; i < 10; ++i) world.zone("d" + std::to_string(i) + ".test MX 10 mx.example.com");
  world.begin();
  for (int i = 0; i < 10; ++i) world.send({.to = {"anna@d" + std::to_string(i) + ".test"}});
  std::size_t most = 0;
  ASSERT_TRUE(world.run_until([&] {
    most = std::max(most, world.service().open_flows());
    return world.empty();
  }));
  EXPECT_EQ(peer->mails.size(), 10U);
  EXPECT_EQ(most, 2U);
}

TEST_F(Delivery, a_message_refused_in_the_middle_of_its_body_bounces) {
  peer->offers = {"CHUNKING", "PIPELINING"};
  answer("BDAT", "552 5.3.4 too large for me");
  deliver({.from = "", .to = {"anna@example.com"}});
  EXPECT_EQ(only_event("bounced").fields["code"], "552");
}

TEST_F(Delivery, recipients_too_many_for_the_server_go_in_the_next_transaction_at_once) {
  unsigned taken = 0;
  peer->answer = [&](const std::string& line, unsigned) -> std::optional<std::string> {
    if (line.starts_with("MAIL")) taken = 0;
    if (line.starts_with("RCPT") && ++taken > 2) return "452 4.5.3 too many recipients";
    return std::nullopt;
  };
  world.begin();
  const Instant before = world.core().now();
  world.send({.to = {"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_LT(world.core().now() - before, 1min);
  EXPECT_EQ(peer->mails.size(), 3U);
  EXPECT_TRUE(world.events("deferred").empty());
}

}  // namespace
}  // namespace ringpost::deliver::test
