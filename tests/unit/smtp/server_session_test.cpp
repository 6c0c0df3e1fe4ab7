#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ServerSession, greets_with_hostname_and_banner) {
  TestServer server({.hostname = "mx.example", .banner = "ESMTP Post"});
  server.session.greet();
  EXPECT_EQ(server.session.output(), "220 mx.example ESMTP Post\r\n");
}

TEST(ServerSession, names_its_extensions) {
  TestServer server({.hostname = "mx.example",
                     .tls = TlsOffer::offered,
                     .mechanisms = sasl::MechanismSet::passwords(),
                     .auth_needs_tls = false,
                     .message_size_max = 1000_B});
  EXPECT_EQ(server.greeted().say(kHello),
            "250-mx.example\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"
            "250-BINARYMIME\r\n250 PIPELINING\r\n");
}

TEST(ServerSession, names_only_what_is_turned_on) {
  TestServer server({.smtputf8 = false, .chunking = false, .dsn = false});
  const std::string reply = server.greeted().say(kHello);
  for (const char* word : {"STARTTLS", "AUTH", "DSN", "SMTPUTF8", "CHUNKING", "BINARYMIME"}) {
    EXPECT_THAT(reply, Not(HasSubstr(word)));
  }
}

TEST(ServerSession, hides_auth_without_tls) {
  const ServerSettings settings{.tls = TlsOffer::offered, .mechanisms = {sasl::Mechanism::plain}};
  EXPECT_THAT(TestServer(settings).greeted().say(kHello), Not(HasSubstr("AUTH")));
  const std::string inside = TestServer(settings, true).greeted().say(kHello);
  EXPECT_THAT(inside, HasSubstr("AUTH PLAIN\r\n"));
  EXPECT_THAT(inside, Not(HasSubstr("STARTTLS")));
}

TEST(ServerSession, answers_helo_in_one_line) {
  TestServer server({.hostname = "mx.example"});
  EXPECT_EQ(server.greeted().say("HELO client\r\n"), "250 mx.example\r\n");
  EXPECT_FALSE(server.session.esmtp());
  EXPECT_EQ(server.session.helo(), "client");
}

TEST(ServerSession, takes_a_message_in_lock_step) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("MAIL FROM:<Ann@Example.COM>\r\n"), "250 2.1.0 Sender ok\r\n");
  EXPECT_EQ(server.say("RCPT TO:<bob@example.net>\r\n"), "250 2.1.5 Recipient ok\r\n");
  EXPECT_EQ(server.say("DATA\r\n"), "354 End data with <CR><LF>.<CR><LF>\r\n");
  EXPECT_EQ(server.say("Subject: x\r\n\r\n..dot\r\n.\r\n"), "250 2.0.0 Ok: queued as Q1\r\n");
  EXPECT_EQ(server.say("QUIT\r\n"), "221 2.0.0 localhost closing connection\r\n");
  EXPECT_THAT(server.mails, ElementsAre(ReceivedMail{
                                "Ann@example.com", {"bob@example.net"}, "Subject: x\r\n\r\n.dot\r\n"}));
  EXPECT_EQ(server.events.back(), "quit");
}

TEST(ServerSession, answers_a_pipelined_group_at_once) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<bad@x.example>\r\n"
                             "RCPT TO:<later@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n")),
            "250 250 550 450 250 354");
  server.say("x\r\n.\r\n");
  EXPECT_THAT(server.mails, ElementsAre(ReceivedMail{"", {"a@x.example", "c@x.example"}, "x\r\n"}));
}

TEST(ServerSession, takes_the_next_transaction_behind_the_body) {
  TestServer server;
  server.greeted().say(kHello);
  server.say(std::string(kEnvelope) + "DATA\r\n");
  EXPECT_EQ(codes(server.say("one\r\n.\r\n" + std::string(kEnvelope) + "DATA\r\n")), "250 250 250 354");
  EXPECT_EQ(codes(server.say("two\r\n.\r\nQUIT\r\n")), "250 221");
  ASSERT_EQ(server.mails.size(), 2U);
  EXPECT_EQ(server.mails[0].body, "one\r\n");
  EXPECT_EQ(server.mails[1].body, "two\r\n");
}

