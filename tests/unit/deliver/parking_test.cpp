// Messages that are not needed soon leave memory, and come back when they are.
#include <gtest/gtest.h>

#include "ringpost/deliver/limits.hpp"

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

class Parking : public ::testing::Test {
 protected:
  Parking() {
    world.local_domains.clear();
    world.zone("one.test MX 10 mx.one.test");
    world.zone("mx.one.test A 192.0.2.1");
    world.zone("two.test MX 10 mx.two.test");
    world.zone("mx.two.test A 192.0.2.2");
    world.settings().retry.warn_after = 0s;
    world.settings().retry.intervals = std::vector<Duration>{30min};
  }
  static std::optional<std::string> put_off(const std::string& line, unsigned) {
    return line.starts_with("RCPT") ? std::optional<std::string>("450 4.2.1 later") : std::nullopt;
  }
  // A receiver that puts off everybody until it is told otherwise.
  Peer& putting_off() {
    Peer& peer = world.add_peer("192.0.2.1");
    peer.answer = put_off;
    return peer;
  }
  std::uint64_t parked() { return world.figure("deliver_messages_parked"); }
  std::uint64_t in_state(JobState state) {
    return world.ask(world.service().summary()).recipients[static_cast<std::size_t>(state)];
  }
  World world;
};

TEST_F(Parking, a_deferred_message_is_parked_and_tried_again_in_time) {
  Peer& peer = putting_off();
  world.begin();
  const MessageId id = world.send({.to = {"anna@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 1; }, 5min));
  EXPECT_EQ(in_state(JobState::deferred), 1U);
  EXPECT_EQ(world.figure("deliver_recipients_deferred"), 1U);
  EXPECT_EQ(world.figure("deliver_messages"), 1U);
  const auto shown = world.ask(world.service().show(id));
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].recipients[0].destination, "one.test");
  EXPECT_EQ(shown[0].recipients[0].state, JobState::deferred);
  EXPECT_EQ(shown[0].recipients[0].attempts, 1U);
  EXPECT_NE(shown[0].recipients[0].reason.find("4.2.1"), std::string::npos);
  peer.answer = {};
  const WallTime due = shown[0].recipients[0].next_attempt;
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_GE(world.core().wall_now(), due);
  EXPECT_LT(world.core().wall_now() - due, 1min);
  EXPECT_EQ(peer.mails.size(), 1U);
  EXPECT_EQ(parked(), 0U);
  EXPECT_EQ(world.figure("deliver_messages"), 0U);
  EXPECT_EQ(world.figure("deliver_recipients_deferred"), 0U);
}

TEST_F(Parking, a_parked_message_expires_and_its_sender_is_told) {
  world.settings().retry.intervals = std::vector<Duration>{24h};
  world.settings().retry.expire_after = 2h;
  world.zone("origin.test MX 10 mx.home.test");
  world.zone("mx.home.test A 192.0.2.9");
  putting_off();
  Peer& home = world.add_peer("192.0.2.9");
  world.begin();
  world.send({.to = {"anna@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 1; }, 5min));
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 3h));
  EXPECT_EQ(home.mails.size(), 1U);
  EXPECT_EQ(world.events("expired").size(), 1U);
}

TEST_F(Parking, orders_reach_what_is_parked) {
  Peer& peer = putting_off();
  world.begin();
  const MessageId first = world.send({.to = {"anna@one.test"}});
  world.send({.to = {"bert@one.test"}});
  world.send({.to = {"carl@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 3; }, 5min));
  EXPECT_EQ(world.ask(world.service().count({})), 3U);
  EXPECT_EQ(world.ask(world.service().count({.recipient = "bert@one.test"})), 1U);
  EXPECT_EQ(world.ask(world.service().list({}, 2, {})).size(), 2U);
  EXPECT_EQ(world.ask(world.service().list(first, 10, {})).size(), 2U);
  EXPECT_EQ(world.ask(world.service().cancel({.recipient = "bert@one.test"})), 1U);
  EXPECT_EQ(parked(), 2U);
  EXPECT_EQ(world.ask(world.service().hold({.id = first})), 1U);
  EXPECT_EQ(parked(), 2U);
  EXPECT_EQ(in_state(JobState::held), 1U);
  EXPECT_EQ(in_state(JobState::deferred), 1U);
  EXPECT_EQ(world.figure("deliver_recipients_held"), 1U);
  peer.answer = {};
  EXPECT_EQ(world.ask(world.service().flush({})), 1U);
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 1; }, 5min));
  EXPECT_EQ(world.ask(world.service().release({})), 1U);
  EXPECT_EQ(in_state(JobState::held), 0U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 1h));  // at its time
}

TEST_F(Parking, a_long_line_is_kept_in_the_spool_and_sent_in_its_order) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  world.service().suspend("one.test");
  constexpr std::size_t kCount = kReadyInMemory + 1500;
  for (std::size_t i = 0; i < kCount; ++i) world.send({.to = {"r" + std::to_string(i) + "@one.test"}});
  EXPECT_EQ(parked(), 1500U);
  EXPECT_EQ(in_state(JobState::suspended), kCount);
  EXPECT_EQ(world.ask(world.service().summary()).messages, kCount);
  EXPECT_EQ(world.figure("deliver_recipients_ready"), kCount);
  world.service().resume("one.test");
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(peer.mails.size(), kCount);
  EXPECT_EQ(parked(), 0U);
  EXPECT_EQ(world.figure("deliver_recipients_ready"), 0U);
}

