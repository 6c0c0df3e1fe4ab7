// AUTH and STARTTLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/client.hpp"

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::string_view_literals;

const ServerSettings kOpen{.mechanisms = sasl::MechanismSet::passwords(), .auth_needs_tls = false};

std::string encoded(std::string_view text) {
  return mail::base64(text) + "\r\n";
}

TEST(ServerAuth, takes_plain_with_an_initial_response) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("AUTH PLAIN " + encoded("\0ann\0secret"sv)),
            "235 2.7.0 Authentication successful\r\n");
  EXPECT_TRUE(server.session.authenticated());
  EXPECT_EQ(server.session.login(), "ann");
  EXPECT_EQ(server.session.auth_mechanism(), "PLAIN");
}

TEST(ServerAuth, asks_for_plain_when_nothing_came) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("auth plain\r\n"), "334 \r\n");
  EXPECT_EQ(codes(server.say(encoded("\0ann\0secret"sv))), "235");
}

TEST(ServerAuth, takes_login) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("AUTH LOGIN\r\n"), "334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(server.say(encoded("ann")), "334 UGFzc3dvcmQ6\r\n");
  EXPECT_EQ(codes(server.say(encoded("secret"))), "235");
}

TEST(ServerAuth, takes_login_with_the_name_at_once) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("AUTH LOGIN " + encoded("ann")), "334 UGFzc3dvcmQ6\r\n");
}

TEST(ServerAuth, refuses_wrong_credentials_and_then_hangs_up) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(server.say("AUTH PLAIN " + encoded("\0ann\0wrong"sv)),
              "535 5.7.8 Authentication credentials invalid\r\n");
    EXPECT_FALSE(server.session.authenticated());
    EXPECT_EQ(server.session.login(), "");
  }
  EXPECT_EQ(codes(server.say("AUTH PLAIN " + encoded("\0ann\0wrong"sv))), "535 421");
  EXPECT_TRUE(server.ended());
}

TEST(ServerAuth, says_when_nobody_could_look) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  EXPECT_THAT(server.say("AUTH PLAIN " + encoded("\0later\0x"sv)), StartsWith("454 4.7.0"));
  EXPECT_EQ(codes(server.say("AUTH PLAIN " + encoded("\0ann\0secret"sv))), "235");
}

TEST(ServerAuth, can_be_cancelled) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  server.say("AUTH LOGIN\r\n");
  EXPECT_EQ(server.say("*\r\n"), "501 5.7.0 Authentication cancelled\r\n");
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
}

TEST(ServerAuth, refuses_garbage) {
  const std::vector<std::pair<std::string, std::string>> attempts{
      {"AUTH\r\n", "501 5.5.4"},
      {"AUTH CRAM-MD5\r\n", "504 5.5.4"},
      {"AUTH PLAIN !!!!\r\n", "501 5.5.2"},
      {"AUTH PLAIN AGFubg\r\n", "501 5.5.2"},
      {"AUTH PLAIN AGFubg== x\r\n", "501 5.5.4"},
      {"AUTH PLAIN =\r\n", "501 5.5.2"},
      {"AUTH PLAIN YQ==\r\n", "501 5.5.2"},
      {"AUTH LOGIN =\r\n", "501 5.5.2"},
  };
  for (const auto& [command, reply] : attempts) {
    TestServer server(kOpen);
    server.greeted().say(kHello);
    EXPECT_THAT(server.say(command), StartsWith(reply)) << command;
    EXPECT_EQ(codes(server.say("NOOP\r\n")), "250") << command;
  }
}

TEST(ServerAuth, ends_an_exchange_that_turns_to_garbage) {
  for (std::string_view answer : {"not base64\r\n"sv, "YW5u\n"sv, "YW\r5u\r\n"sv, "\r\n"sv}) {
    TestServer server(kOpen);
    server.greeted().say(kHello);
    server.say("AUTH LOGIN\r\n");
    EXPECT_THAT(server.say(answer), StartsWith("50")) << answer;
    server.say("\r\n");
    EXPECT_EQ(codes(server.say("NOOP\r\n")), "250") << answer;
  }
}

