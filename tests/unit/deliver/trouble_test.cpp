// Servers that are dead, slow, rude or confused: the mail waits, comes back, and is never lost or counted twice.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "ringpost/crypto/certificate.hpp"
#include "ringpost/deliver/limits.hpp"

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

class Trouble : public testing::Test {
 protected:
  Trouble() {
    world.zone("example.com MX 10 mx1.example.com");
    world.zone("example.com MX 20 mx2.example.com");
    world.zone("mx1.example.com A 192.0.2.1");
    world.zone("mx2.example.com A 192.0.2.2");
    world.settings().retry.intervals = std::vector<Duration>{5min};
    world.settings().retry.warn_after = 0s;
    world.local_domains.clear();
  }
  Peer& add(int number) { return world.add_peer("192.0.2." + std::to_string(number)); }
  static Peer::Answer answer_to(std::string beginning, std::string reply, unsigned connections = 1000) {
    return [=](const std::string& line, unsigned connection) -> std::optional<std::string> {
      return line.starts_with(beginning) && connection <= connections ? std::optional(reply) : std::nullopt;
    };
  }
  bool delivered(std::size_t count = 1) {
    return world.run_until([&] { return world.events("delivered").size() == count; }, 24h);
  }

  World world;
};

TEST_F(Trouble, the_next_exchanger_is_tried_when_the_first_does_not_listen) {
  Peer& second = add(2);
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_EQ(second.mails.size(), 1U);
  EXPECT_TRUE(world.events("deferred").empty());
}

TEST_F(Trouble, the_next_exchanger_is_tried_when_the_first_refuses_to_talk) {
  add(1).greeting = "554 5.3.2 not today";
  Peer& second = add(2);
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_EQ(second.mails.size(), 1U);
}

TEST_F(Trouble, a_dead_destination_costs_one_attempt_and_not_one_for_each_message) {
  world.begin();
  for (int i = 0; i < 50; ++i) world.send({.to = {"anna@example.com"}});
  world.run_for(1min);
  EXPECT_EQ(world.figure("deliver_connections_failed"), 1U);
  const auto deferred = world.events("deferred");
  EXPECT_EQ(std::ranges::count_if(
                deferred, [](const LoggedEvent& event) { return event.fields.contains("recipient"); }),
            1);
  const QueueSummary summary = world.ask(world.service().summary());
  ASSERT_EQ(summary.destinations.size(), 1U);
  EXPECT_EQ(summary.recipients[static_cast<std::size_t>(JobState::deferred)], 50U);
  EXPECT_NE(summary.destinations[0].problem.find("192.0.2."), std::string::npos)
      << summary.destinations[0].problem;
  // It comes back to life: all of it leaves, over more connections than one.
  Peer& first = add(1);
  ASSERT_TRUE(delivered(50));
  EXPECT_EQ(first.mails.size(), 50U);
}