TEST(ServerSession, carries_every_parameter_into_the_envelope) {
  TestServer server({.mechanisms = sasl::MechanismSet::passwords()});
  server.greeted().say(kHello);
  EXPECT_EQ(
      codes(server.say("MAIL FROM:<ann@example.com> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314 "
                       "AUTH=<>\r\n")),
      "250");
  EXPECT_EQ(codes(server.say(
                "RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@example.net\r\n")),
            "250");
  const mail::Envelope& envelope = server.session.envelope();
  EXPECT_EQ(envelope.declared_size, 10U);
  EXPECT_EQ(envelope.body, mail::BodyKind::eight_bit_mime);
  EXPECT_TRUE(envelope.smtputf8);
  EXPECT_EQ(envelope.dsn_return, mail::DsnReturn::headers);
  EXPECT_EQ(envelope.envid(), "QQ314");
  EXPECT_EQ(envelope.auth_submitter(), "<>");
  EXPECT_TRUE(envelope.recipient(0).notify.success());
  EXPECT_TRUE(envelope.recipient(0).notify.delay());
  EXPECT_EQ(envelope.recipient(0).original_recipient, "rfc822;Bob+2Bx@example.net");
}

TEST(ServerSession, refuses_bad_parameters) {
  const std::vector<std::pair<std::string, std::string>> commands{
      {"MAIL FROM:<a@x.example> SIZE=\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> SIZE=12x\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> SIZE=1 SIZE=1\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> SIZE=99999999999999999999\r\n", "552 5.3.4"},
      {"MAIL FROM:<a@x.example> BODY=9BIT\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> BODY\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> SMTPUTF8=1\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> RET=SOME\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> ENVID=a+zz\r\n", "501 5.5.4"},
      {"MAIL FROM:<a@x.example> COLOUR=red\r\n", "555 5.5.4"},
      {"MAIL FROM:<a@x.example> AUTH=<>\r\n", "555 5.5.4"},
      {"MAIL FROM:<a@x.example>SIZE=1\r\n", "501 5.5.2"},
      {"MAIL FROM:a@x.example\r\n", "501 5.5.2"},
      {"MAIL a@x.example\r\n", "501 5.5.2"},
      {"MAIL FROM:<a@@x.example>\r\n", "501 5.1.7"},
      {"MAIL FROM:<a@x.example\r\n", "501 5.1.7"},
  };
  for (const auto& [command, reply] : commands) {
    TestServer server;
    server.greeted().say(kHello);
    EXPECT_THAT(server.say(command), StartsWith(reply)) << command;
    EXPECT_FALSE(server.session.in_transaction()) << command;
    EXPECT_EQ(codes(server.say("MAIL FROM:<a@x.example>\r\n")), "250") << command;
  }
}

// The spool keeps an envelope in one record: what does not fit belongs into another transaction.
TEST(ServerSession, takes_recipients_until_the_envelope_is_full) {
  TestServer server({.recipients_max = 50'000, .errors_max = 5});
  server.greeted().say(kHello);
  server.say("MAIL FROM:<a@example.com>\r\n");
  const std::string local(60, 'x');
  std::size_t taken = 0;
  std::string reply;
  for (; taken < 20'000; ++taken) {
    reply = server.say("RCPT TO:<" + local + std::to_string(taken) + "@example.net>\r\n");
    if (!reply.starts_with("250")) break;
  }
  EXPECT_EQ(reply, "452 4.5.3 Too many recipients\r\n");
  const auto& envelope = server.session.envelope();
  EXPECT_EQ(envelope.recipient_count(), taken);
  EXPECT_LE(envelope.text_size(), mail::kEnvelopeTextTaken);
  EXPECT_GT(envelope.text_size(), mail::kEnvelopeTextTaken - kMailLineBytesMax);
  EXPECT_THAT(server.say("DATA\r\n"), StartsWith("354"));
}

TEST(ServerSession, refuses_bad_recipients) {
  const std::vector<std::pair<std::string, std::string>> commands{
      {"RCPT TO:<>\r\n", "501 5.1.3"},
      {"RCPT TO:<bob>\r\n", "501 5.1.3"},
      {"RCPT TO:<bob @x.example>\r\n", "501 5.1.3"},
      {"RCPT TO:<bob%x.example>\r\n", "554 5.7.1"},
      {"RCPT TO:<bob@x.example> NOTIFY=NEVER,SUCCESS\r\n", "501 5.5.4"},
      {"RCPT TO:<bob@x.example> ORCPT=bob\r\n", "501 5.5.4"},
      {"RCPT TO:<bob@x.example> SIZE=1\r\n", "555 5.5.4"},
      {"RCPT FROM:<bob@x.example>\r\n", "501 5.5.2"},
  };
  for (const auto& [command, reply] : commands) {
    TestServer server;
    server.greeted().say(kHello);
    server.say("MAIL FROM:<>\r\n");
    EXPECT_THAT(server.say(command), StartsWith(reply)) << command;
    EXPECT_EQ(server.session.envelope().recipient_count(), 0U);
  }
}

TEST(ServerSession, takes_postmaster_without_a_domain) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n")), "250 250");
}

TEST(ServerSession, forgives_spaces_behind_the_colon) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("mail from: <a@x.example>\r\nrcpt to:  <b@x.example>\r\n")), "250 250");
}

