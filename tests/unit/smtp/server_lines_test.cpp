// Lines, limits and rudeness.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

using ::testing::StartsWith;
using namespace std::string_view_literals;

// A command of exactly `bytes` with its CRLF.
std::string padded(std::string command, std::size_t bytes) {
  command += std::string(bytes - command.size() - 2, 'x');
  return command + "\r\n";
}

TEST(ServerLines, counts_every_error_of_the_client) {
  TestServer server({.mechanisms = {sasl::Mechanism::plain}, .auth_needs_tls = false});
  server.greeted().say(kHello);
  std::uint32_t count = 0;
  for (const std::string& rude :
       {std::string("RCPT TO:<a@b.example>\r\n"), std::string("NOOP\n\r\n"), std::string("NO\0OP\r\n", 8),
        std::string(20'000, 'x') + "\r\n", std::string("AUTH PLAIN !!!\r\n"),
        std::string("MAIL FROM:<>>\r\n"), std::string("BDAT 1 LAST\r\nx")}) {
    server.say(rude);
    EXPECT_EQ(server.session.protocol_errors(), ++count) << rude.substr(0, 20);
  }
  server.say("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
  server.say("text\r\n.\r\n");
  EXPECT_EQ(server.session.protocol_errors(), count) << "a message that is taken makes nothing undone";
  server.say("GET / HTTP/1.1\r\n");
  EXPECT_EQ(server.session.protocol_errors(), ++count);
  EXPECT_TRUE(server.session.closed());
}

TEST(ServerLines, bounds_a_command_at_512_octets) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say(padded("NOOP ", 512))), "250");
  EXPECT_THAT(server.say(padded("NOOP ", 513)), StartsWith("500 5.5.2"));
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
}

TEST(ServerLines, lets_mail_and_rcpt_grow_by_their_extensions) {
  TestServer server;
  server.greeted().say(kHello);
  std::string command = "MAIL FROM:<a@x.example>";
  command += std::string(kMailLineBytesMax - command.size() - 2, ' ');
  EXPECT_EQ(codes(server.say(command + "\r\n")), "250");
  EXPECT_THAT(server.say("RSET\r\n" + command + " \r\n").substr(14), StartsWith("500 5.5.2"));
}

TEST(ServerLines, drops_an_endless_line_and_goes_on) {
  TestServer server;
  server.greeted().say(kHello);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(server.say(std::string(1000, 'x')), "");
  EXPECT_LT(server.session.memory_used(), 2 * kAuthLineBytesMax);
  EXPECT_THAT(server.say("\r\n"), StartsWith("500 5.5.2 Command line too long"));
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
}

TEST(ServerLines, refuses_a_bare_lf_and_executes_nothing_behind_it) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_THAT(server.say("NOOP\nMAIL FROM:<a@x.example>\r\n"), StartsWith("500 5.5.2"));
  EXPECT_FALSE(server.session.in_transaction());
  EXPECT_EQ(codes(server.output), "250 500");
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
}

TEST(ServerLines, answers_each_line_of_a_client_that_knows_only_lf) {
  TestServer server;
  server.greeted();
  EXPECT_EQ(codes(server.say("EHLO x\n")), "500");
  EXPECT_EQ(codes(server.say("HELO x\n")), "500");
  EXPECT_EQ(codes(server.say("QUIT\n")), "500");
  EXPECT_TRUE(server.events.empty());
}

TEST(ServerLines, refuses_bare_cr_and_nul) {
  for (std::string_view line : {"NO\rOP\r\n"sv, "NOOP\r\r\n"sv, "NO\0OP\r\n"sv, "NOOP \0\r\n"sv,
                                "MAIL FROM:<a\0@x.example>\r\n"sv, "\0\r\n"sv}) {
    TestServer server;
    server.greeted().say(kHello);
    EXPECT_THAT(server.say(line), StartsWith("500 5.5.2"));
    EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
  }
}

TEST(ServerLines, takes_cr_nul_lf_for_no_line_end) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("NOOP\r\0\nRSET\r\n"sv)), "500");
}

TEST(ServerLines, refuses_8bit_in_plain_commands) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_THAT(server.say("NOOP \xe4\r\n"), StartsWith("500 5.5.2"));
  EXPECT_THAT(server.say("VRFY \xc3\xa4\r\n"), StartsWith("500 5.5.2"));
}

