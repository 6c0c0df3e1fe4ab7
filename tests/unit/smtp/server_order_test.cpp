// Every command in every state: the table says the code, and nothing else may come.
#include <map>

#include <gtest/gtest.h>

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

struct Place {
  const char* name;
  std::string lead;  // what was said to get there
};

const std::vector<Place> kPlaces{
    {"greeted", ""},
    {"ready", std::string(kHello)},
    {"mail", std::string(kHello) + "\x01MAIL FROM:<a@x.example>\r\n"},
    {"recipients", std::string(kHello) + "\x01MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n"},
    {"chunks",
     std::string(kHello) + "\x01MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nBDAT 3\r\nx\r\n"},
};

struct Expectation {
  const char* command;
  std::vector<const char*> codes;  // by place
};

const std::vector<Expectation> kTable{
    {"EHLO again.example\r\n", {"250", "250", "250", "250", "250"}},
    {"HELO again.example\r\n", {"250", "250", "250", "250", "250"}},
    {"LHLO again.example\r\n", {"500", "500", "500", "500", "500"}},
    {"MAIL FROM:<c@x.example>\r\n", {"503", "250", "503", "503", "503"}},
    {"RCPT TO:<c@x.example>\r\n", {"503", "503", "250", "250", "503"}},
    {"DATA\r\n", {"503", "503", "554", "354", "503"}},
    {"BDAT 2\r\nab", {"503", "503", "554", "250", "250"}},
    {"BDAT 0 LAST\r\n", {"503", "503", "554", "250", "250"}},
    {"RSET\r\n", {"250", "250", "250", "250", "250"}},
    {"NOOP\r\n", {"250", "250", "250", "250", "250"}},
    {"VRFY x\r\n", {"252", "252", "252", "252", "252"}},
    {"HELP\r\n", {"214", "214", "214", "214", "214"}},
    {"EXPN x\r\n", {"502", "502", "502", "502", "502"}},
    {"ETRN x\r\n", {"502", "502", "502", "502", "502"}},
    {"AUTH LOGIN\r\n", {"503", "334", "503", "503", "503"}},
    {"STARTTLS\r\n", {"503", "220", "220", "220", "220"}},
    {"QUIT\r\n", {"221", "221", "221", "221", "221"}},
    {"DATA now\r\n", {"503", "503", "554", "501", "503"}},
    {"RSET now\r\n", {"501", "501", "501", "501", "501"}},
    {"STARTTLS now\r\n", {"501", "501", "501", "501", "501"}},
    {"NONSENSE\r\n", {"500", "500", "500", "500", "500"}},
};

TEST(ServerOrder, every_command_in_every_state_has_its_code) {
  for (const Expectation& expectation : kTable) {
    ASSERT_EQ(expectation.codes.size(), kPlaces.size());
    for (std::size_t i = 0; i < kPlaces.size(); ++i) {
      TestServer server({.tls = TlsOffer::offered,
                         .mechanisms = sasl::MechanismSet::passwords(),
                         .auth_needs_tls = false,
                         .refuse_unauthorised_pipelining = false});
      server.greeted();
      std::string_view lead = kPlaces[i].lead;
      while (!lead.empty()) {
        const std::size_t end = std::min(lead.find('\x01'), lead.size());
        server.say(lead.substr(0, end));
        lead.remove_prefix(std::min(lead.size(), end + 1));
      }
      const std::string reply = server.say(expectation.command);
      EXPECT_EQ(codes(reply), expectation.codes[i]) << expectation.command << " in " << kPlaces[i].name;
    }
  }
}

TEST(ServerOrder, every_reply_but_greeting_hello_and_intermediate_has_an_enhanced_status) {
  for (const Expectation& expectation : kTable) {
    TestServer server({.tls = TlsOffer::offered});
    server.greeted().say(kHello);
    const std::string reply = server.say(expectation.command);
    const std::string_view command(expectation.command);
    if (command.starts_with("EHLO") || command.starts_with("HELO")) continue;
    ASSERT_GE(reply.size(), 9U) << command;
    EXPECT_EQ(reply[4], reply[0]) << reply;
    EXPECT_EQ(reply[5], '.') << reply;
  }
}

TEST(ServerOrder, lmtp_knows_only_lhlo) {
  TestServer server({.dialect = Dialect::lmtp});
  server.greeted();
  EXPECT_EQ(codes(server.say("HELO x\r\n")), "500");
  EXPECT_EQ(codes(server.say("EHLO x\r\n")), "500");
  EXPECT_EQ(codes(server.say("MAIL FROM:<>\r\n")), "503");
  EXPECT_EQ(codes(server.say("LHLO x\r\n")), "250");
  EXPECT_EQ(codes(server.say("MAIL FROM:<>\r\n")), "250");
}

TEST(ServerOrder, submission_needs_auth_before_mail) {
  TestServer server({.dialect = Dialect::submission, .mechanisms = sasl::MechanismSet::passwords()}, true);
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("MAIL FROM:<a@x.example>\r\n"), "530 5.7.0 Authentication required\r\n");
  EXPECT_EQ(codes(server.say("AUTH PLAIN AGFubgBzZWNyZXQ=\r\n")), "235");
  EXPECT_EQ(codes(server.say("MAIL FROM:<a@x.example>\r\n")), "250");
}

TEST(ServerOrder, required_tls_comes_before_mail) {
  TestServer server({.tls = TlsOffer::required});
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("MAIL FROM:<a@x.example>\r\n"), "530 5.7.0 Must issue a STARTTLS command first\r\n");
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
  EXPECT_EQ(codes(server.say("STARTTLS\r\n")), "220");
  EXPECT_EQ(codes(server.say(kHello)), "250");
  EXPECT_EQ(codes(server.say("MAIL FROM:<a@x.example>\r\n")), "250");
}

TEST(ServerOrder, hello_can_be_left_out_when_settings_allow) {
  TestServer server({.helo_required = false});
  EXPECT_EQ(codes(server.greeted().say("MAIL FROM:<a@x.example>\r\n")), "250");
}

}  // namespace
}  // namespace ringpost::smtp::testing
