// The machine dies in the middle of sending and starts again.
#include <set>

#include <gtest/gtest.h>

#include "world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;

class Crash : public testing::TestWithParam<std::uint64_t> {
 protected:
  Crash() {
    world.zone("example.com MX 10 mx.example.com");
    world.zone("mx.example.com A 192.0.2.1");
    world.routes["reports"] = {.match = {.domain = "origin.test"},
                               .via = "discard"};  // they are not what is looked at
    world.settings().retry.warn_after = 0s;
    world.settings().retry.intervals = std::vector<Duration>{5min};
  }
  static void add_mails(const Peer& peer, std::multiset<std::string>& seen) {
    for (const ReceivedMail& mail : peer.mails)
      for (const std::string& to : mail.to) seen.insert(to);
  }
  World world{1, GetParam()};
};

TEST_P(Crash, loses_no_mail_and_repeats_only_what_it_did_not_record) {
  Peer* peer = &world.add_peer("192.0.2.1");
  peer->delay = 200ms;
  world.settings().shaping.connection_limit = 4;
  world.begin();
  for (int i = 0; i < 40; ++i) world.send({.to = {"u" + std::to_string(i) + "@example.com"}});
  world.run_for(Duration(1s) + std::chrono::milliseconds(GetParam() * 37));
  std::multiset<std::string> seen;
  add_mails(*peer, seen);
  ASSERT_LT(seen.size(), 40U);
  world.power_cut();
  peer = &world.add_peer("192.0.2.1");
  world.begin();
  ASSERT_TRUE(world.run_until([&] { return world.empty(); })) << world.log();
  add_mails(*peer, seen);
  std::set<std::string> different(seen.begin(), seen.end());
  EXPECT_EQ(different.size(), 40U);
  // Four were under way, and the records of the last few rode in a frame that was not written.
  EXPECT_LE(seen.size(), 40U + 8U);
}

TEST_P(Crash, leaves_attempts_times_and_warnings_as_they_were) {
  Peer* peer = &world.add_peer("192.0.2.1");
  peer->judge = [](const ReceivedMail&, std::size_t) {
    return std::optional<std::string>("450 4.2.1 later");
  };
  world.settings().retry.intervals = std::vector<Duration>{2h};
  world.settings().retry.warn_after = 1h;
  world.settings().retry.expire_after = 24h;
  world.begin();
  const MessageId id = world.send({.to = {"anna@example.com"}});
  world.run_for(90min);
  EXPECT_EQ(world.figure("deliver_reports"), 1U);
  const auto before = world.outcomes(id);
  ASSERT_EQ(before.size(), 1U);
  world.power_cut();
  peer = &world.add_peer("192.0.2.1");
  world.begin();
  const auto after = world.outcomes(id);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].attempts, 1);
  EXPECT_TRUE(after[0].warned);
  EXPECT_EQ(after[0].next_attempt, before[0].next_attempt);
  world.run_for(10min);
  EXPECT_EQ(peer->connections, 0U);
  EXPECT_EQ(world.figure("deliver_reports"), 0U);
  ASSERT_TRUE(world.run_until([&] { return !world.spool().contains(id); }, 3h));
  EXPECT_EQ(peer->mails.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Crash, testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace ringpost::deliver::test