TEST(ServerLines, hangs_up_when_a_refused_line_may_have_been_bdat) {
  for (std::string_view line :
       {"BDAT 10\nMAIL FROM:<>\r\n"sv, "BDAT 1\r0\r\n"sv, "BDAT 10\0\r\n"sv, "BDAT x\r\n"sv,
        "BDAT 1 FIRST\r\n"sv, "BDAT -1\r\n"sv, "BDAT\r\n"sv, "BDAT 99999999999999999999\r\n"sv}) {
    TestServer server;
    server.greeted().say(kHello);
    const std::string reply = server.say(line);
    EXPECT_EQ(reply.substr(0, 2), "50") << reply;
    EXPECT_TRUE(server.ended()) << line;
  }
}

TEST(ServerLines, hangs_up_on_an_overlong_bdat) {
  TestServer server;
  server.greeted().say(kHello);
  server.say("BDAT " + std::string(20000, '0'));
  server.say("\r\n");
  EXPECT_TRUE(server.ended());
}

TEST(ServerLines, hangs_up_on_a_browser) {
  TestServer server;
  server.greeted().say("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(server.ended());
  EXPECT_EQ(codes(server.output), "500");
}

TEST(ServerLines, refuses_an_early_talker) {
  TestServer server;
  server.session.note_early_talk();
  server.session.greet();
  server.feed("EHLO x\r\n");
  EXPECT_THAT(server.output, StartsWith("554 5.5.0"));
  EXPECT_EQ(codes(server.output), "554");
  EXPECT_TRUE(server.ended());
}

TEST(ServerLines, greets_an_early_talker_when_settings_allow) {
  TestServer server({.refuse_early_talk = false});
  server.session.note_early_talk();
  server.session.greet();
  EXPECT_THAT(server.session.output(), StartsWith("220"));
}

TEST(ServerLines, hangs_up_on_unauthorised_pipelining) {
  const std::vector<std::string> groups{
      "EHLO x\r\nMAIL FROM:<>\r\n",
      "HELO x\r\nNOOP\r\n",
      "STARTTLS\r\nNOOP\r\n",
      "AUTH PLAIN\r\nAGEAYg==\r\n",
      std::string(kEnvelope) + "DATA\r\nSubject: x\r\n\r\n.\r\n",
  };
  for (const std::string& group : groups) {
    TestServer server(
        {.tls = TlsOffer::offered, .mechanisms = sasl::MechanismSet::passwords(), .auth_needs_tls = false});
    server.greeted().say(kHello);
    server.say(group);
    EXPECT_TRUE(server.ended()) << group;
    EXPECT_THAT(server.output.substr(server.output.rfind("503 ")), StartsWith("503 5.5.0")) << group;
    EXPECT_TRUE(server.mails.empty());
  }
}

TEST(ServerLines, hangs_up_when_a_helo_client_pipelines) {
  TestServer server;
  server.greeted().say("HELO x\r\n");
  EXPECT_EQ(codes(server.say("MAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\n")), "503");
  EXPECT_TRUE(server.ended());
}

TEST(ServerLines, suffers_pipelining_when_settings_allow) {
  TestServer server({.refuse_unauthorised_pipelining = false});
  server.greeted();
  EXPECT_EQ(
      codes(server.say("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")),
      "250 250 250 354 250 221");
}

TEST(ServerLines, closes_after_too_many_errors) {
  TestServer server({.errors_max = 3});
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("X\r\nX\r\n")), "500 500");
  EXPECT_FALSE(server.ended());
  EXPECT_EQ(server.say("X\r\nNOOP\r\n"),
            "500 5.5.1 Command not recognised\r\n421 4.7.0 Too many errors, closing connection\r\n");
  EXPECT_TRUE(server.ended());
}

TEST(ServerLines, closes_after_too_many_rejections) {
  TestServer server({.rejections_max = 3});
  server.greeted().say(kHello);
  server.say("MAIL FROM:<>\r\nRCPT TO:<bad1@x.example>\r\nRCPT TO:<bad2@x.example>\r\n");
  EXPECT_FALSE(server.ended());
  EXPECT_EQ(codes(server.say("RCPT TO:<bad3@x.example>\r\n")), "550 421");
  EXPECT_TRUE(server.ended());
}