TEST_F(Trouble, each_message_behind_a_dead_destination_has_its_line_for_each_pause) {
  constexpr std::size_t kMany = 2 * kToldPerTurn + 1;  // of which one is tried
  world.settings().retry.intervals = std::vector<Duration>{20min};
  world.begin();
  std::set<std::string> ids;
  for (std::size_t i = 0; i < kMany; ++i) ids.insert(to_string(world.send({.to = {"anna@example.com"}})));
  world.run_for(1min);
  const auto put_off = [&] {
    std::vector<LoggedEvent> lines;
    for (LoggedEvent& event : world.events("deferred"))
      if (event.fields.contains("reason")) lines.push_back(std::move(event));
    return lines;
  };
  ASSERT_EQ(put_off().size(), kMany - 1);
  std::set<std::string> told;
  for (const LoggedEvent& line : put_off()) told.insert(line.fields.at("queue_id"));
  EXPECT_EQ(told.size(), kMany - 1);
  const LoggedEvent line = put_off().front();
  EXPECT_TRUE(ids.contains(line.fields.at("queue_id")));
  EXPECT_EQ(line.fields.at("attempts"), "0");
  EXPECT_EQ(line.fields.at("recipient_count"), "1");
  EXPECT_EQ(line.fields.at("enhanced_status"), "4.4.1");
  EXPECT_NE(line.fields.at("text").find("192.0.2."), std::string::npos);
  EXPECT_GT(std::stoll(line.fields.at("next_attempt")), world.core().wall_now().seconds());
  // Whoever comes meanwhile has a line too.
  const std::string late = to_string(world.send({.to = {"bert@example.com"}}));
  world.run_for(1s);
  ASSERT_EQ(put_off().size(), kMany);
  EXPECT_EQ(put_off().back().fields.at("queue_id"), late);
  // One line for each message and pause. The one that was tried may have come back while the first pause lasted.
  ASSERT_TRUE(world.run_until([&] { return world.figure("deliver_connections_failed") == 2; }));
  world.run_for(1min);
  std::set<std::pair<std::string, std::string>> lines;
  for (const LoggedEvent& each : put_off())
    lines.emplace(each.fields.at("queue_id"), each.fields.at("next_attempt"));
  EXPECT_EQ(lines.size(), put_off().size());
  EXPECT_GE(lines.size(), 2 * kMany);
  EXPECT_LE(lines.size(), 2 * kMany + 1);
  EXPECT_EQ(world.figure("deliver_jobs_put_off"), lines.size());
  Peer& first = add(1);
  ASSERT_TRUE(delivered(kMany + 1));
  EXPECT_EQ(first.mails.size(), kMany + 1);
}

TEST_F(Trouble, a_suspended_destination_is_not_said_to_have_failed) {
  world.directives.suspended = {"*"};
  world.begin();
  world.send({.to = {"anna@example.com"}});
  world.run_for(1min);
  EXPECT_EQ(world.figure("deliver_jobs_put_off"), 0U);
  EXPECT_TRUE(world.events("deferred").empty());
}

TEST_F(Trouble, a_name_that_does_not_exist_bounces_all_that_is_for_it) {
  world.begin();
  for (int i = 0; i < 5; ++i) world.send({.from = "", .to = {"anna@nowhere.test"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  const auto bounced = world.events("bounced");
  ASSERT_EQ(bounced.size(), 5U);
  EXPECT_EQ(bounced[0].fields.at("enhanced_status"), "5.1.2");
}

TEST_F(Trouble, a_null_mx_bounces) {
  world.zone("nomail.test MX 0 .");
  world.begin();
  world.send({.from = "", .to = {"anna@nomail.test"}});
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }));
  EXPECT_EQ(world.events("bounced").at(0).fields.at("enhanced_status"), "5.1.10");
}

TEST_F(Trouble, failing_dns_defers) {
  Peer& first = add(1);
  world.begin();
  const dns::Question question{*dns::Name::parse("example.com"), dns::Type::mx};
  world.dns().fail(question, dns::Status::servfail);
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  EXPECT_EQ(world.events("deferred").at(0).fields.at("enhanced_status"), "4.4.3");
  EXPECT_EQ(world.figure("deliver_dns_failures"), 1U);
  world.dns().obey_zone(question);
  ASSERT_TRUE(delivered());
  EXPECT_EQ(first.mails.size(), 1U);
}

TEST_F(Trouble, a_reused_connection_that_was_shut_meanwhile_costs_no_attempt) {
  Peer& first = add(1);
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  first.answer = answer_to("MAIL", "421 4.3.2 going down", 1);
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered(2));
  EXPECT_TRUE(world.events("deferred").empty());
  EXPECT_EQ(world.events("delivered").at(1).fields.at("attempts"), "1");
  EXPECT_EQ(first.connections, 2U);
}

