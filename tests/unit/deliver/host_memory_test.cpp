#include "deliver/host_memory.hpp"

#include <gtest/gtest.h>

#include "ringpost/deliver/limits.hpp"

namespace ringpost::deliver {
namespace {

using namespace std::chrono_literals;

Endpoint host(std::size_t number) {
  return {IpAddress::ipv4(10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                          static_cast<std::uint8_t>(number)),
          25};
}

TEST(HostMemoryTest, remembers_for_a_while_and_forgets) {
  HostMemory memory;
  const Instant now{1h};
  memory.note_dead(host(1), now);
  memory.note_tls_broken(host(2), now);
  EXPECT_TRUE(memory.dead(host(1), now));
  EXPECT_FALSE(memory.tls_broken(host(1), now));
  EXPECT_TRUE(memory.tls_broken(host(2), now));
  EXPECT_FALSE(memory.dead(host(1), now + kDeadHostMemory));
  EXPECT_FALSE(memory.tls_broken(host(2), now + kBrokenTlsMemory));
  memory.note_alive(host(1));
  EXPECT_FALSE(memory.dead(host(1), now));
}

TEST(HostMemoryTest, holds_no_more_hosts_than_its_limit) {
  HostMemory memory;
  const Instant early{1h};
  const Instant late = early + kDeadHostMemory;
  for (std::size_t i = 0; i < kHostsRememberedMax; ++i) memory.note_dead(host(i), i < 10 ? early : late);
  EXPECT_EQ(memory.size(), kHostsRememberedMax);
  memory.note_dead(host(kHostsRememberedMax), late);  // those out of date make room
  EXPECT_EQ(memory.size(), kHostsRememberedMax - 10 + 1);
  EXPECT_TRUE(memory.dead(host(kHostsRememberedMax), late));
  EXPECT_TRUE(memory.dead(host(10), late));
}

}  // namespace
}  // namespace ringpost::deliver
