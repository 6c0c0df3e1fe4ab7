// DATA and BDAT: sizes, facts, line ends, and every known way to end a message that is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

using ::testing::StartsWith;
using namespace std::string_view_literals;

TestServer& in_data(TestServer& server) {
  server.greeted().say(kHello);
  server.say(std::string(kEnvelope) + "DATA\r\n");
  return server;
}
TestServer& with_recipient(TestServer& server) {
  server.greeted().say(kHello);
  server.say(kEnvelope);
  return server;
}

// ---- size ----
TEST(ServerBody, refuses_a_declared_size_above_the_limit) {
  TestServer server({.message_size_max = 1000_B});
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("MAIL FROM:<> SIZE=1001\r\n"), "552 5.3.4 Message size exceeds the limit\r\n");
  EXPECT_EQ(codes(server.say("MAIL FROM:<> SIZE=1000\r\n")), "250");
}

TEST(ServerBody, takes_a_message_of_exactly_the_limit) {
  TestServer server({.message_size_max = 1000_B});
  in_data(server);
  EXPECT_EQ(codes(server.say(std::string(998, 'x') + "\r\n.\r\n")), "250");
  EXPECT_EQ(server.mails.at(0).body.size(), 1000U);
}

TEST(ServerBody, refuses_one_byte_more_after_reading_it_all) {
  TestServer server({.message_size_max = 1000_B});
  in_data(server);
  EXPECT_EQ(server.say(std::string(999, 'x') + "\r\n"), "");
  EXPECT_TRUE(server.saw("reset 552"));
  EXPECT_EQ(server.say(".\r\n"), "552 5.3.4 Message size exceeds the limit\r\n");
  EXPECT_TRUE(server.mails.empty());
  EXPECT_EQ(codes(server.say(std::string(kEnvelope) + "DATA\r\n")), "250 250 354");
  EXPECT_EQ(codes(server.say("small\r\n.\r\n")), "250");
}

TEST(ServerBody, does_not_blame_a_later_reset_on_an_earlier_body) {
  TestServer server({.message_size_max = 10_B});
  in_data(server);
  server.say("0123456789\r\n.\r\n");
  server.say(kEnvelope);
  server.say("RSET\r\n");
  EXPECT_EQ(server.events.back(), "reset");
}

