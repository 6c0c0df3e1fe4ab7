// Several cores share the connections to one destination, and none more than it is allowed is ever open.
#include <gtest/gtest.h>

#include "ringpost/shard/await.hpp"

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

class Cores : public testing::TestWithParam<std::uint64_t> {
 protected:
  Cores() {
    world.zone("example.com MX 10 mx.example.com");
    world.zone("mx.example.com A 192.0.2.1");
    world.settings().retry.warn_after = 0s;
  }
  bool all_empty() { return world.empty(0) && world.empty(1) && world.empty(2); }
  World world{3, GetParam()};
  Peer& peer = world.add_peer("192.0.2.1");
};

TEST_P(Cores, never_open_more_connections_than_the_limit) {
  world.settings().shaping.connection_limit = 2;
  world.settings().shaping.messages_per_connection = 4;
  world.begin();
  for (unsigned i = 0; i < 60; ++i) world.send({.to = {"anna@example.com"}}, i % 3);
  ASSERT_TRUE(world.run_until([&] { return all_empty(); }));
  EXPECT_EQ(peer.mails.size(), 60U);
  EXPECT_EQ(peer.open_max, 2U);
  EXPECT_EQ(world.events("delivered").size(), 60U);
}

TEST_P(Cores, an_idle_connection_makes_way_for_another_core) {
  world.settings().shaping.connection_limit = 1;
  world.settings().deliver.idle_timeout = 5min;
  world.begin();
  world.send({.to = {"anna@example.com"}}, 0);
  ASSERT_TRUE(world.run_until([&] { return world.empty(0); }));
  world.send({.to = {"bert@example.com"}}, 1);
  ASSERT_TRUE(world.run_until([&] { return world.empty(1); }, 10s));
  EXPECT_EQ(peer.open_max, 1U);
}

TEST_P(Cores, a_busy_connection_makes_way_after_its_tenure) {
  world.settings().shaping.connection_limit = 1;
  // The server takes a second for each message, so 100 messages of one core would hold the others up for long.
  peer.delay = 1s;
  world.begin();
  for (int i = 0; i < 100; ++i) world.send({.to = {"anna@example.com"}}, 0);
  world.send({.to = {"bert@example.com"}}, 1);
  world.send({.to = {"carl@example.com"}}, 2);
  ASSERT_TRUE(world.run_until([&] { return world.empty(1) && world.empty(2); }, 40s));
  EXPECT_FALSE(world.empty(0));
  ASSERT_TRUE(world.run_until([&] { return all_empty(); }));
  EXPECT_EQ(peer.open_max, 1U);
}

TEST_P(Cores, slots_come_back_when_everything_is_drained_while_others_wait) {
  world.settings().shaping.connection_limit = 1;
  peer.delay = 10s;
  world.begin();
  for (unsigned i = 0; i < 9; ++i) world.send({.to = {"anna@example.com"}}, i % 3);
  world.run_for(1s);
  world.end();  // checks that no task is left; what was not sent stays in the spool
  EXPECT_EQ(peer.open_max, 1U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Cores, testing::Range<std::uint64_t>(1, 9));

// The book-keeping alone, without connections.
struct Waits final : Leases::Waiter {
  void granted() override { ++grants; }
  int grants = 0;
};

Task<void> acquire(shard::Core& core, Leases& leases, Waits& waits, std::optional<bool>& answer) {
  answer = co_await leases.acquire(core, "example.com", 1, waits);
}
Task<void> release(shard::Core& core, Leases& leases) {
  co_await leases.release(core, "example.com", 1);
}
Task<void> leave(shard::Core& core, Leases& leases, std::optional<bool>& answer) {
  answer = co_await leases.leave(core, "example.com");
}

TEST(LeasesTest, a_slot_goes_to_who_waits_and_one_who_left_gets_none) {
  shard::Simulation simulation(1, 3);
  Leases leases(3);
  Waits waits[3];
  std::optional<bool> answers[3];
  for (unsigned i = 0; i < 3; ++i) {
    simulation.core(i).spawn(acquire(simulation.core(i), leases, waits[i], answers[i]));
    ASSERT_TRUE(simulation.run_until([&] { return answers[i].has_value(); }, 1s));
  }
  EXPECT_TRUE(*answers[0]);
  EXPECT_FALSE(*answers[1]);
  EXPECT_FALSE(*answers[2]);
  std::optional<bool> left;
  simulation.core(1).spawn(leave(simulation.core(1), leases, left));
  ASSERT_TRUE(simulation.run_until([&] { return left.has_value(); }, 1s));
  EXPECT_TRUE(*left);
  simulation.core(0).spawn(release(simulation.core(0), leases));
  ASSERT_TRUE(simulation.run_until([&] { return waits[2].grants == 1; }, 1s));
  EXPECT_EQ(waits[1].grants, 0);
  simulation.core(2).spawn(release(simulation.core(2), leases));
  simulation.run_for(1s);
  EXPECT_EQ(waits[0].grants + waits[1].grants, 0);
}

}  // namespace
}  // namespace ringpost::deliver::test
