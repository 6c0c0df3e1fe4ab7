// The sender against the sink in a simulated world: both ends are the real ones, time and network are not.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "ringpost/shard/simulation.hpp"

#include "compare.hpp"
#include "process.hpp"
#include "run_file.hpp"
#include "run_groups.hpp"
#include "sink_core.hpp"
#include "sink_report.hpp"
#include "smtp_core.hpp"
#include "smtp_report.hpp"

namespace ringpost::loadgen {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const Endpoint kSink{IpAddress::loopback(), 2525};

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("loadgen_test." + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Sender on core 0, sink on core 1.
class Exchange {
 public:
  Exchange(std::uint64_t seed, SmtpOptions smtp, SinkOptions sink) : simulation_(seed, 2) {
    smtp.to = {"127.0.0.1:2525"};
    smtp.common.seed = sink.common.seed = seed;
    smtp.acknowledged_file = folder_.file("sent");
    sink.received_file = folder_.file("got");
    sink.listen = {kSink};
    sink_plan_ = *SinkPlan::make(std::move(sink), wall_now());
    smtp_plan_ = *SmtpPlan::make(std::move(smtp), wall_now(), 0xABCD);
    sink_ = *SinkCore::make(simulation_.core(1), *sink_plan_);
    sink_->listen(0, *simulation_.core(1).backend().listen(kSink, {}));
    sink_->arm();
    smtp_ = *SmtpCore::make(simulation_.core(0), *smtp_plan_);
  }
  ~Exchange() {
    smtp_->stop();
    smtp_->abort();
    sink_->stop();
    simulation_.run_for(100ms);
    sink_->abort();
    EXPECT_TRUE(simulation_.run_until(
        [&] { return simulation_.core(0).live_tasks() + simulation_.core(1).live_tasks() == 0; }, 60s));
    EXPECT_EQ(simulation_.core(0).buffers().in_use().count, 0U);
    EXPECT_EQ(simulation_.core(1).buffers().in_use().count, 0U);
  }
  // Until the sender is done, or told to stop after `bound`.
  bool run(Duration bound = 300s) {
    smtp_->start();
    const bool done = simulation_.run_until([&] { return smtp_->finished(); }, bound);
    if (!done) {
      smtp_->stop();
      EXPECT_TRUE(simulation_.run_until([&] { return smtp_->finished(); }, 100s));
    }
    return done;
  }
  // Until `time` is over, the sink leaving after `sink_time`.
  void run_without_the_sink_from(Duration sink_time, Duration time) {
    smtp_->start();
    simulation_.run_for(sink_time);
    sink_->stop();
    sink_->abort();
    simulation_.run_for(time - sink_time);
    smtp_->stop();
    smtp_->abort();
    EXPECT_TRUE(simulation_.run_until([&] { return smtp_->finished(); }, 100s));
  }
  Comparison compared() const {
    return compare(*read_file(folder_.file("sent"), 1 << 20), *read_file(folder_.file("got"), 1 << 20));
  }
  const SmtpFigures& sent() const { return smtp_->figures(); }
  const SinkFigures& got() const { return sink_->figures(); }
  const SinkPlan& sink_plan() const { return *sink_plan_; }
  const SmtpCore& sender() const { return *smtp_; }
  shard::Simulation& simulation() { return simulation_; }
  // What the report says of this run.
  std::vector<std::string> remarks() const {
    const SmtpSummary summary = smtp_summary();
    const Distribution latency = summary.latency();
    return loadgen::remarks(run_json({.plan = *smtp_plan_,
                                      .started = wall_now(),
                                      .machine = "simulated",
                                      .summary = summary.json(),
                                      .latency = latency,
                                      .series = Series()}));
  }
  SmtpSummary smtp_summary() const { return {*smtp_plan_, {smtp_.get()}, {}}; }
  SinkSummary sink_summary() const { return {*sink_plan_, {sink_.get()}, {}}; }

 private:
  Folder folder_;
  shard::Simulation simulation_;
  std::unique_ptr<SinkPlan> sink_plan_;
  std::unique_ptr<SmtpPlan> smtp_plan_;
  std::unique_ptr<SinkCore> sink_;
  std::unique_ptr<SmtpCore> smtp_;
};

SmtpOptions messages(std::uint64_t count, std::uint64_t connections = 4) {
  SmtpOptions options;
  options.count = count;
  options.connections = connections;
  return options;
}

// Each acknowledged message once and whole; those that were sent again come later than their numbers say.
void expect_all(const Exchange& exchange, std::uint64_t count) {
  EXPECT_EQ(exchange.sent().acknowledged.value(), count);
  EXPECT_EQ(exchange.got().messages.value(), count);
  EXPECT_EQ(exchange.got().bad.value(), 0U);
  EXPECT_EQ(exchange.got().foreign.value(), 0U);
  if (exchange.sent().attempts.value() == 0) EXPECT_EQ(exchange.got().out_of_order.value(), 0U);
  const Comparison c = exchange.compared();
  EXPECT_EQ(c.acknowledged, count);
  EXPECT_EQ(c.received, count);
  EXPECT_EQ(c.duplicated + c.corrupted + c.lost + c.unacknowledged + c.unreadable, 0U);
}

struct Way {
  std::string name;
  void (*change)(SmtpOptions& smtp, SinkOptions& sink);
};

class ExchangeWays : public testing::TestWithParam<Way> {};

TEST_P(ExchangeWays, every_message_arrives_once) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SmtpOptions smtp = messages(60);
    SinkOptions sink;
    GetParam().change(smtp, sink);
    Exchange exchange(seed, smtp, sink);
    EXPECT_TRUE(exchange.run());
    expect_all(exchange, 60);
    EXPECT_EQ(exchange.sent().recipients.value(), 60 * smtp.recipient_count);
    EXPECT_EQ(exchange.got().recipients.value(), 60 * smtp.recipient_count);
    EXPECT_EQ(exchange.sent().bytes.value(), exchange.got().bytes.value());
    EXPECT_EQ(exchange.sent().latency_ns.count(), 60U);
  }
}

