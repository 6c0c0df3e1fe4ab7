#include "server/sockets.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

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

TEST(BindSockets, gives_a_listener_to_the_cores_that_it_names) {
  Configuration configuration = listening_on(0);
  configuration.listener["mx"].cores = {2, 0};
  const auto sockets = bind_sockets(configuration, 3);
  ASSERT_TRUE(sockets) << sockets.error().text;
  ASSERT_EQ(sockets->size(), 2U);
  EXPECT_EQ((*sockets)[0].core, 2U);
  EXPECT_EQ((*sockets)[1].core, 0U);
  const auto backend = io::make_backend({.choice = "epoll"}).value();
  for (const BoundSocket& socket : *sockets) backend->files().close(socket.handle);
  const auto too_many = bind_sockets(configuration, 2);
  ASSERT_FALSE(too_many);
  EXPECT_NE(too_many.error().text.find("listener.mx.cores names core 2"), std::string::npos)
      << too_many.error().text;
}

TEST(BindSockets, steers_connections_to_the_cpu_of_each_core) {
  Configuration configuration = listening_on(0);
  configuration.cores.use = std::vector<unsigned>{0};
  configuration.cores.steering = shard::Steering::cpu;
  const auto sockets = bind_sockets(configuration, 1);
  ASSERT_TRUE(sockets) << sockets.error().text;
  int cpu = -1;
  socklen_t size = sizeof(cpu);
  ASSERT_EQ(getsockopt((*sockets)[0].handle.value, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size), 0);
  EXPECT_EQ(cpu, 0);
  io::make_backend({.choice = "epoll"}).value()->files().close((*sockets)[0].handle);
}

TEST(BindSockets, gives_an_http_listener_one_socket_off_the_cores) {
  Configuration configuration = listening_on(0);
  configuration.listener["mx"].protocol = receive::Protocol::http;
  const auto sockets = bind_sockets(configuration, 3);
  ASSERT_TRUE(sockets) << sockets.error().text;
  ASSERT_EQ(sockets->size(), 1U);
  EXPECT_EQ((*sockets)[0].core, kOffCores);
  io::make_backend({.choice = "epoll"}).value()->files().close((*sockets)[0].handle);
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