TEST(ServerAuth, bounds_a_line_at_12288_octets) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  server.say("AUTH PLAIN\r\n");
  EXPECT_EQ(server.say(std::string(kAuthLineBytesMax - 2, 'A') + "\r\n"),
            "501 5.5.2 Malformed authentication message\r\n");
  server.say("AUTH PLAIN\r\n");
  EXPECT_EQ(server.say(std::string(kAuthLineBytesMax - 1, 'A') + "\r\n"),
            "500 5.5.6 Authentication exchange line is too long\r\n");
  EXPECT_EQ(codes(server.say("NOOP\r\n")), "250");
}

TEST(ServerAuth, needs_tls_by_default) {
  TestServer server({.tls = TlsOffer::offered, .mechanisms = sasl::MechanismSet::passwords()});
  server.greeted().say(kHello);
  EXPECT_EQ(server.say("AUTH PLAIN\r\n"), "538 5.7.11 Encryption required for authentication\r\n");
  server.say("STARTTLS\r\n");
  server.say(kHello);
  EXPECT_EQ(codes(server.say("AUTH PLAIN\r\n")), "334");
}

TEST(ServerAuth, happens_once_and_outside_transactions) {
  TestServer server(kOpen);
  server.greeted().say(kHello);
  server.say("MAIL FROM:<>\r\n");
  EXPECT_THAT(server.say("AUTH PLAIN " + encoded("\0ann\0secret"sv)), StartsWith("503 5.5.1"));
  EXPECT_TRUE(server.session.in_transaction());
  server.say("RSET\r\nAUTH PLAIN " + encoded("\0ann\0secret"sv));
  EXPECT_TRUE(server.session.authenticated());
  EXPECT_THAT(server.say("AUTH PLAIN " + encoded("\0ann\0secret"sv)), StartsWith("503 5.5.1"));
}

TEST(ServerAuth, offers_only_the_listed_mechanisms) {
  TestServer server({.mechanisms = {sasl::Mechanism::login}, .auth_needs_tls = false});
  EXPECT_THAT(server.greeted().say(kHello), HasSubstr("AUTH LOGIN\r\n"));
  EXPECT_THAT(server.say("AUTH PLAIN\r\n"), StartsWith("504 5.5.4"));
}

TEST(ServerAuth, takes_scram_in_three_rounds) {
  TestServer server({.mechanisms = {sasl::Mechanism::scram_sha_256}, .auth_needs_tls = false});
  EXPECT_THAT(server.greeted().say(kHello), HasSubstr("AUTH SCRAM-SHA-256\r\n"));
  const sasl::Credentials ann{"", "ann", sasl::Secret("secret")};
  const auto client = sasl::make_client(sasl::Mechanism::scram_sha_256, ann, {.nonce = "abc"});
  const std::string first = server.say("AUTH SCRAM-SHA-256 " + encoded(client->initial()->view()));
  EXPECT_EQ(first, "334 " + encoded("r=abcserver,s=c2FsdA==,i=4096"));
  const std::string last = server.say(encoded(client->answer("r=abcserver,s=c2FsdA==,i=4096")->view()));
  EXPECT_THAT(last, StartsWith("334 dj"));  // "v="
  EXPECT_FALSE(server.session.authenticated());
  EXPECT_EQ(server.say("\r\n"), "235 2.7.0 Authentication successful\r\n");
  EXPECT_TRUE(server.session.authenticated());
  EXPECT_EQ(server.session.login(), "ann");
}

TEST(ServerAuth, a_client_that_does_not_believe_the_servers_proof_is_not_logged_in) {
  TestServer server({.mechanisms = {sasl::Mechanism::scram_sha_256}, .auth_needs_tls = false});
  server.greeted().say(kHello);
  const sasl::Credentials ann{"", "ann", sasl::Secret("secret")};
  const auto client = sasl::make_client(sasl::Mechanism::scram_sha_256, ann, {.nonce = "abc"});
  server.say("AUTH SCRAM-SHA-256 " + encoded(client->initial()->view()));
  server.say(encoded(client->answer("r=abcserver,s=c2FsdA==,i=4096")->view()));
  EXPECT_EQ(server.say("*\r\n"), "501 5.7.0 Authentication cancelled\r\n");
  EXPECT_FALSE(server.session.authenticated());
  EXPECT_EQ(server.session.login(), "");
}