const auto kLogin = Login{"user", "secret"};
INSTANTIATE_TEST_SUITE_P(
    , ExchangeWays,
    testing::Values(
        Way{"data", [](SmtpOptions&, SinkOptions&) {}},
        Way{"data_without_pipelining", [](SmtpOptions& smtp, SinkOptions&) { smtp.pipelining = false; }},
        Way{"data_with_four_in_flight", [](SmtpOptions& smtp, SinkOptions&) { smtp.in_flight = 4; }},
        Way{"bdat", [](SmtpOptions& smtp, SinkOptions&) { smtp.bdat = true; }},
        Way{"bdat_with_four_in_flight",
            [](SmtpOptions& smtp, SinkOptions&) {
              smtp.bdat = true;
              smtp.in_flight = 4;
            }},
        Way{"bdat_that_is_not_offered",
            [](SmtpOptions& smtp, SinkOptions& sink) {
              smtp.bdat = true;
              sink.chunking = false;
            }},
        Way{"large", [](SmtpOptions& smtp, SinkOptions&) { smtp.size = 300_KiB; }},
        Way{"large_by_bdat",
            [](SmtpOptions& smtp, SinkOptions&) {
              smtp.size = 300_KiB;
              smtp.bdat = true;
            }},
        Way{"three_recipients", [](SmtpOptions& smtp, SinkOptions&) { smtp.recipient_count = 3; }},
        Way{"lmtp",
            [](SmtpOptions& smtp, SinkOptions& sink) {
              smtp.protocol = sink.protocol = Protocol::lmtp;
              smtp.recipient_count = 3;
            }},
        Way{"starttls", [](SmtpOptions& smtp, SinkOptions& sink) { smtp.tls = sink.tls = TlsUse::starttls; }},
        Way{"implicit_tls_with_login",
            [](SmtpOptions& smtp, SinkOptions& sink) {
              smtp.tls = sink.tls = TlsUse::implicit;
              smtp.login = sink.login = kLogin;
            }},
        Way{"open_loop", [](SmtpOptions& smtp, SinkOptions&) { smtp.rate = 100; }},
        Way{"one_message_a_connection", [](SmtpOptions& smtp, SinkOptions&) { smtp.per_connection = 1; }}),
    [](const auto& way) { return way.param.name; });