TEST(ServerSession, asks_for_smtputf8_where_addresses_need_it) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_THAT(server.say("MAIL FROM:<\xc3\xa4@x.example>\r\n"), StartsWith("550 5.6.7"));
  EXPECT_EQ(codes(server.say("MAIL FROM:<a@x.example>\r\n")), "250");
  EXPECT_THAT(server.say("RCPT TO:<\xc3\xa4@x.example>\r\n"), StartsWith("553 5.6.7"));
  EXPECT_EQ(codes(server.say(
                "RSET\r\nMAIL FROM:<\xc3\xa4@x.example> SMTPUTF8\r\nRCPT TO:<\xc3\xb6@x.example>\r\n")),
            "250 250 250");
  EXPECT_THAT(server.say("RCPT TO:<\xff@x.example>\r\n"), StartsWith("501 5.1.3"));
}

TEST(ServerSession, refuses_smtputf8_when_it_is_off) {
  TestServer server({.smtputf8 = false});
  server.greeted().say(kHello);
  EXPECT_THAT(server.say("MAIL FROM:<a@x.example> SMTPUTF8\r\n"), StartsWith("555 5.5.4"));
  EXPECT_THAT(server.say("MAIL FROM:<\xc3\xa4@x.example>\r\n"), StartsWith("550 5.6.7"));
}

TEST(ServerSession, answers_commands_that_do_nothing) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_THAT(server.say("NOOP anything\r\n"), StartsWith("250 2.0.0"));
  EXPECT_THAT(server.say("VRFY ann\r\n"), StartsWith("252 2.5.0"));
  EXPECT_THAT(server.say("VRFY\r\n"), StartsWith("501 5.5.4"));
  EXPECT_THAT(server.say("HELP\r\n"), StartsWith("214 2.0.0"));
  EXPECT_THAT(server.say("EXPN list\r\n"), StartsWith("502 5.5.1"));
  EXPECT_THAT(server.say("ETRN x.example\r\n"), StartsWith("502 5.5.1"));
  EXPECT_THAT(server.say("TURN\r\n"), StartsWith("500 5.5.1"));
  EXPECT_THAT(server.say("\r\n"), StartsWith("500 5.5.1"));
  EXPECT_THAT(server.say("STARTTLS\r\n"), StartsWith("502 5.5.1"));
  EXPECT_THAT(server.say("AUTH PLAIN\r\n"), StartsWith("502 5.5.1"));
}

TEST(ServerSession, refuses_hello_names_that_are_none) {
  TestServer server;
  server.greeted();
  EXPECT_THAT(server.say("EHLO\r\n"), StartsWith("501 5.5.4"));
  EXPECT_THAT(server.say("EHLO a\tb\r\n"), StartsWith("501 5.5.4"));
  EXPECT_THAT(server.say("EHLO " + std::string(256, 'a') + "\r\n"), StartsWith("501 5.5.4"));
  EXPECT_EQ(codes(server.say("EHLO " + std::string(255, 'a') + "\r\n")), "250");
  EXPECT_EQ(codes(server.say("EHLO [192.0.2.1]\r\n")), "250");
  EXPECT_THAT(server.say("EHLO \xc3\xa4\r\n"), StartsWith("500 5.5.2"));
}

TEST(ServerSession, lets_the_driver_refuse_a_hello) {
  TestServer server;
  EXPECT_EQ(codes(server.greeted().say("EHLO bad.example\r\n")), "550");
  EXPECT_THAT(server.say("MAIL FROM:<>\r\n"), StartsWith("503 5.5.1"));
  EXPECT_EQ(codes(server.say(kHello)), "250");
}