TEST(ServerBody, drops_a_liar_of_size_without_keeping_it) {
  TestServer server({.message_size_max = 1000_B});
  server.greeted().say(kHello);
  server.say("MAIL FROM:<> SIZE=10\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
  const std::string line = std::string(998, 'x') + "\r\n";
  for (int i = 0; i < 1000; ++i) server.say(line);
  EXPECT_LT(server.session.memory_used(), 4096U);
  EXPECT_EQ(codes(server.say(".\r\nNOOP\r\n")), "552 250");
}

TEST(ServerBody, tells_the_driver_how_much_to_expect) {
  TestServer server;
  server.greeted().say(kHello);
  server.say("MAIL FROM:<> SIZE=777\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
  EXPECT_TRUE(server.saw("data_begin 777"));
}

// ---- facts and options ----
TEST(ServerBody, knows_the_facts_at_the_end) {
  TestServer server;
  in_data(server);
  server.say("Subject: \xe4\r\n\r\n..x\r\n.\r\n");
  const scan::BodyFacts& facts = server.session.body_facts();
  EXPECT_EQ(facts.size, 18U);
  EXPECT_TRUE(facts.eight_bit);
  EXPECT_EQ(facts.separator_offset, 12U);
  ASSERT_EQ(facts.known_dots().size(), 1U);
  EXPECT_EQ(facts.known_dots()[0], 14U);
}

TEST(ServerBody, takes_undeclared_8bit_unless_strict) {
  TestServer lenient;
  EXPECT_EQ(codes(in_data(lenient).say("\xe4\r\n.\r\n")), "250");
  TestServer strict({.strict_8bit = true});
  EXPECT_THAT(in_data(strict).say("\xe4\r\n.\r\n"), StartsWith("554 5.6.0"));
  EXPECT_EQ(codes(strict.say("MAIL FROM:<> BODY=8BITMIME\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")),
            "250 250 354");
  EXPECT_EQ(codes(strict.say("\xe4\r\n.\r\n")), "250");
}

TEST(ServerBody, bounds_text_lines) {
  TestServer server({.text_line_max = 1000_B});
  in_data(server);
  EXPECT_EQ(codes(server.say(std::string(998, 'x') + "\r\n.\r\n")), "250");
  server.say(std::string(kEnvelope) + "DATA\r\n");
  EXPECT_THAT(server.say(std::string(999, 'x') + "\r\n.\r\n"), StartsWith("554 5.6.0"));
}

// ---- line ends ----
// Each of these ends a message for some server, somewhere; here only CRLF.CRLF does.
const std::vector<std::string_view> kOddEndings{
    "\n.\n"sv,     "\n.\r\n"sv,     "\r\n.\n"sv,     "\r.\r"sv,       "\r.\r\n"sv,     "\r\n.\r"sv,
    "\n.\r"sv,     "\r.\n"sv,       "\r\n.\r\r\n"sv, "\r\n\0.\r\n"sv, "\r\n.\0\r\n"sv, "\r\n.\r\0\n"sv,
    "\n\n.\r\n"sv, "\r\0\n.\r\n"sv, "\n.\n\r\n"sv,   "\r\n .\r\n"sv,  "\r\n. \r\n"sv,  "\r\n..\r\n"sv,
};

TEST(ServerSmuggling, no_odd_ending_ends_a_message) {
  for (BareLineEnding option : {BareLineEnding::refuse, BareLineEnding::normalise}) {
    for (std::string_view ending : kOddEndings) {
      TestServer server({.bare_line_ending = option});
      in_data(server);
      const std::string smuggled = "text" + std::string(ending) +
                                   "MAIL FROM:<evil@x.example>\r\nRCPT TO:<victim@x.example>\r\nDATA\r\nevil";
      EXPECT_EQ(server.say(smuggled), "") << ::testing::PrintToString(ending);
      EXPECT_FALSE(server.saw("mail evil@x.example")) << ::testing::PrintToString(ending);
      const std::string reply = codes(server.say("\r\n.\r\n"));
      EXPECT_LE(server.mails.size(), 1U);
      EXPECT_TRUE(reply == "250" || reply == "550") << reply;
    }
  }
}

TEST(ServerSmuggling, a_true_ending_behind_a_bare_cr_does_not_hide_the_refusal) {
  TestServer server;
  in_data(server);
  EXPECT_EQ(codes(server.say("text\r\r\n.\r\n")), "550");
  EXPECT_TRUE(server.mails.empty());
}

TEST(ServerSmuggling, bare_line_ends_are_refused_by_default) {
  for (std::string_view body : {"a\nb\r\n"sv, "a\rb\r\n"sv, "a\r\r\n"sv, "\n\r\n"sv, "a\n\r\n"sv}) {
    TestServer server;
    in_data(server);
    EXPECT_EQ(server.say(std::string(body) + ".\r\n"), "550 5.5.2 The message contains a bare CR or LF\r\n");
    EXPECT_TRUE(server.saw("reset 550"));
    EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
  }
}

TEST(ServerSmuggling, bare_line_ends_are_normalised_by_option) {
  TestServer server({.bare_line_ending = BareLineEnding::normalise});
  in_data(server);
  EXPECT_EQ(codes(server.say("a\nb\rc\r\nd\n.\nMAIL FROM:<x@y.example>\n.\r\n\r\n.\r\n")), "250");
  ASSERT_EQ(server.mails.size(), 1U);
  EXPECT_EQ(server.mails[0].body, "a\r\nb\r\nc\r\nd\r\n.\r\nMAIL FROM:<x@y.example>\r\n.\r\n\r\n");
  EXPECT_GE(server.session.body_facts().dot_count, 2U);
}

TEST(ServerSmuggling, a_dot_line_at_the_very_start_ends_an_empty_message) {
  TestServer server;
  in_data(server);
  EXPECT_EQ(codes(server.say(".\r\nRSET\r\n")), "250 250");
  EXPECT_EQ(server.mails.at(0).body, "");
}

// ---- BDAT ----
TEST(ServerChunks, takes_a_message_in_one_chunk) {
  TestServer server;
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 4 LAST\r\nab\r\nRSET\r\n")), "250 250");
  EXPECT_EQ(server.mails.at(0).body, "ab\r\n");
  EXPECT_EQ(server.output.find("354"), std::string::npos);
}

TEST(ServerChunks, keeps_dots_and_takes_many_chunks) {
  TestServer server;
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 4\r\n.a\r\nBDAT 3\r\n.\r\nBDAT 3 LAST\r\nb\r\nNOOP\r\n")),
            "250 250 250 250");
  EXPECT_EQ(server.mails.at(0).body, ".a\r\n.\r\nb\r\n");
  EXPECT_TRUE(server.saw("data_begin 4"));
}

TEST(ServerChunks, takes_an_empty_last_chunk) {
  TestServer server;
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 3\r\na\r\nbdat 0 last\r\n")), "250 250");
  EXPECT_EQ(server.mails.at(0).body, "a\r\n");
}

TEST(ServerChunks, takes_an_empty_message) {
  TestServer server;
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 0 LAST\r\n")), "250");
  EXPECT_EQ(server.mails.at(0).body, "");
}

TEST(ServerChunks, pipelines_whole_transactions) {
  TestServer server;
  server.greeted().say(kHello);
  const std::string one = std::string(kEnvelope) + "BDAT 5 LAST\r\nabc\r\n";
  EXPECT_EQ(codes(server.say(one + one + "QUIT\r\n")), "250 250 250 250 250 250 221");
  EXPECT_EQ(server.mails.size(), 2U);
}

TEST(ServerChunks, swallows_the_bytes_of_a_refused_transaction) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("MAIL FROM:<bad@x.example>\r\nRCPT TO:<b@x.example>\r\n"
                             "BDAT 26 LAST\r\nMAIL FROM:<e@x.example>\r\n\nNOOP\r\n")),
            "550 503 503 250");
  EXPECT_FALSE(server.saw("mail e@x.example"));
}

