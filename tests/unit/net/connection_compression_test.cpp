#include "connection_fixture.hpp"

namespace ringpost::net {
namespace {

class CompressedConnectionTest : public ConnectionTest {};
class CompressedTlsConnectionTest : public TlsConnectionTest {};

// The client compresses at once, the server when it has been asked: what came behind the question is compressed already.
Task<void> compressed_echo(Connection& connection) {
  const std::string asked = co_await read(connection, 9);
  EXPECT_EQ(asked, "COMPRESS\n");
  EXPECT_TRUE(connection.write("OK\n"));
  EXPECT_TRUE(co_await connection.flush(soon(connection)));
  connection.start_compression();
  if (connection.input().empty() && !co_await connection.receive(soon(connection))) co_return;
  do {
    EXPECT_TRUE(connection.write(connection.input()));
    connection.consume(connection.input().size());
    connection.rest();  // each answer stands for itself
    if (!co_await connection.flush(soon(connection))) co_return;
  } while (co_await connection.receive(soon(connection)));
}

Task<std::string> ask_compressed(Connection& connection, std::string_view text) {
  EXPECT_TRUE(connection.write("COMPRESS\n"));
  EXPECT_TRUE(co_await connection.flush(soon(connection)));
  EXPECT_EQ(co_await read(connection, 3), "OK\n");
  connection.start_compression();
  const std::uint64_t before = connection.bytes_sent();
  const std::array<std::span<const std::byte>, 2> pieces{std::as_bytes(std::span(text.substr(0, 7))),
                                                         std::as_bytes(std::span(text.substr(7)))};
  EXPECT_TRUE(co_await connection.flush(soon(connection), pieces));
  if (text.size() > 1000) EXPECT_LT(connection.bytes_sent() - before, text.size() * 2 / 3);
  co_return co_await read(connection, text.size());
}

TEST_P(CompressedConnectionTest, carries_the_same_bytes_both_ways) {
  const std::string text = "hello, " + numbers(200'000);
  std::string answer;
  run(&compressed_echo,
      [&](Connection& connection) -> Task<void> { answer = co_await ask_compressed(connection, text); });
  EXPECT_EQ(answer, text);
}

// Megabytes of one byte are some kilobytes on the wire: they are inflated as they are looked at.
TEST_P(CompressedConnectionTest, a_small_input_that_stands_for_a_large_one_waits) {
  const std::string text(8'000'000, 'x');
  std::size_t received = 0;
  std::size_t held = 0;
  run(
      [&](Connection& connection) -> Task<void> {
        connection.start_compression();
        while (received < text.size()) {
          held = std::max(held, connection.core().buffers().in_use().count);
          if (connection.input().empty()) {
            if (!co_await connection.receive(soon(connection))) co_return;
            continue;
          }
          const std::size_t some = std::min<std::size_t>(connection.input().size(), 10'000);
          received += some;
          connection.consume(some);
        }
      },
      [&](Connection& connection) -> Task<void> {
        connection.start_compression();
        const std::array<std::span<const std::byte>, 1> all{std::as_bytes(std::span(text))};
        EXPECT_TRUE(co_await connection.flush(soon(connection), all));
        (void)co_await read_all(connection);
      });
  EXPECT_EQ(received, text.size());
  EXPECT_LE(held, 512U * 1024U);
}

TEST_P(CompressedConnectionTest, what_is_no_deflate_is_an_error) {
  std::optional<Error> error;
  run(
      [&](Connection& connection) -> Task<void> {
        connection.start_compression();
        const auto got = co_await connection.receive(soon(connection));
        if (!got) error = got.error();
      },
      [](Connection& connection) -> Task<void> {
        EXPECT_TRUE(connection.write("\xff\xff\xff this is not compressed"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        (void)co_await read_all(connection);
      });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::permanent);
}

TEST_P(CompressedTlsConnectionTest, carries_the_same_bytes_inside_tls) {
  const std::string text = "hello, " + numbers(200'000);
  std::string answer;
  run(
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(co_await connection.accept_tls(server_context_, soon(connection)));
        co_await compressed_echo(connection);
      },
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(
            co_await connection.connect_tls(*client_context_, {.server_name = "mx.test"}, soon(connection)));
        answer = co_await ask_compressed(connection, text);
      });
  EXPECT_EQ(answer, text);
}

TEST_P(CompressedConnectionTest, goes_on_where_it_was_on_another_core) {
  const std::string text = numbers(100'000);
  std::string heard, answer;
  bool over = false;
  run(
      [&](Connection& connection) -> Task<void> {
        connection.start_compression();
        EXPECT_EQ(co_await read(connection, 6), "login\n");
        auto parts = co_await connection.hand_over();
        EXPECT_TRUE(parts);
        if (parts)
          simulation_.core(1).spawn(hop(simulation_, 1, std::move(*parts), text.size(), heard, over));
      },
      [&](Connection& connection) -> Task<void> {
        connection.start_compression();
        const std::array<std::span<const std::byte>, 1> more{std::as_bytes(std::span(text))};
        EXPECT_TRUE(connection.write("login\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection), more));
        answer = co_await read_all(connection);
      },
      Closes::server);
  EXPECT_TRUE(simulation_.run_until([&] { return over; }, 60s));
  EXPECT_TRUE(heard == text);
  EXPECT_EQ(answer, "heard all of it");
}

// What stands for much has been looked at in part only when it moves.
TEST_P(CompressedTlsConnectionTest, goes_on_on_another_core_with_what_is_not_inflated_yet) {
  const std::string text(2'000'000, 'x');
  std::string heard, answer;
  bool over = false;
  run(
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(co_await connection.accept_tls(server_context_, soon(connection)));
        connection.start_compression();
        EXPECT_EQ(co_await read(connection, 6), "login\n");
        auto parts = co_await connection.hand_over();
        EXPECT_TRUE(parts);
        if (parts)
          simulation_.core(1).spawn(hop(simulation_, 1, std::move(*parts), text.size(), heard, over));
      },
      [&](Connection& connection) -> Task<void> {
        EXPECT_TRUE(
            co_await connection.connect_tls(*client_context_, {.server_name = "mx.test"}, soon(connection)));
        connection.start_compression();
        const std::array<std::span<const std::byte>, 1> more{std::as_bytes(std::span(text))};
        EXPECT_TRUE(connection.write("login\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection), more));
        answer = co_await read_all(connection);
      },
      Closes::server);
  EXPECT_TRUE(simulation_.run_until([&] { return over; }, 60s));
  EXPECT_TRUE(heard == text);
  EXPECT_EQ(answer, "heard all of it");
}

INSTANTIATE_TEST_SUITE_P(Seeds, CompressedConnectionTest, testing::Range<std::uint64_t>(1, 6));
INSTANTIATE_TEST_SUITE_P(Seeds, CompressedTlsConnectionTest, testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace ringpost::net