TEST(Exchange, a_connection_is_closed_after_its_messages) {
  SmtpOptions smtp = messages(30, 3);
  smtp.per_connection = 5;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    Exchange exchange(seed, smtp, {});
    EXPECT_TRUE(exchange.run());
    expect_all(exchange, 30);
    EXPECT_GE(exchange.sent().connections.value(), 6U);
    // A sink that counted a connection after its QUIT would see four.
    EXPECT_EQ(exchange.sink_plan().connections.peak(), 3U);
    EXPECT_EQ(exchange.sink_plan().domains.entries().at("example.org").peak, 3U);
    EXPECT_EQ(exchange.sink_plan().connections.now(), 0U);
  }
}

TEST(Exchange, messages_go_to_each_domain_in_turn) {
  SmtpOptions smtp = messages(30, 2);
  smtp.domains = 3;
  Exchange exchange(1, smtp, {});
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 30);
  const DomainTable::Entries domains = exchange.sink_plan().domains.entries();
  ASSERT_EQ(domains.size(), 3U);
  for (const auto& [name, entry] : domains) {
    EXPECT_EQ(entry.messages, 10U) << name;
    EXPECT_EQ(entry.connections, 0U);
    EXPECT_LE(entry.peak, 2U);
  }
}

TEST(Exchange, deferred_messages_are_refused_without_retry_and_arrive_with_it) {
  for (const Step place : {Step::rcpt, Step::body}) {
    SmtpOptions smtp = messages(100);
    SinkOptions sink;
    sink.everyone.reject_temporary = 0.3;
    sink.everyone.reject_at = place;
    {
      Exchange exchange(1, smtp, sink);
      EXPECT_TRUE(exchange.run());
      const std::uint64_t refused = exchange.sent().refused.value();
      EXPECT_GT(refused, 10U);
      EXPECT_LT(refused, 60U);
      EXPECT_EQ(exchange.got().rejected_temporary.value(), refused);
      EXPECT_EQ(exchange.sent().codes[place == Step::rcpt ? 450 : 451].value(), refused);
      expect_all(exchange, 100 - refused);
    }
    smtp.retries = 20;
    Exchange exchange(1, smtp, sink);
    EXPECT_TRUE(exchange.run());
    expect_all(exchange, 100);
    EXPECT_EQ(exchange.sent().attempts.value(), exchange.got().rejected_temporary.value());
    // The wait before the next attempt is part of what the message took.
    EXPECT_GE(exchange.sent().latency_ns.max(), 1'000'000'000U);
  }
}

TEST(Exchange, a_permanent_refusal_belongs_to_the_address) {
  SmtpOptions smtp = messages(100);
  smtp.domains = 50;
  smtp.retries = 3;
  SinkOptions sink;
  sink.everyone.reject_permanent = 0.3;
  Exchange exchange(5, smtp, sink);
  EXPECT_TRUE(exchange.run());
  const std::uint64_t refused = exchange.sent().refused.value();
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(refused % 2, 0U);  // each address is used twice
  EXPECT_EQ(exchange.sent().attempts.value(), 0U);
  expect_all(exchange, 100 - refused);
  EXPECT_THAT(exchange.smtp_summary().text(), HasSubstr("550 5.1.1"));
}

TEST(Exchange, what_is_dropped_is_unanswered_and_never_acknowledged) {
  SmtpOptions smtp = messages(60);
  SinkOptions sink;
  sink.everyone.drop = 0.2;
  for (const Step place : {Step::mail, Step::rcpt, Step::data, Step::body}) {
    sink.everyone.drop_at = place;
    Exchange exchange(3, smtp, sink);
    EXPECT_TRUE(exchange.run());
    const std::uint64_t dropped = exchange.got().dropped.value();
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(exchange.sent().unanswered.value(), dropped);
    EXPECT_EQ(exchange.sent().lost_connections.value(), dropped);
    expect_all(exchange, 60 - dropped);
  }
  smtp.resend = true;
  Exchange exchange(3, smtp, sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 60);
  EXPECT_EQ(exchange.sent().unanswered.value(), 0U);
}

TEST(Exchange, a_sink_that_never_answers_is_left_after_the_timeout) {
  SmtpOptions smtp = messages(10, 1);
  smtp.timeout = 5s;
  for (const Step place : {Step::greeting, Step::helo, Step::mail, Step::rcpt, Step::data, Step::body}) {
    SinkOptions sink;
    sink.everyone.stall = place;
    Exchange exchange(1, smtp, sink);
    EXPECT_FALSE(exchange.run(12s));
    EXPECT_GE(exchange.sent().timeouts.value(), 2U);
    EXPECT_GE(exchange.got().stalled.value(), 2U);
    EXPECT_EQ(exchange.sent().acknowledged.value(), 0U);
    EXPECT_EQ(exchange.got().messages.value(), 0U);
  }
}

TEST(Exchange, the_delay_is_in_the_latency) {
  for (const Step place : {Step::mail, Step::rcpt, Step::data, Step::body}) {
    SinkOptions sink;
    sink.everyone.delay = 200ms;
    sink.everyone.delay_at = place;
    Exchange exchange(1, messages(5, 1), sink);
    EXPECT_TRUE(exchange.run());
    expect_all(exchange, 5);
    EXPECT_GE(exchange.sent().latency_ns.quantile(0.01), 200'000'000U);
    EXPECT_LE(exchange.sent().latency_ns.max(), 400'000'000U);
  }
}

// One connection that needs 200 ms a message, and a message due each 100 ms: who is late stays late.
TEST(Exchange, open_loop_counts_the_wait_for_a_connection_and_closed_loop_does_not) {
  SinkOptions sink;
  sink.everyone.delay = 200ms;
  SmtpOptions smtp = messages(20, 1);
  {
    Exchange exchange(1, smtp, sink);
    EXPECT_TRUE(exchange.run());
    EXPECT_LE(exchange.sent().latency_ns.max(), 400'000'000U);
  }
  smtp.rate = 10;
  Exchange exchange(1, smtp, sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 20);
  // The last was due after 1.9 s and answered after 4.
  EXPECT_GE(exchange.sent().latency_ns.max(), 2'000'000'000U);
  EXPECT_THAT(exchange.smtp_summary().json(), HasSubstr(R"("loop": "open")"));
}

TEST(Exchange, open_loop_says_what_it_never_began) {
  SinkOptions sink;
  sink.everyone.delay = 1s;
  SmtpOptions smtp;
  smtp.connections = 1;
  smtp.rate = 10;
  smtp.duration = 5s;
  Exchange exchange(1, smtp, sink);
  EXPECT_FALSE(exchange.run(5s));
  const std::uint64_t begun = exchange.sent().begun.value();
  EXPECT_GE(begun, 3U);
  EXPECT_LE(begun, 7U);
  EXPECT_EQ(begun + exchange.sender().never_begun(), 50U);
}

TEST(Exchange, open_loop_keeps_its_rate) {
  SmtpOptions smtp;
  smtp.connections = 8;
  smtp.rate = 1500;
  smtp.duration = 2s;
  Exchange exchange(1, smtp, {});
  EXPECT_TRUE(exchange.run(10s));
  expect_all(exchange, 3000);
  EXPECT_GE(exchange.sender().elapsed(), 1999ms);
  EXPECT_LE(exchange.sender().elapsed(), 2300ms);
}

TEST(Exchange, connections_over_the_limit_are_turned_away) {
  SmtpOptions smtp = messages(40, 6);
  SinkOptions sink;
  sink.everyone.connections_max = 2;
  sink.everyone.delay = 10ms;
  Exchange exchange(1, smtp, sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 40);
  EXPECT_GT(exchange.got().turned_away.value(), 0U);
  EXPECT_EQ(exchange.sent().codes[421].value(), exchange.got().turned_away.value());
  EXPECT_EQ(exchange.sink_plan().domains.entries().at("example.org").peak, 2U);
}

// ---- personas

SmtpOptions persistent(std::uint64_t count, std::uint64_t connections = 4) {
  SmtpOptions smtp = messages(count, connections);
  smtp.retries = 200;
  smtp.retry_after = 100ms;
  return smtp;
}

TEST(Exchange, a_rate_defers_what_is_over_it) {
  SinkOptions sink;
  sink.everyone.rate = Rate{10, 1s};
  Exchange exchange(1, persistent(60), sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 60);
  EXPECT_GT(exchange.sink_plan().personas[0]->over_rate.value(), 0U);
  EXPECT_EQ(exchange.sent().codes[451].value(), exchange.got().rejected_temporary.value());
  // 60 messages are six full periods, the first and the last of which may be short.
  EXPECT_GE(exchange.sender().elapsed(), 4s);
}

TEST(Exchange, a_421_for_the_rate_ends_the_connection_and_loses_nothing) {
  SinkOptions sink;
  sink.everyone.rate = Rate{10, 1s};
  sink.everyone.rate_reply = *parse_refusal("421 4.7.28 unusual rate");
  Exchange exchange(1, persistent(40), sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 40);
  EXPECT_GT(exchange.sent().codes[421].value(), 0U);
}

TEST(Exchange, greylisting_defers_each_new_pair_once) {
  SinkOptions sink;
  sink.everyone.greylist = 50ms;
  SmtpOptions smtp = persistent(60);
  smtp.mailboxes = 20;
  Exchange exchange(1, smtp, sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 60);
  const std::uint64_t greylisted = exchange.sink_plan().personas[0]->greylistings.value();
  EXPECT_GE(greylisted, 20U);
  EXPECT_LE(greylisted, 60U);
}

TEST(Exchange, a_storm_defers_everything_while_it_lasts) {
  SinkOptions sink;
  sink.everyone.storm = {.length = 200ms, .every = 1s};
  SmtpOptions smtp = persistent(300);
  smtp.rate = 100;
  Exchange exchange(1, smtp, sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 300);
  EXPECT_GE(exchange.sink_plan().personas[0]->stormed.value(), 30U);
}

TEST(Exchange, mail_before_tls_is_refused_where_it_is_demanded) {
  SinkOptions sink;
  sink.tls = TlsUse::starttls;
  sink.everyone.tls_required = true;
  {
    Exchange exchange(1, messages(5, 1), sink);
    EXPECT_TRUE(exchange.run(20s));
    EXPECT_EQ(exchange.sent().codes[530].value(), 5U);
  }
  SmtpOptions smtp = messages(5, 1);
  smtp.tls = TlsUse::starttls;
  Exchange exchange(1, smtp, sink);
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 5);
}

// ---- how load is shaped

TEST(Exchange, sizes_and_domains_have_their_shares) {
  SmtpOptions smtp = messages(400);
  smtp.size = SizeMix({{1_KiB, 1_KiB, 3}, {8_KiB, 16_KiB, 1}});
  smtp.recipient_domains = {{"a.test", 3}, {"b.test", 1}};
  Exchange exchange(1, smtp, {});
  EXPECT_TRUE(exchange.run());
  expect_all(exchange, 400);
  const auto domains = exchange.sink_plan().domains.entries();
  EXPECT_NEAR(static_cast<double>(domains.at("a.test").messages), 300, 40);
  EXPECT_EQ(domains.at("a.test").messages + domains.at("b.test").messages, 400U);
  const double mean = static_cast<double>(exchange.got().bytes.value()) / 400;
  EXPECT_NEAR(mean, (3 * 1024 + 11'800) / 4.0, 600);
}

TEST(Exchange, a_poisson_loop_and_a_ramp_end_when_their_time_is_over) {
  SmtpOptions smtp;
  smtp.connections = 8;
  smtp.rate = 200;
  smtp.duration = 3s;
  smtp.spacing = Spacing::poisson;
  Exchange poisson(1, smtp, {});
  EXPECT_TRUE(poisson.run(10s));
  EXPECT_NEAR(static_cast<double>(poisson.sent().acknowledged.value()), 600, 100);
  expect_all(poisson, poisson.sent().begun.value());
  smtp.spacing = Spacing::fixed;
  smtp.rate = 0;
  smtp.ramp_to = 400;
  Exchange ramp(1, smtp, {});
  EXPECT_TRUE(ramp.run(10s));
  expect_all(ramp, 600);
}

// An open loop asks on while the sink is frozen, so many messages wait; in a closed loop one does.
TEST(Exchange, a_stall_shows_in_the_open_loop_and_not_in_the_closed_one) {
  SinkOptions sink;
  sink.everyone.delay = 2ms;
  sink.everyone.freeze = {.length = 200ms, .every = 5s};
  SmtpOptions smtp;
  smtp.connections = 1;
  smtp.duration = 7s;
  Exchange closed(1, smtp, sink);
  closed.run(7s);
  EXPECT_EQ(closed.got().frozen.value(), 1U);
  ASSERT_GT(closed.sent().acknowledged.value(), 1000U);
  EXPECT_LT(closed.sent().latency_ns.quantile(0.999), 20'000'000U);
  EXPECT_GT(closed.sent().latency_ns.max(), 150'000'000U);
  EXPECT_THAT(closed.remarks(), ElementsAre(HasSubstr("A stall hides here")));

  smtp.connections = 4;
  smtp.rate = 200;
  Exchange open(1, smtp, sink);
  EXPECT_TRUE(open.run(8s));
  EXPECT_GT(open.sent().latency_ns.quantile(0.999), 150'000'000U);
  EXPECT_LT(open.sent().latency_ns.quantile(0.5), 20'000'000U);
  EXPECT_THAT(open.remarks(), ElementsAre(HasSubstr("A stall shows")));
}

TEST(Exchange, a_wrong_login_sends_nothing) {
  SmtpOptions smtp = messages(5, 1);
  smtp.login = Login{"user", "wrong"};
  SinkOptions sink;
  sink.login = kLogin;
  Exchange exchange(1, smtp, sink);
  EXPECT_FALSE(exchange.run(5s));
  EXPECT_EQ(exchange.sent().begun.value(), 0U);
  EXPECT_GT(exchange.sent().codes[535].value(), 0U);
}

TEST(Exchange, without_a_sink_the_sender_goes_on_trying_and_says_why) {
  SmtpOptions smtp = messages(5, 1);
  Exchange exchange(1, smtp, {});
  // Nobody listens on that port.
  SmtpOptions other = messages(5, 1);
  other.to = {"127.0.0.1:2526"};
  const auto plan = *SmtpPlan::make(other, wall_now(), 1);
  const auto sender = *SmtpCore::make(exchange.simulation().core(0), *plan);
  sender->start();
  exchange.simulation().run_for(5s);
  EXPECT_FALSE(sender->finished());
  EXPECT_GE(sender->figures().connect_failures.value(), 5U);
  EXPECT_LE(sender->figures().connect_failures.value(), 20U);
  ASSERT_EQ(sender->figures().troubles.size(), 1U);
  sender->stop();
  EXPECT_TRUE(exchange.simulation().run_until([&] { return sender->finished(); }, 10s));
  const SmtpSummary summary(*plan, {sender.get()}, {});
  EXPECT_GE(summary.silence(), 4s);
}

TEST(Exchange, a_rate_is_that_of_the_whole_run_and_a_server_that_left_is_told) {
  SmtpOptions smtp = messages(0, 2);
  smtp.duration = 4s;
  SinkOptions sink;
  sink.everyone.delay = 10ms;
  Exchange exchange(1, smtp, sink);
  exchange.run_without_the_sink_from(1s, 4s);
  const auto sent = static_cast<double>(exchange.sent().acknowledged.value());
  EXPECT_GT(sent, 50);
  const SmtpSummary summary = exchange.smtp_summary();
  // The clock of a core is that of its last turn, which a flow that waits to connect again lets pass by.
  EXPECT_GE(exchange.sender().elapsed(), 3s);
  EXPECT_LE(summary.rate(), sent / 3);
  EXPECT_GE(summary.silence(), 2s);
  EXPECT_THAT(summary.text(), HasSubstr("the server stopped answering"));
}

TEST(Exchange, a_counted_run_lasts_until_its_last_reply) {
  Exchange exchange(1, messages(20), {});
  EXPECT_TRUE(exchange.run());
  const Duration elapsed = exchange.sender().elapsed();
  exchange.simulation().run_for(5s);
  EXPECT_EQ(exchange.sender().elapsed(), elapsed);
  EXPECT_EQ(exchange.smtp_summary().silence(), Duration{0});
}

TEST(Exchange, the_summaries_agree) {
  Exchange exchange(1, messages(20), {});
  EXPECT_TRUE(exchange.run());
  EXPECT_THAT(exchange.smtp_summary().text(), HasSubstr("20 messages of 20 begun"));
  EXPECT_THAT(exchange.smtp_summary().json(), HasSubstr(R"("acknowledged": 20)"));
  EXPECT_THAT(exchange.sink_summary().text(), HasSubstr("0 duplicates, 0 bad checksums"));
  EXPECT_THAT(exchange.sink_summary().json(), HasSubstr(R"("received": 20)"));
  SmtpSummary cut = exchange.smtp_summary();
  cut.set_interrupted();
  cut.add_gap("the server's figures");
  EXPECT_THAT(cut.text(), HasSubstr("interrupted by a signal"));
  EXPECT_THAT(cut.text(), HasSubstr("not complete: the server's figures"));
  EXPECT_THAT(cut.json(), HasSubstr(R"("interrupted": true)"));
}

}  // namespace
}  // namespace ringpost::loadgen
