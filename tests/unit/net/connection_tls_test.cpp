#include "connection_fixture.hpp"

namespace ringpost::net {
namespace {

TEST_P(TlsConnectionTest, carries_megabytes_both_ways_inside_tls) {
  const std::string text = numbers(1'000'000);
  std::string there;
  std::string back;
  run(
      [&](Connection& connection) -> Task<void> {
        {
          const auto r = co_await connection.accept_tls(server_context_, soon(connection));
          EXPECT_TRUE(r) << r.error().text;
        }
        EXPECT_TRUE(connection.secure());
        there = co_await read(connection, text.size());
        const std::array<std::span<const std::byte>, 1> body{std::as_bytes(std::span(there))};
        EXPECT_TRUE(connection.write("back: "));
        EXPECT_TRUE(co_await connection.flush(soon(connection), body));
      },
      [&](Connection& connection) -> Task<void> {
        const auto shaken =
            co_await connection.connect_tls(*client_context_, {.server_name = "mx.test"}, soon(connection));
        EXPECT_TRUE(shaken) << shaken.error().text;
        const std::array<std::span<const std::byte>, 1> body{std::as_bytes(std::span(text))};
        EXPECT_TRUE(co_await connection.flush(soon(connection), body));
        back = co_await read_all(connection);
      });
  EXPECT_TRUE(there == text);
  EXPECT_TRUE(back == "back: " + text);
}

TEST_P(TlsConnectionTest, goes_on_inside_tls_on_another_core) {
  const std::string text = numbers(300'000);
  std::string first, rest, answer;
  bool over = false;
  run(
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(co_await connection.accept_tls(server_context_, soon(connection)));
        first = co_await read(connection, 6);
        auto parts = co_await connection.hand_over();
        EXPECT_TRUE(parts && parts->tls);
        if (parts) simulation_.core(1).spawn(hop(simulation_, 1, std::move(*parts), text.size(), rest, over));
      },
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(
            co_await connection.connect_tls(*client_context_, {.server_name = "mx.test"}, soon(connection)));
        const std::array<std::span<const std::byte>, 1> more{std::as_bytes(std::span(text))};
        EXPECT_TRUE(connection.write("login\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection), more));
        answer = co_await read_all(connection);
      },
      Closes::server);
  EXPECT_TRUE(simulation_.run_until([&] { return over; }, 60s));
  EXPECT_EQ(first, "login\n");
  EXPECT_TRUE(rest == text);
  EXPECT_EQ(answer, "heard all of it");
}

TEST_P(TlsConnectionTest, a_first_flight_that_came_early_is_not_lost) {
  bool shaken = false;
  run(
      [&](Connection& connection) -> Task<void> {
        co_await shard::Sleep(connection.core(), 5s);
        EXPECT_FALSE(connection.input().empty());
        shaken = (co_await connection.accept_tls(server_context_, soon(connection))).has_value();
      },
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(
            co_await connection.connect_tls(*client_context_, {.server_name = "mx.test"}, soon(connection)));
        (void)co_await read_all(connection);
      });
  EXPECT_TRUE(shaken);
}

TEST_P(TlsConnectionTest, a_client_may_start_tls_in_the_turn_that_brought_the_invitation) {
  std::string received;
  run(
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(connection.write("220 go\r\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        connection.discard_input();
        EXPECT_TRUE(co_await connection.accept_tls(server_context_, soon(connection)));
        received = co_await read(connection, 5);
      },
      [&](Connection& connection) -> Task<void> {
        EXPECT_EQ(co_await read(connection, 8), "220 go\r\n");
        connection.discard_input();
        EXPECT_TRUE(
            co_await connection.connect_tls(*client_context_, {.server_name = "mx.test"}, soon(connection)));
        EXPECT_TRUE(connection.write("hello"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        (void)co_await read_all(connection);
      });
  EXPECT_EQ(received, "hello");
}

TEST_P(TlsConnectionTest, garbage_instead_of_a_handshake_is_an_error_and_nothing_hangs) {
  bool refused = false;
  run(
      [&](Connection& connection) -> Task<void> {
        refused = !co_await connection.accept_tls(server_context_, soon(connection));
      },
      [](Connection& connection) -> Task<void> {
        EXPECT_TRUE(connection.write("EHLO this is no handshake\r\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        (void)co_await read_all(connection);
      });
  EXPECT_TRUE(refused);
}

TEST_P(TlsConnectionTest, a_peer_that_leaves_during_the_handshake_is_an_error) {
  bool refused = false;
  run(
      [&](Connection& connection) -> Task<void> {
        refused = !co_await connection.accept_tls(server_context_, soon(connection));
      },
      [](Connection&) -> Task<void> { co_return; });
  EXPECT_TRUE(refused);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TlsConnectionTest, testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace ringpost::net