TEST_F(Parking, those_that_are_due_behind_a_line_join_it_unread) {
  Peer& peer = putting_off();
  world.begin();
  const auto send = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) world.send({.to = {"r" + std::to_string(i) + "@one.test"}});
  };
  send(50);
  ASSERT_TRUE(world.run_until([&] { return parked() == 50; }, 5min));
  world.service().suspend("one.test");
  send(kReadyInMemory + 10);
  ASSERT_EQ(parked(), 60U);
  ASSERT_TRUE(world.run_until([&] { return world.figure("deliver_recipients_deferred") == 0; }, 2h));
  EXPECT_EQ(parked(), 60U);
  EXPECT_EQ(world.figure("deliver_recipients_ready"), kReadyInMemory + 60);
  EXPECT_EQ(in_state(JobState::suspended), kReadyInMemory + 60);
  peer.answer = {};
  world.service().resume("one.test");
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(peer.mails.size(), kReadyInMemory + 60);
}

TEST_F(Parking, a_message_to_several_destinations_is_parked_with_all_of_them) {
  Peer& one = putting_off();
  Peer& two = world.add_peer("192.0.2.2");
  two.answer = put_off;
  world.begin();
  const MessageId id = world.send({.to = {"anna@one.test", "bert@two.test", "carl@two.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 1; }, 5min));
  EXPECT_EQ(in_state(JobState::deferred), 3U);
  EXPECT_EQ(world.figure("deliver_recipients_deferred"), 3U);
  const auto summary = world.ask(world.service().summary());
  ASSERT_EQ(summary.destinations.size(), 2U);
  EXPECT_EQ(summary.messages, 1U);
  EXPECT_EQ(summary.destinations[0].recipients[static_cast<std::size_t>(JobState::deferred)], 1U);
  EXPECT_EQ(summary.destinations[1].recipients[static_cast<std::size_t>(JobState::deferred)], 2U);
  const auto shown = world.ask(world.service().show(id));
  EXPECT_EQ(shown.at(0).recipients[0].destination, "one.test");
  EXPECT_EQ(shown.at(0).recipients[2].destination, "two.test");
  EXPECT_EQ(world.ask(world.service().count({.domain = "two.test"})), 2U);
  // An order about one part concerns that part, and both go on.
  EXPECT_EQ(world.ask(world.service().hold({.domain = "two.test"})), 2U);
  EXPECT_EQ(parked(), 1U);
  EXPECT_EQ(in_state(JobState::held), 2U);
  EXPECT_EQ(in_state(JobState::deferred), 1U);
  one.answer = {};
  two.answer = {};
  ASSERT_TRUE(world.run_until([&] { return one.mails.size() == 1; }, 2h));
  EXPECT_EQ(two.mails.size(), 0U);
  EXPECT_EQ(world.ask(world.service().release({.domain = "two.test"})), 2U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(one.mails.size(), 1U);
  EXPECT_EQ(two.mails.size(), 1U);
  EXPECT_EQ(two.mails[0].to.size(), 2U);
  EXPECT_EQ(parked(), 0U);
  for (const char* figure : {"deliver_recipients_held", "deliver_recipients_deferred",
                             "deliver_recipients_ready", "deliver_messages"})
    EXPECT_EQ(world.figure(figure), 0U) << figure;
}

TEST_F(Parking, a_message_stands_in_the_lines_of_several_destinations) {
  Peer& one = world.add_peer("192.0.2.1");
  Peer& two = world.add_peer("192.0.2.2");
  world.begin();
  world.service().suspend("one.test");
  world.service().suspend("two.test");
  constexpr std::size_t kCount = kReadyInMemory + 300;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string name = "r" + std::to_string(i);
    world.send({.to = {name + "@one.test", name + "@two.test"}});
  }
  EXPECT_GE(parked(), 299U);
  EXPECT_EQ(in_state(JobState::suspended), 2 * kCount);
  EXPECT_EQ(world.figure("deliver_recipients_ready"), 2 * kCount);
  world.service().resume("one.test");
  ASSERT_TRUE(world.run_until([&] { return one.mails.size() == kCount; }, 2h));
  EXPECT_EQ(two.mails.size(), 0U);
  EXPECT_EQ(in_state(JobState::suspended), kCount);
  world.service().resume("two.test");
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(one.mails.size(), kCount);
  EXPECT_EQ(two.mails.size(), kCount);
  EXPECT_EQ(world.figure("deliver_recipients_ready"), 0U);
}

// ---- held and released where they are

TEST_F(Parking, a_hold_and_its_end_leave_what_is_parked_unread) {
  Peer& peer = putting_off();
  world.begin();
  for (std::size_t i = 0; i < 30; ++i) world.send({.to = {"r" + std::to_string(i) + "@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 30; }, 5min));
  world.run_for(2s);
  const std::uint64_t reads = world.figure("journal_cold_reads");
  EXPECT_EQ(world.ask(world.service().hold({})), 30U);
  EXPECT_EQ(in_state(JobState::held), 30U);
  EXPECT_EQ(world.figure("deliver_recipients_held"), 30U);
  EXPECT_EQ(world.figure("deliver_recipients_deferred"), 0U);
  EXPECT_EQ(world.ask(world.service().list({}, 100, {.state = JobState::held})).size(), 30U);
  const std::uint64_t listed = world.figure("journal_cold_reads");
  EXPECT_EQ(world.ask(world.service().release({})), 30U);
  EXPECT_EQ(world.figure("journal_cold_reads"), listed);
  EXPECT_LE(listed, reads + 31);  // the listing's
  EXPECT_EQ(in_state(JobState::deferred), 30U);
  EXPECT_EQ(world.figure("deliver_recipients_deferred"), 30U);
  // As if nothing had been: each at its time.
  peer.answer = {};
  world.run_for(5min);
  EXPECT_EQ(peer.mails.size(), 0U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(peer.mails.size(), 30U);
}

// The date of a warning comes first, and the table has room for one of the two.
TEST_F(Parking, a_release_brings_nobody_forward_whose_next_attempt_is_behind_a_date) {
  world.settings().retry.intervals = std::vector<Duration>{6h};
  world.settings().retry.warn_after = 4h;
  Peer& peer = putting_off();
  world.begin();
  for (std::size_t i = 0; i < 20; ++i) world.send({.to = {"r" + std::to_string(i) + "@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 20; }, 5min));
  world.run_for(2s);
  const std::uint64_t reads = world.figure("journal_cold_reads");
  EXPECT_EQ(world.ask(world.service().hold({})), 20U);
  EXPECT_EQ(world.ask(world.service().release({})), 20U);
  peer.answer = {};
  world.run_for(30min);
  EXPECT_EQ(world.figure("journal_cold_reads"), reads);
  EXPECT_EQ(parked(), 20U);
  EXPECT_EQ(peer.mails.size(), 0U);
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 20; }, 7h));
}

TEST_F(Parking, those_whose_time_came_while_they_were_held_rest_unread_and_go_with_the_release) {
  Peer& peer = putting_off();
  world.begin();
  for (std::size_t i = 0; i < 10; ++i) world.send({.to = {"r" + std::to_string(i) + "@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 10; }, 5min));
  EXPECT_EQ(world.ask(world.service().hold({.domain = "one.test"})), 10U);
  peer.answer = {};
  const std::uint64_t reads = world.figure("journal_cold_reads");
  world.run_for(3h);
  EXPECT_EQ(world.figure("journal_cold_reads"), reads);
  EXPECT_EQ(parked(), 10U);
  EXPECT_EQ(in_state(JobState::held), 10U);
  EXPECT_EQ(world.ask(world.service().release({.domain = "one.test"})), 10U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2min));
  EXPECT_EQ(peer.mails.size(), 10U);
}

TEST_F(Parking, a_line_that_is_held_goes_nowhere_until_it_is_released) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  world.service().suspend("one.test");
  constexpr std::size_t kCount = kReadyInMemory + 200;
  for (std::size_t i = 0; i < kCount; ++i) world.send({.to = {"r" + std::to_string(i) + "@one.test"}});
  ASSERT_EQ(parked(), 200U);
  EXPECT_EQ(world.ask(world.service().hold({.domain = "one.test"})), kCount);
  EXPECT_EQ(in_state(JobState::held), kCount);
  EXPECT_EQ(world.figure("deliver_recipients_ready"), 0U);
  world.service().resume("one.test");
  world.run_for(1h);
  EXPECT_EQ(peer.mails.size(), 0U);
  EXPECT_EQ(world.ask(world.service().release({})), kCount);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
  EXPECT_EQ(peer.mails.size(), kCount);
  EXPECT_EQ(world.figure("deliver_recipients_held"), 0U);
}

TEST_F(Parking, a_hold_by_sender_asks_the_envelopes) {
  Peer& peer = putting_off();
  world.begin();
  world.send({.from = "news@origin.test", .to = {"anna@one.test"}});
  world.send({.from = "other@origin.test", .to = {"bert@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 2; }, 5min));
  EXPECT_EQ(world.ask(world.service().hold({.sender = "news@origin.test"})), 1U);
  EXPECT_EQ(in_state(JobState::held), 1U);
  EXPECT_EQ(world.ask(world.service().hold({.domain = "one.test"})), 2U);
  EXPECT_EQ(in_state(JobState::held), 2U);
  EXPECT_EQ(world.ask(world.service().release({.sender = "other@origin.test"})), 1U);
  EXPECT_EQ(in_state(JobState::held), 1U);
  peer.answer = {};
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 1; }, 2h));
  world.run_for(2h);
  EXPECT_EQ(peer.mails.size(), 1U);
  EXPECT_EQ(world.ask(world.service().release({})), 1U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2h));
}

TEST_F(Parking, a_hold_means_nobody_who_comes_in_the_second_after_it) {
  putting_off();
  world.begin();
  world.send({.to = {"early@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return world.figure("deliver_recipients_deferred") == 1; }, 5min));
  while (world.core().wall_now().nanoseconds % 1'000'000'000 > 500'000'000) world.run_for(50ms);
  const WallTime now = world.core().wall_now();
  world.run_for(50ms);
  world.send({.to = {"late@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 2; }, 5min));
  // Given to this core a little later than to others, it means the same moment.
  EXPECT_EQ(world.ask(world.service().hold({.arrived_until = now})), 1U);
  EXPECT_EQ(in_state(JobState::held), 1U);
  EXPECT_EQ(in_state(JobState::deferred), 1U);
}

TEST_F(Parking, a_hold_that_a_restart_finds_parks_them_held) {
  putting_off();
  world.begin();
  for (int i = 0; i < 5; ++i) world.send({.to = {"anna@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 5; }, 5min));
  EXPECT_EQ(world.ask(world.service().hold({})), 5U);
  const Directives kept = world.service().directives();
  world.run_for(10s);
  world.power_cut();
  Peer& peer = world.add_peer("192.0.2.1");
  world.directives = kept;
  world.begin();
  ASSERT_TRUE(world.run_until([&] { return parked() == 5; }, 5min));
  EXPECT_EQ(in_state(JobState::held), 5U);
  world.run_for(3h);
  EXPECT_EQ(peer.mails.size(), 0U);
  EXPECT_EQ(world.ask(world.service().release({})), 5U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 2min));
  EXPECT_EQ(peer.mails.size(), 5U);
}

TEST_F(Parking, what_was_parked_is_there_after_a_power_cut) {
  putting_off();
  world.begin();
  for (int i = 0; i < 20; ++i) world.send({.to = {"anna@one.test"}});
  ASSERT_TRUE(world.run_until([&] { return parked() == 20; }, 5min));
  world.run_for(10s);
  world.power_cut();
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 3h));
  EXPECT_EQ(peer.mails.size(), 20U);
}

}  // namespace
}  // namespace ringpost::deliver::test