TEST(ServerLines, counts_commands_that_carry_no_mail) {
  TestServer server({.errors_max = 1, .idle_commands_max = 3});
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("NOOP\r\nRSET\r\nNOOP\r\n")), "250 250 250");
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250 421");
}

TEST(ServerLines, forgets_offences_after_a_good_message) {
  TestServer server({.errors_max = 3, .rejections_max = 3});
  server.greeted().say(kHello);
  for (int round = 0; round < 3; ++round) {
    server.say("X\r\nX\r\nMAIL FROM:<>\r\nRCPT TO:<bad@x.example>\r\nRCPT TO:<bad@x.example>\r\n");
    server.say("RCPT TO:<good@x.example>\r\nDATA\r\n");
    EXPECT_EQ(codes(server.say("x\r\n.\r\n")), "250");
  }
  EXPECT_FALSE(server.ended());
}

TEST(ServerLines, bounds_the_recipients_of_a_transaction) {
  TestServer server({.recipients_max = 100});
  server.greeted().say(kHello);
  server.say("MAIL FROM:<>\r\n");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(codes(server.say("RCPT TO:<u" + std::to_string(i) + "@x.example>\r\n")), "250");
  }
  EXPECT_EQ(server.say("RCPT TO:<one.more@x.example>\r\n"), "452 4.5.3 Too many recipients\r\n");
  server.say("DATA\r\n");
  server.say("x\r\n.\r\n");
  ASSERT_EQ(server.mails.size(), 1U);
  EXPECT_EQ(server.mails[0].to.size(), 100U);
}

// However few they are: what is accepted must fit one frame of the log.
TEST(ServerLines, bounds_the_text_of_all_recipients) {
  TestServer server({.recipients_max = mail::kRecipientsMax});
  server.greeted().say(kHello);
  server.say("MAIL FROM:<>\r\n");
  const std::string orcpt = "rfc822;" + std::string(mail::kOrcptSizeMax - 7, 'o');
  const auto rcpt = [&](std::size_t number) {
    return codes(
        server.say("RCPT TO:<u" + std::to_string(1000 + number) + "@x.example> ORCPT=" + orcpt + "\r\n"));
  };
  const std::size_t each = std::string("u1000@x.example").size() + orcpt.size();
  const std::size_t fit = mail::kEnvelopeTextTaken / each;
  for (std::size_t i = 0; i < fit; ++i) ASSERT_EQ(rcpt(i), "250") << i;
  EXPECT_EQ(rcpt(fit), "452");
}

// The body of a BDAT that was not understood would be read as commands, however its verb was split.
TEST(ServerLines, hangs_up_on_an_overlong_bdat_whose_verb_came_in_two_pieces) {
  TestServer server;
  server.greeted().say(kHello);
  server.say("BD");
  server.say("AT " + std::string(20000, '0'));
  server.say("\r\n");
  EXPECT_TRUE(server.session.closed());
}

TEST(ServerSessionMemory, is_small_when_idle_and_quiet_in_the_second_transaction) {
  TestServer server;
  server.greeted().say(kHello);
  for (int i = 0; i < 2; ++i) {
    server.say(kEnvelope);
    server.say("DATA\r\n");
    server.say("x\r\n.\r\n");
  }
  EXPECT_LT(server.session.memory_used(), 1536U);
  EXPECT_LT(sizeof(ServerSession), 640U);
}

TEST(ServerSessionMemory, is_given_back_after_a_large_transaction) {
  TestServer server({.mechanisms = sasl::MechanismSet::passwords()});
  server.greeted().say(kHello);
  server.say("MAIL FROM:<>\r\n");
  for (int i = 0; i < 900; ++i) server.say("RCPT TO:<user" + std::to_string(i) + "@x.example>\r\n");
  EXPECT_GT(server.session.memory_used(), 8192U);
  server.say("DATA\r\n");
  server.say("x\r\n.\r\n");
  server.say("AUTH PLAIN ");
  server.say(std::string(10000, 'A'));
  server.say("\r\n");
  EXPECT_LT(server.session.memory_used(), 1536U);
}

}  // namespace
}  // namespace ringpost::smtp::testing
