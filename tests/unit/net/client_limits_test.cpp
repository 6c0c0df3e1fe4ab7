#include "ringpost/net/client_limits.hpp"

#include <gtest/gtest.h>

namespace ringpost::net {
namespace {

const IpAddress kAnn = IpAddress::ipv4(192, 0, 2, 1);
const IpAddress kBob = IpAddress::ipv4(192, 0, 2, 2);

TEST(ClientTable, one_connection_too_many_is_refused_until_another_ends) {
  ClientTable table;
  const ClientRules rules{.connections_max = 2, .connection_rate = {}, .message_rate = {}};
  const Instant now{1s};
  EXPECT_EQ(table.connect(kAnn, rules, now), Admission::admitted);
  EXPECT_EQ(table.connect(kAnn, rules, now), Admission::admitted);
  EXPECT_EQ(table.connect(kAnn, rules, now), Admission::too_many);
  EXPECT_EQ(table.connect(kBob, rules, now), Admission::admitted) << "another address has its own";
  table.disconnect(kAnn);
  EXPECT_EQ(table.connect(kAnn, rules, now), Admission::admitted);
}

TEST(ClientTable, a_rate_refills) {
  ClientTable table;
  const ClientRules rules{
      .connections_max = 100, .connection_rate = Rate{.count = 2, .per = 10s}, .message_rate = {}};
  EXPECT_EQ(table.connect(kAnn, rules, Instant{1s}), Admission::admitted);
  EXPECT_EQ(table.connect(kAnn, rules, Instant{1s}), Admission::admitted);
  EXPECT_EQ(table.connect(kAnn, rules, Instant{1s}), Admission::too_fast);
  EXPECT_EQ(table.connect(kAnn, rules, Instant{6s}), Admission::admitted);
  EXPECT_EQ(table.connect(kAnn, rules, Instant{6s}), Admission::too_fast);
}

}  // namespace
}  // namespace ringpost::net