TEST(ServerSession, closes_when_the_driver_says_421) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("MAIL FROM:<close@x.example>\r\nRCPT TO:<b@x.example>\r\n")), "421");
  EXPECT_EQ(server.events.back(), "closed");
}

TEST(ServerSession, starts_anew_with_rset_and_ehlo) {
  for (std::string_view command : {std::string_view("RSET\r\n"), kHello}) {
    TestServer server;
    server.greeted().say(kHello);
    server.say(kEnvelope);
    EXPECT_TRUE(server.session.in_transaction());
    EXPECT_EQ(codes(server.say(command)), "250");
    EXPECT_FALSE(server.session.in_transaction());
    EXPECT_TRUE(server.saw("reset"));
    EXPECT_THAT(server.say("RCPT TO:<b@x.example>\r\n"), StartsWith("503 5.5.1"));
    EXPECT_THAT(server.say("DATA\r\n"), StartsWith("503 5.5.1"));
  }
}

TEST(ServerSession, does_not_speak_of_a_reset_where_nothing_was) {
  TestServer server;
  server.greeted().say(kHello);
  server.say("RSET\r\n");
  EXPECT_FALSE(server.saw("reset"));
}

TEST(ServerSession, drops_a_transaction_whose_data_is_refused) {
  TestServer server;
  server.refuse_data = mail::Reply{452, {4, 3, 1}, "Full"};
  server.greeted().say(kHello);
  EXPECT_THAT(server.say(std::string(kEnvelope) + "DATA\r\n"), ::testing::EndsWith("\r\n452 4.3.1 Full\r\n"));
  EXPECT_FALSE(server.session.in_transaction());
  server.refuse_data.reset();
  EXPECT_EQ(codes(server.say(std::string(kEnvelope) + "DATA\r\n")), "250 250 354");
}

TEST(ServerSession, reports_a_refused_message) {
  TestServer server;
  server.refuse_message = mail::Reply{554, {5, 7, 1}, "Spam\nand more of it"};
  server.greeted().say(kHello);
  server.say(std::string(kEnvelope) + "DATA\r\n");
  EXPECT_EQ(server.say("x\r\n.\r\n"), "554-5.7.1 Spam\r\n554 5.7.1 and more of it\r\n");
  EXPECT_FALSE(server.session.in_transaction());
}

TEST(ServerSession, says_last_words_in_every_state) {
  for (std::string_view lead : {std::string_view(""), kHello, kEnvelope}) {
    TestServer server;
    server.greeted();
    if (!lead.empty()) server.say(kHello);
    server.say(lead);
    server.session.close(replies::kTimeout);
    EXPECT_EQ(server.session.output(), "421 4.4.2 Timeout, closing connection\r\n");
    server.say("NOOP\r\n");
    EXPECT_EQ(server.events.back(), "closed");
    EXPECT_EQ(codes(server.output).substr(codes(server.output).size() - 3), "421");
  }
}

TEST(ServerSession, can_turn_a_connection_away_before_the_greeting) {
  TestServer server;
  server.session.close(replies::kTooManyConnections);
  server.feed("");
  EXPECT_EQ(codes(server.output), "421");
  EXPECT_TRUE(server.ended());
}

TEST(ServerSession, asks_to_be_flushed_before_replies_pile_up) {
  TestServer server({.idle_commands_max = 100000});
  server.greeted().say(kHello);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "NOOP\r\n";
  std::span<const std::byte> input = scan::as_bytes(many);
  std::size_t largest = 0;
  for (Event event = server.session.next(input); event.kind != Event::Kind::need_input;
       event = server.session.next(input)) {
    ASSERT_EQ(event.kind, Event::Kind::flush);
    largest = std::max(largest, server.session.output().size());
    server.session.output_sent(server.session.output().size());
  }
  EXPECT_LT(largest, kOutputBytesFlush + 512);
}

TEST(ServerSession, keeps_the_rest_of_output_that_was_sent_in_parts) {
  TestServer server({.hostname = "mx"});
  server.session.greet();
  server.session.output_sent(4);
  EXPECT_EQ(server.session.output(), "mx ESMTP\r\n");
  server.session.output_sent(10);
  EXPECT_EQ(server.session.output(), "");
}

}  // namespace
}  // namespace ringpost::smtp::testing
