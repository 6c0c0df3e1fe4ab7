#include "server/sockets.hpp"

#include <gtest/gtest.h>

namespace ringpost::server {
namespace {

Configuration listening_on(std::uint16_t port) {
  Configuration configuration;
  configuration.listener["mx"].address = {Endpoint{IpAddress::loopback(), port}};
  return configuration;
}

TEST(BindSockets, gives_each_core_a_socket_on_the_same_address) {
  const auto sockets = bind_sockets(listening_on(0), 3);
  ASSERT_TRUE(sockets) << sockets.error().text;
  EXPECT_EQ(sockets->size(), 3U);
  const auto backend = io::make_backend({.choice = "epoll"}).value();
  for (const BoundSocket& socket : *sockets) backend->files().close(socket.handle);
}

TEST(BindSockets, does_not_share_an_address_with_another_server) {
  const auto backend = io::make_backend({.choice = "epoll"}).value();
  const auto other = backend->listen({IpAddress::loopback(), 0}, {});
  ASSERT_TRUE(other);
  const auto sockets = bind_sockets(listening_on(backend->local_endpoint(*other).port), 2);
  ASSERT_FALSE(sockets);
  EXPECT_NE(sockets.error().text.find("listener.mx"), std::string::npos);
  EXPECT_NE(sockets.error().text.find("another program listens there"), std::string::npos)
      << sockets.error().text;
  backend->files().close(*other);
}

}  // namespace
}  // namespace ringpost::server
