// Mail that the filter has put aside, over time, restarts and orders.
#include <gtest/gtest.h>

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

class QuarantineOfService : public testing::Test {
 protected:
  QuarantineOfService() {
    world.local_domains.clear();
    world.zone("one.test MX 10 mx.one.test");
    world.zone("mx.one.test A 192.0.2.1");
    world.zone("origin.test MX 10 mx.home.test");
    world.zone("mx.home.test A 192.0.2.9");
    world.settings().retry.expire_after = 24h;
    world.settings().retry.warn_after = 4h;
    world.settings().quarantine_expire_after = 48h;
  }
  MessageId put_aside() { return world.send({.to = {"anna@one.test"}, .flags = mail::kQuarantined}); }

  World world;
};

TEST_F(QuarantineOfService, is_in_no_queue_and_nobody_is_told_of_a_delay) {
  Peer& peer = world.add_peer("192.0.2.1");
  Peer& home = world.add_peer("192.0.2.9");
  world.begin();
  const MessageId id = put_aside();
  world.run_for(30h);
  EXPECT_EQ(world.service().quarantined(), 1U);
  EXPECT_EQ(world.ask(world.service().summary()).messages, 0U);
  EXPECT_TRUE(peer.mails.empty());
  EXPECT_TRUE(home.mails.empty());
  const auto listed = world.ask(world.service().list_quarantine({}, 10));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].id, id);
  EXPECT_EQ(listed[0].expiry - listed[0].arrival, 48h);
  EXPECT_TRUE(listed[0].header.ends_with("Subject: hello\r\n"));
}

TEST_F(QuarantineOfService, ends_after_its_time_without_a_report) {
  Peer& home = world.add_peer("192.0.2.9");
  world.begin();
  put_aside();
  world.run_for(47h);
  const MessageId younger = put_aside();
  ASSERT_TRUE(world.run_until([&] { return world.service().quarantined() == 1; }, 2h));
  EXPECT_EQ(world.events("cancelled").size(), 1U);
  EXPECT_TRUE(world.spool().contains(younger));
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 72h));
  EXPECT_TRUE(home.mails.empty());
}

TEST_F(QuarantineOfService, delivers_what_is_released_long_after_its_arrival) {
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  const MessageId id = put_aside();
  world.run_for(40h);  // longer than the queue would keep it
  EXPECT_EQ(world.ask(world.service().release_quarantined(id)), 1U);
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 1; }, 1min));
  EXPECT_EQ(world.service().quarantined(), 0U);
  EXPECT_EQ(world.ask(world.service().release_quarantined(id)), 0U);
  ASSERT_TRUE(world.run_until([&] { return world.empty(); }, 1min));
}

TEST_F(QuarantineOfService, keeps_its_state_and_its_releases_over_a_power_cut) {
  world.begin();
  const MessageId released = put_aside();
  const MessageId kept = put_aside();
  EXPECT_EQ(world.ask(world.service().release_quarantined(released)), 1U);
  world.power_cut();
  Peer& peer = world.add_peer("192.0.2.1");
  world.begin();
  ASSERT_TRUE(world.run_until([&] { return peer.mails.size() == 1; }, 1h));
  EXPECT_EQ(world.service().quarantined(), 1U);
  EXPECT_TRUE(world.run_until([&] { return !world.spool().contains(released); }, 1min));
  EXPECT_EQ(peer.mails.size(), 1U);
  EXPECT_TRUE(world.spool().contains(kept));
}

TEST_F(QuarantineOfService, deletes_one_or_all) {
  world.begin();
  const MessageId first = put_aside();
  put_aside();
  put_aside();
  EXPECT_EQ(world.ask(world.service().delete_quarantined(first)), 1U);
  EXPECT_EQ(world.service().quarantined(), 2U);
  EXPECT_EQ(world.ask(world.service().delete_quarantined(MessageId{77})), 0U);
  EXPECT_EQ(world.ask(world.service().delete_quarantined(MessageId{})), 2U);
  EXPECT_TRUE(world.empty());
}

TEST_F(QuarantineOfService, gives_pages) {
  world.begin();
  std::vector<MessageId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(put_aside());
  EXPECT_EQ(world.ask(world.service().list_quarantine({}, 2)).size(), 2U);
  const auto rest = world.ask(world.service().list_quarantine(ids[1], 10));
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_EQ(rest[0].id, ids[2]);
}

}  // namespace
}  // namespace ringpost::deliver::test