TEST(ServerChunks, swallows_the_bytes_when_all_recipients_were_refused) {
  TestServer server;
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("MAIL FROM:<>\r\nRCPT TO:<bad@x.example>\r\nBDAT 6 LAST\r\nRSET\r\nRSET\r\n")),
            "250 550 554 250");
}

TEST(ServerChunks, swallows_the_bytes_when_the_driver_has_no_room) {
  TestServer server;
  server.refuse_data = mail::Reply{452, {4, 3, 1}, "Full"};
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nRSET\r\nNOOP\r\n")), "452 503 250");
}

TEST(ServerChunks, refuses_and_swallows_when_chunking_is_off) {
  TestServer server({.chunking = false});
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 6 LAST\r\nQUIT\r\nDATA\r\n")), "502 354");
}

TEST(ServerChunks, refuses_a_message_above_the_limit_chunk_by_chunk) {
  TestServer server({.message_size_max = 10_B});
  with_recipient(server);
  EXPECT_EQ(codes(server.say("BDAT 6\r\n1234\r\nBDAT 4 LAST\r\n56\r\n")), "250 250");
  server.say(kEnvelope);
  EXPECT_EQ(codes(server.say("BDAT 6\r\n1234\r\nBDAT 5 LAST\r\n567\r\nNOOP\r\n")), "250 552 250");
  EXPECT_TRUE(server.saw("reset 552"));
  server.say(kEnvelope);
  EXPECT_EQ(codes(server.say("BDAT 11\r\n123456789\r\nBDAT 1 LAST\r\nxNOOP\r\n")), "552 503 250");
  EXPECT_EQ(server.mails.size(), 1U);
}

