#include "connection_fixture.hpp"

namespace ringpost::net {
namespace {

TEST_P(ConnectionTest, carries_bytes_both_ways_however_they_are_split) {
  std::string answer;
  const std::string text(10'000, 'x');
  run(&echo, [&](Connection& connection) -> Task<void> {
    EXPECT_TRUE(connection.write("hello, "));
    const std::array<std::span<const std::byte>, 2> more{std::as_bytes(std::span(text)),
                                                         std::as_bytes(std::span(std::string_view("!")))};
    EXPECT_TRUE(co_await connection.flush(soon(connection), more));
    answer = co_await read(connection, 7 + text.size() + 1);
  });
  EXPECT_EQ(answer, "hello, " + text + "!");
}

TEST_P(ConnectionTest, keeps_what_the_flow_has_not_consumed) {
  std::vector<std::string> lines;
  run(
      [&](Connection& connection) -> Task<void> {
        while (lines.size() < 3) {
          const std::string seen = text_of(connection.input());
          if (const auto end = seen.find('\n'); end != std::string::npos) {
            lines.push_back(seen.substr(0, end));
            connection.consume(end + 1);
            co_await shard::Yield{connection.core()};
            continue;
          }
          if (!co_await connection.receive(soon(connection))) co_return;
        }
      },
      [](Connection& connection) -> Task<void> {
        EXPECT_TRUE(connection.write("one\ntwo\nth"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        co_await shard::Sleep(connection.core(), 50ms);
        EXPECT_TRUE(connection.write("ree\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        (void)co_await read_all(connection);
      });
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
}

TEST_P(ConnectionTest, a_flow_that_does_not_look_makes_the_peer_wait_and_loses_nothing) {
  std::string text;
  for (int i = 0; text.size() < 2'000'000; ++i) text += std::to_string(i) + ",";
  std::string received;
  std::size_t held = 0;
  run(
      [&](Connection& connection) -> Task<void> {
        co_await shard::Sleep(connection.core(), 10s);
        held = connection.core().buffers().in_use().count;
        received = co_await read_all(connection);
      },
      [&](Connection& connection) -> Task<void> {
        const std::array<std::span<const std::byte>, 1> body{std::as_bytes(std::span(text))};
        EXPECT_TRUE(co_await connection.flush(soon(connection, 60s), body));
      });
  EXPECT_EQ(received.size(), text.size());
  EXPECT_TRUE(received == text);
  EXPECT_LE(held, 1'000'000U);
}

TEST_P(ConnectionTest, a_deadline_ends_the_wait_and_the_connection_stays_good) {
  ErrorKind first{};
  std::string second;
  run(
      [&](Connection& connection) -> Task<void> {
        const auto got = co_await connection.receive(soon(connection, 1s));
        EXPECT_FALSE(got);
        if (!got) first = got.error().kind;
        second = co_await read(connection, 4);
      },
      [](Connection& connection) -> Task<void> {
        co_await shard::Sleep(connection.core(), 5s);
        EXPECT_TRUE(connection.write("late"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
        (void)co_await read_all(connection);
      });
  EXPECT_EQ(first, ErrorKind::timed_out);
  EXPECT_EQ(second, "late");
}

TEST_P(ConnectionTest, a_nudge_wakes_once_and_an_abort_for_good) {
  std::vector<ErrorKind> kinds;
  bool flushed = true;
  run(
      [&](Connection& connection) -> Task<void> {
        connection.core().spawn([](Connection& other) -> Task<void> {
          co_await shard::Sleep(other.core(), 1s);
          other.nudge();
          co_await shard::Sleep(other.core(), 1s);
          other.abort();
        }(connection));
        for (int i = 0; i < 3; ++i) {
          const auto got = co_await connection.receive(soon(connection));
          EXPECT_FALSE(got);
          if (!got) kinds.push_back(got.error().kind);
          if (i == 0) EXPECT_FALSE(connection.aborted());
        }
        flushed = (co_await connection.flush(soon(connection))).has_value();
      },
      [](Connection& connection) -> Task<void> { (void)co_await read_all(connection); });
  EXPECT_EQ(kinds, (std::vector<ErrorKind>(3, ErrorKind::cancelled)));
  EXPECT_FALSE(flushed);
}

TEST_P(ConnectionTest, goes_on_where_it_was_on_another_core) {
  const std::string text = numbers(200'000);
  std::string first, rest, answer;
  bool over = false;
  run(
      [&](Connection& connection) -> Task<void> {
        first = co_await read(connection, 6);
        auto parts = co_await connection.hand_over();
        EXPECT_TRUE(parts);
        if (parts) simulation_.core(1).spawn(hop(simulation_, 1, std::move(*parts), text.size(), rest, over));
      },
      [&](Connection& connection) -> Task<void> {
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

TEST_P(ConnectionTest, that_is_aborted_is_not_handed_over) {
  run(
      [&](Connection& connection) -> Task<void> {
        connection.abort();
        EXPECT_FALSE(co_await connection.hand_over());
      },
      [&](Connection& connection) -> Task<void> { (void)co_await read_all(connection); });
}

TEST_P(ConnectionTest, the_end_of_the_stream_comes_after_its_last_byte) {
  std::string received;
  run([&](Connection& connection) -> Task<void> { received = co_await read_all(connection); },
      [](Connection& connection) -> Task<void> {
        EXPECT_TRUE(connection.write("bye"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
      });
  EXPECT_EQ(received, "bye");
}

TEST_P(ConnectionTest, the_last_reply_arrives_though_the_peer_was_still_talking) {
  std::string received;
  run(
      [](Connection& connection) -> Task<void> {
        EXPECT_TRUE(co_await connection.receive(soon(connection)));
        EXPECT_TRUE(connection.write("421 enough\r\n"));
        EXPECT_TRUE(co_await connection.flush(soon(connection)));
      },
      [&](Connection& connection) -> Task<void> {
        const std::string text(300'000, 'x');
        const std::array<std::span<const std::byte>, 1> body{std::as_bytes(std::span(text))};
        EXPECT_TRUE(co_await connection.flush(soon(connection, 60s), body));
        received = co_await read_all(connection);
      });
  EXPECT_EQ(received, "421 enough\r\n");
}

TEST_P(ConnectionTest, a_peer_that_talks_on_after_the_goodbye_is_hung_up_on) {
  std::uint64_t taken = 0;
  bool sent = true;
  run(
      [&](Connection& connection) -> Task<void> {
        co_await connection.receive(connection.core().now() + 10s);
        co_await connection.close();
        taken = connection.bytes_received();
      },
      [&](Connection& connection) -> Task<void> {
        const std::string block(64 * 1024, 'x');
        const std::array<std::span<const std::byte>, 1> pieces{std::as_bytes(std::span(block))};
        for (unsigned i = 0; i < 1000 && sent; ++i)
          sent = (co_await connection.flush(connection.core().now() + 10s, pieces)).has_value();
      },
      Closes::server);
  EXPECT_FALSE(sent);
  EXPECT_LE(taken, kLingerBytesMax + 10 * 64 * 1024);
}

TEST_P(ConnectionTest, nobody_listening_is_an_error_that_names_the_place) {
  bool failed = false;
  simulation_.core(1).spawn([](shard::Core& core, bool& out) -> Task<void> {
    const auto connection = co_await connect(core, {IpAddress::loopback(), 9}, std::nullopt, core.now() + 5s);
    out = !connection && connection.error().text.find("127.0.0.1:9") != std::string::npos;
  }(simulation_.core(1), failed));
  simulation_.run_for(10s);
  EXPECT_TRUE(failed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ConnectionTest, testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace ringpost::net
