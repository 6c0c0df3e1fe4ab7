// Two cores with a connection between them, in clear or under TLS, for the tests of connections.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "ringpost/crypto/certificate.hpp"
#include "ringpost/net/connection.hpp"
#include "ringpost/shard/listener.hpp"
#include "ringpost/shard/simulation.hpp"

namespace ringpost::net {

using namespace std::chrono_literals;

inline const Endpoint kServer{IpAddress::loopback(), 2525};

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Two cores: a server on the first, a client on the second. The world splits what is sent at seeded points.
class ConnectionTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override {
    const auto listening = simulation_.core(0).backend().listen(kServer, {});
    ASSERT_TRUE(listening);
    listener_ = std::make_unique<shard::Listener>(
        simulation_.core(0), 0, *listening,
        [this](shard::Core& core, io::Handle socket) { core.spawn(serve(core, socket)); });
    listener_->arm();
  }
  void TearDown() override {
    listener_->stop();
    simulation_.core(0).spawn(finish(simulation_.core(0)));
    EXPECT_TRUE(simulation_.run_until([&] { return stopped_; }, 60s));
    EXPECT_EQ(simulation_.core(0).live_tasks() + simulation_.core(1).live_tasks(), 0U);
    EXPECT_EQ(simulation_.core(0).buffers().in_use().count, 0U);
    EXPECT_EQ(simulation_.core(1).buffers().in_use().count, 0U);
  }

  Task<void> finish(shard::Core&) {
    co_await listener_->stopped();
    stopped_ = true;
  }
  Task<void> serve(shard::Core& core, io::Handle socket) {
    Connection connection(core, socket, core.backend().peer_endpoint(socket));
    co_await server_(connection);
    if (closes_ == Closes::both) co_await connection.close();
    listener_->ended();
  }
  Task<void> visit(shard::Core& core) {
    auto connection = co_await connect(core, kServer, std::nullopt, core.now() + 10s);
    EXPECT_TRUE(connection) << connection.error().text;
    if (connection) {
      co_await client_(**connection);
      co_await (*connection)->close();
    }
    visited_ = true;
  }
  // Runs both sides to their end.
  enum class Closes : std::uint8_t { both, server };  // after, or already in, the server's part
  void run(std::function<Task<void>(Connection&)> server, std::function<Task<void>(Connection&)> client,
           Closes closes = Closes::both) {
    server_ = std::move(server);
    client_ = std::move(client);
    closes_ = closes;
    simulation_.core(1).spawn(visit(simulation_.core(1)));
    EXPECT_TRUE(
        simulation_.run_until([&] { return visited_ && simulation_.core(0).live_tasks() == 0; }, 600s));
  }

  shard::Simulation simulation_{GetParam(), 2};
  std::unique_ptr<shard::Listener> listener_;
  std::function<Task<void>(Connection&)> server_;
  std::function<Task<void>(Connection&)> client_;
  Closes closes_ = Closes::both;
  bool visited_ = false;
  bool stopped_ = false;
};

inline Instant soon(Connection& connection, Duration bound = 30s) {
  return connection.core().now() + bound;
}

// A text in which no part is like another.
inline std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  return text;
}

// Reads until `count` bytes are there; consumes them.
inline Task<std::string> read(Connection& connection, std::size_t count) {
  std::string text;
  while (text.size() < count) {
    if (connection.input().empty()) {
      if (auto got = co_await connection.receive(soon(connection)); !got) break;
      continue;
    }
    const auto part = connection.input().first(std::min(connection.input().size(), count - text.size()));
    text += text_of(part);
    connection.consume(part.size());
  }
  co_return text;
}

// The rest of a conversation, which goes to and fro between two cores while its bytes come.
inline Task<void> hop(shard::Simulation& simulation, unsigned core, Handover from, std::size_t count,
                      std::string& heard, bool& over) {
  constexpr std::size_t kStep = 1000;
  Connection connection(simulation.core(core), std::move(from));
  heard += co_await read(connection, std::min(kStep, count - heard.size()));
  if (heard.size() < count) {
    auto parts = co_await connection.hand_over();
    EXPECT_TRUE(parts);
    const unsigned next = 1 - core;
    if (parts) simulation.core(next).spawn(hop(simulation, next, std::move(*parts), count, heard, over));
    co_return;
  }
  EXPECT_TRUE(connection.write("heard all of it"));
  EXPECT_TRUE(co_await connection.flush(soon(connection)));
  co_await connection.close();
  over = true;
}

// Reads to the end of the stream.
inline Task<std::string> read_all(Connection& connection) {
  std::string text;
  for (;;) {
    text += text_of(connection.input());
    connection.consume(connection.input().size());
    if (!co_await connection.receive(soon(connection))) co_return text;
  }
}

inline Task<void> echo(Connection& connection) {
  while (co_await connection.receive(soon(connection))) {
    EXPECT_TRUE(connection.write(connection.input()));
    connection.consume(connection.input().size());
    if (!co_await connection.flush(soon(connection))) co_return;
  }
}

class TlsConnectionTest : public ConnectionTest {
 protected:
  void SetUp() override {
    ConnectionTest::SetUp();
    const auto made =
        crypto::make_self_signed({.common_name = "mx.test", .names = {"mx.test"}, .valid_for = 24h});
    ASSERT_TRUE(made);
    tls::ServerSettings settings;
    settings.main = {.certificate_pem = made->certificate_pem, .key_pem = made->key_pem};
    server_context_ = tls::ServerContext::build(settings, tls::TicketKeys::generate().value()).value();
    client_context_ = tls::ClientContext::build({}).value();
  }
  std::shared_ptr<const tls::ServerContext> server_context_;
  std::unique_ptr<tls::ClientContext> client_context_;
};

}  // namespace ringpost::net