TEST(ServerSession, tells_bodies_from_what_is_said_also_when_they_are_refused) {
  TestServer server({.message_size_max = 10_B, .errors_max = 100});
  server.greeted();
  const std::vector<std::string> said{std::string(kHello),
                                      "BDAT 6 LAST\r\n",
                                      "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nBDAT 6\r\n",
                                      "BDAT 5 LAST\r\n",
                                      "NOOP\r\n",
                                      std::string(kEnvelope) + "DATA\r\n",
                                      "RSET\r\n"};
  const std::string secret = "567\r\n";
  server.say(said[0]);
  server.say(said[1] + "body\r\n" + said[2] + "body\r\n" + said[3] + secret + said[4]);
  server.say(said[5]);
  server.say("a body that is far too long\r\n");
  server.say("and goes on\r\n.\r\n" + said[6]);
  std::string expected;
  for (const std::string& part : said) expected += part;
  EXPECT_EQ(server.spoken, expected);
  EXPECT_TRUE(server.saw("reset 552"));
  server.say("BDAT many\r\nbody\r\n");  // nobody knows where it ends: the session does not hear more
  EXPECT_EQ(server.spoken, expected + "BDAT many\r\n");
}

TEST(ServerChunks, survives_the_largest_chunk_size) {
  TestServer server({.message_size_max = 10_B});
  with_recipient(server);
  EXPECT_EQ(server.say("BDAT 18446744073709551615 LAST\r\n"), "");
  EXPECT_EQ(server.say("bytes without end"), "");
  EXPECT_FALSE(server.ended());
}

TEST(ServerChunks, keeps_binary_to_bdat) {
  TestServer server;
  server.greeted().say(kHello);
  server.say("MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<b@x.example>\r\n");
  EXPECT_THAT(server.say("DATA\r\n"), StartsWith("503 5.5.1"));
  EXPECT_EQ(codes(server.say("BDAT 7 LAST\r\na\nb\rc\0\xff"sv)), "250");
  EXPECT_EQ(server.mails.at(0).body, "a\nb\rc\0\xff"sv);
}

TEST(ServerChunks, refuses_bare_line_ends_in_text_whatever_the_option) {
  for (BareLineEnding option : {BareLineEnding::refuse, BareLineEnding::normalise}) {
    TestServer server({.bare_line_ending = option});
    with_recipient(server);
    EXPECT_THAT(server.say("BDAT 5 LAST\r\n\n.\r\nx"), StartsWith("550 5.5.2"));
    server.say(kEnvelope);
    EXPECT_THAT(server.say("BDAT 2 LAST\r\nx\r"), StartsWith("550 5.5.2"));
  }
}

TEST(ServerChunks, lets_only_bdat_follow_bdat) {
  TestServer server;
  with_recipient(server);
  server.say("BDAT 2\r\nab");
  EXPECT_THAT(server.say("DATA\r\n"), StartsWith("503 5.5.1"));
  EXPECT_THAT(server.say("RCPT TO:<c@x.example>\r\n"), StartsWith("503 5.5.1"));
  EXPECT_EQ(codes(server.say("RSET\r\n")), "250");
  EXPECT_TRUE(server.saw("reset"));
}

// ---- LMTP ----
TEST(ServerLmtp, answers_for_each_accepted_recipient) {
  TestServer server({.dialect = Dialect::lmtp});
  server.greeted().say("LHLO x\r\n");
  server.say(
      "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<bad@x.example>\r\nRCPT "
      "TO:<full@x.example>\r\nDATA\r\n");
  EXPECT_EQ(server.say("x\r\n.\r\n"), "250 2.0.0 Delivered\r\n452 4.2.2 Full\r\n");
  server.say("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n");
  EXPECT_EQ(codes(server.say("BDAT 3\r\na\r\nBDAT 0 LAST\r\n")), "250 250 250");
}

TEST(ServerLmtp, refuses_a_body_once_for_each_recipient) {
  TestServer server({.dialect = Dialect::lmtp, .message_size_max = 10_B});
  server.greeted().say("LHLO x\r\n");
  server.say("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
  EXPECT_EQ(codes(server.say("0123456789\r\n.\r\n")), "552 552");
  EXPECT_EQ(codes(server.say("DATA\r\n")), "503");
}

}  // namespace
}  // namespace ringpost::smtp::testing