TEST(ServerAuth, says_what_is_wrong_with_a_token_before_it_refuses) {
  TestServer server({.mechanisms = sasl::MechanismSet::tokens(), .auth_needs_tls = false});
  EXPECT_THAT(server.greeted().say(kHello), HasSubstr("AUTH OAUTHBEARER XOAUTH2\r\n"));
  EXPECT_EQ(server.say("AUTH OAUTHBEARER " + encoded("n,a=ann,\1host=x\1auth=Bearer wrong\1\1"sv)),
            "334 " + encoded(R"({"status":"invalid_token","scope":""})"));
  EXPECT_EQ(server.say(encoded("\1")), "535 5.7.8 Authentication credentials invalid\r\n");
  EXPECT_EQ(codes(server.say("AUTH XOAUTH2 " + encoded("user=ann\1auth=Bearer secret\1\1"sv))), "235");
  EXPECT_EQ(server.session.login(), "ann");
}

TEST(ServerAuth, offers_what_it_is_told_from_then_on) {
  TestServer server({.mechanisms = {sasl::Mechanism::plain}, .auth_needs_tls = false});
  server.greeted();
  server.session.offer_mechanisms({sasl::Mechanism::scram_sha_256});
  EXPECT_THAT(server.say(kHello), HasSubstr("AUTH SCRAM-SHA-256\r\n"));
  EXPECT_THAT(server.say("AUTH PLAIN\r\n"), StartsWith("504 5.5.4"));
}

// ---- STARTTLS ----
TEST(ServerStartTls, forgets_everything) {
  TestServer server(
      {.tls = TlsOffer::offered, .mechanisms = sasl::MechanismSet::passwords(), .auth_needs_tls = false});
  server.greeted().say(kHello);
  server.say("AUTH PLAIN " + encoded("\0ann\0secret"sv));
  server.say(kEnvelope);
  EXPECT_EQ(server.say("STARTTLS\r\n"), "220 2.0.0 Ready to start TLS\r\n");
  EXPECT_TRUE(server.saw("reset"));
  EXPECT_TRUE(server.session.secure());
  EXPECT_FALSE(server.session.authenticated());
  EXPECT_FALSE(server.session.in_transaction());
  EXPECT_EQ(server.session.helo(), "");
  EXPECT_THAT(server.say("MAIL FROM:<>\r\n"), StartsWith("503 5.5.1"));
  EXPECT_THAT(server.say(kHello), Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(server.say("STARTTLS\r\n"), StartsWith("503 5.5.1"));
}

TEST(ServerStartTls, hangs_up_on_commands_injected_behind_it) {
  TestServer server({.tls = TlsOffer::offered});
  server.greeted().say(kHello);
  EXPECT_EQ(codes(server.say("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x.example>\r\n")), "503");
  EXPECT_TRUE(server.ended());
  EXPECT_FALSE(server.saw("start_tls"));
  EXPECT_FALSE(server.saw("mail evil@x.example"));
}

TEST(ServerStartTls, drops_injected_commands_when_pipelining_is_suffered) {
  TestServer server({.tls = TlsOffer::offered, .refuse_unauthorised_pipelining = false});
  server.greeted().say(kHello);
  std::span<const std::byte> input = scan::as_bytes("STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n");
  EXPECT_EQ(server.session.next(input).kind, Event::Kind::start_tls);
  EXPECT_TRUE(input.empty());
  server.session.output_sent(server.session.output().size());
  server.session.tls_started();
  EXPECT_EQ(codes(server.say(kHello)), "250");
  EXPECT_FALSE(server.saw("mail evil@x.example"));
}

TEST(ServerStartTls, keeps_no_part_of_a_line_across_the_handshake) {
  TestServer server({.tls = TlsOffer::offered});
  server.greeted().say(kHello);
  server.say("STARTTLS\r");
  server.say("\n");
  EXPECT_EQ(codes(server.say("EHLO x\r\n")), "250");
}

}  // namespace
}  // namespace ringpost::smtp::testing