TEST_F(Trouble, a_421_on_a_fresh_connection_defers) {
  Peer& first = add(1);
  first.answer = answer_to("MAIL", "421 4.3.2 going down", 1);
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  ASSERT_EQ(world.events("deferred").size(), 1U);
  EXPECT_EQ(world.events("deferred").at(0).fields.at("code"), "421");
  EXPECT_EQ(world.events("delivered").at(0).fields.at("attempts"), "2");
}

TEST_F(Trouble, a_connection_lost_after_the_end_of_data_may_deliver_twice_but_is_counted_once) {
  Peer& first = add(1);
  first.judge = [&](const ReceivedMail& mail, std::size_t) -> std::optional<std::string> {
    return mail.connection == 1 ? std::optional<std::string>(Peer::kHangUp) : std::nullopt;
  };
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_EQ(world.events("deferred").size(), 1U);
  EXPECT_EQ(world.events("delivered").size(), 1U);
  EXPECT_TRUE(world.empty());
}

TEST_F(Trouble, recipients_refused_before_the_connection_died_stay_refused) {
  Peer& first = add(1);
  first.answer = [](const std::string& line, unsigned connection) -> std::optional<std::string> {
    if (line.starts_with("RCPT TO:<bert")) return "550 5.1.1 no such user";
    if (line.starts_with("DATA") && connection == 1) return Peer::kHangUp;
    return std::nullopt;
  };
  world.begin();
  world.send({.from = "", .to = {"bert@example.com", "anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_EQ(world.events("bounced").size(), 1U);
  EXPECT_EQ(world.events("deferred").size(), 1U);
  EXPECT_EQ(count_lines(first, "RCPT TO:<bert"), 1U);
}

// Where the one server of a domain falls silent.
class Stall : public Trouble, public testing::WithParamInterface<const char*> {};

TEST_P(Stall, ends_in_a_deferral_that_says_where) {
  Peer& first = add(1);
  const std::string state = GetParam();
  if (state == "end of data")
    first.judge = [](const ReceivedMail&, std::size_t) { return std::optional<std::string>(""); };
  else
    first.answer = answer_to(state, "");
  world.settings().deliver.command_timeout = 1min;
  world.settings().deliver.data_timeout = 2min;
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }, 10min));
  const std::string text = world.events("deferred").at(0).fields.at("text");
  EXPECT_NE(text.find("timed out, waiting for " + state), std::string::npos) << text;
  ASSERT_TRUE(world.run_until([&] { return world.service().open_flows() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(States, Stall,
                         testing::Values("greeting", "EHLO", "MAIL", "RCPT", "DATA", "end of data"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

// Each line is news, and the reply never comes.
TEST_F(Trouble, a_reply_that_drips_is_late_all_the_same) {
  add(1).answer = answer_to("MAIL", Peer::kDrip);
  world.settings().deliver.command_timeout = 1min;
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }, 3min));
  EXPECT_NE(world.events("deferred").at(0).fields.at("text").find("timed out, waiting for MAIL"),
            std::string::npos);
}

// What is said before the message has come is no promise for it.
TEST_F(Trouble, a_250_before_the_end_of_data_delivers_nothing) {
  add(1).answer = answer_to("DATA", "354 go on\r\n250 2.0.0 got it");
  world.begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }, 10min));
  EXPECT_TRUE(world.events("delivered").empty());
}

// ---- TLS and logins

class Secure : public Trouble {
 protected:
  Secure() {
    // OpenSSL looks at the real calendar.
    const auto today = std::chrono::system_clock::now().time_since_epoch();
    const auto made = crypto::make_self_signed(
        {.common_name = "mx1.example.com", .not_before = {Duration(today - 1h).count()}, .valid_for = 24h});
    EXPECT_TRUE(made);
    tls::ServerSettings settings;
    settings.main = {.certificate_pem = made->certificate_pem, .key_pem = made->key_pem};
    first.tls = tls::ServerContext::build(settings, tls::TicketKeys::generate().value()).value();
    first.offers.push_back("STARTTLS");
    trusted = made->certificate_pem;
  }
  void begin(const std::string& authorities = {}) {
    world.tls = tls::ClientContext::build({.authorities_pem = authorities}).value();
    world.begin();
  }
  Peer& first = add(1);
  std::string trusted;
};

