#include <gtest/gtest.h>

#include "ringpost/net/connection.hpp"
#include "ringpost/shard/simulation.hpp"

namespace ringpost::net {
namespace {

using namespace std::chrono_literals;

// A server that takes no connection: one fills its line, the next is not answered.
class DialTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr Endpoint kSilent{IpAddress::loopback(), 2526};
  void SetUp() override { ASSERT_TRUE(simulation_.core(0).backend().listen(kSilent, {.backlog = 0})); }
  Task<void> call(shard::Core& core, Dial* dial, std::optional<Error>& error, bool& done) {
    auto connection = co_await connect(core, kSilent, std::nullopt, core.now() + 1h, dial);
    if (connection)
      co_await (*connection)->close();
    else
      error = connection.error();
    done = true;
  }
  shard::Simulation simulation_{GetParam(), 2};
};

TEST_P(DialTest, ends_a_connect_that_nobody_answers) {
  shard::Core& core = simulation_.core(1);
  std::optional<Error> none, error;
  bool first = false, second = false;
  Dial dial;
  core.spawn(call(core, nullptr, none, first));
  EXPECT_TRUE(simulation_.run_until([&] { return first; }, 60s));
  core.spawn(call(core, &dial, error, second));
  simulation_.run_for(100ms);
  ASSERT_FALSE(second);
  dial.abort();
  simulation_.run_for(10ms);
  ASSERT_TRUE(second);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::cancelled);
  EXPECT_EQ(core.live_tasks(), 0U);
}

TEST_P(DialTest, that_is_aborted_begins_no_other) {
  shard::Core& core = simulation_.core(1);
  std::optional<Error> error;
  bool done = false;
  Dial dial;
  dial.abort();
  core.spawn(call(core, &dial, error, done));
  simulation_.run_for(1ms);
  ASSERT_TRUE(done && error);
  EXPECT_EQ(error->kind, ErrorKind::cancelled);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DialTest, testing::Range<std::uint64_t>(1, 4));

}  // namespace
}  // namespace ringpost::net
