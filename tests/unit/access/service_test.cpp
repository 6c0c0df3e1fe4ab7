// Connections that move between cores, and cores that end.
#include "ringpost/access/service.hpp"

#include <gtest/gtest.h>

#include "unit/accounts/world.hpp"

namespace ringpost::access {
namespace {

using ServiceTest = accounts::AccountsTest;

TEST_F(ServiceTest, a_core_that_shuts_down_takes_nobody_and_waits_for_who_is_on_the_way) {
  auto accounts = open();
  Places places(1);
  net::ClientLimits clients(1);
  Service service(core(), {.store = nullptr,
                           .accounts = accounts.get(),
                           .places = &places,
                           .clients = &clients,
                           .snapshot = std::make_shared<const Snapshot>()});
  ASSERT_TRUE(service.expect());
  service.drain();
  EXPECT_FALSE(service.expect());
  bool stopped = false;
  core().spawn([](Service& ending, bool& done) -> Task<void> {
    co_await ending.stopped();
    done = true;
  }(service, stopped));
  machine().turns(10);
  EXPECT_FALSE(stopped) << "one is on the way";
  service.call_off();
  EXPECT_TRUE(machine().turn_until([&] { return stopped; }));
}

}  // namespace
}  // namespace ringpost::access