TEST_F(Secure, tls_is_used_where_it_is_offered_and_logged) {
  begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_TRUE(first.mails.at(0).secure);
  EXPECT_TRUE(world.events("delivered").at(0).fields.at("tls").starts_with("TLSv1.3"));
  EXPECT_EQ(count_lines(first, "EHLO"), 2U);
}

TEST_F(Secure, a_handshake_that_fails_is_followed_by_clear_text_and_remembered) {
  first.garbage_for_tls = true;
  world.settings().deliver.idle_timeout = 0s;
  begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_FALSE(first.mails.at(0).secure);
  EXPECT_EQ(world.figure("deliver_tls_fallbacks"), 1U);
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered(2));
  EXPECT_EQ(count_lines(first, "STARTTLS"), 1U);
}

TEST_F(Secure, required_tls_needs_a_certificate_that_somebody_vouches_for) {
  world.settings().shaping.tls = shaping::TlsUse::required;
  begin();
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  EXPECT_EQ(world.events("deferred").at(0).fields.at("enhanced_status"), "4.7.5");
  EXPECT_TRUE(first.mails.empty());
}

TEST_F(Secure, required_tls_is_content_with_a_trusted_certificate) {
  world.settings().shaping.tls = shaping::TlsUse::required;
  begin(trusted);
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(delivered());
  EXPECT_TRUE(first.mails.at(0).secure);
}

TEST_F(Secure, required_tls_that_is_not_offered_defers) {
  first.offers = {};
  world.settings().shaping.tls = shaping::TlsUse::required;
  begin(trusted);
  world.send({.to = {"anna@example.com"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  EXPECT_EQ(world.events("deferred").at(0).fields.at("enhanced_status"), "4.7.4");
  EXPECT_EQ(count_lines(first, "MAIL"), 0U);
}

TEST_F(Secure, a_smarthost_is_logged_in_to) {
  first.offers.push_back("AUTH PLAIN LOGIN");
  world.routes["relay"] = {.match = {"*"}, .via = "smtp:192.0.2.1:25", .username = "anna"};
  world.passwords["relay"] = "secret";
  begin();
  world.send({.to = {"anna@elsewhere.test"}});
  ASSERT_TRUE(delivered());
  EXPECT_EQ(count_lines(first, "AUTH PLAIN AGFubmEAc2VjcmV0"), 1U);
}

TEST_F(Secure, a_password_is_not_sent_in_clear_text) {
  first.offers = {"AUTH PLAIN LOGIN"};
  world.routes["relay"] = {.match = {"*"}, .via = "smtp:192.0.2.1:25", .username = "anna"};
  world.passwords["relay"] = "secret";
  begin();
  world.send({.to = {"anna@elsewhere.test"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  EXPECT_EQ(count_lines(first, "AUTH"), 0U);
  EXPECT_TRUE(first.mails.empty());
}

TEST_F(Secure, a_refused_login_defers_for_it_is_our_mistake) {
  first.offers.push_back("AUTH PLAIN");
  first.answer = answer_to("AUTH", "535 5.7.8 wrong password");
  world.routes["relay"] = {.match = {"*"}, .via = "smtp:192.0.2.1:25", .username = "anna"};
  world.passwords["relay"] = "secret";
  begin();
  world.send({.to = {"anna@elsewhere.test"}});
  ASSERT_TRUE(world.run_until([&] { return world.events("deferred").size() == 1; }));
  EXPECT_TRUE(world.events("bounced").empty());
}

}  // namespace
}  // namespace ringpost::deliver::test
