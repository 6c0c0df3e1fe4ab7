#include "ringpost/net/connection.hpp"

#include <string>

#include <gtest/gtest.h>

#include "ringpost/crypto/certificate.hpp"
#include "ringpost/shard/listener.hpp"
#include "ringpost/shard/simulation.hpp"

namespace ringpost::net {
namespace {

using namespace std::chrono_literals;

const Endpoint kServer{IpAddress::loopback(), 2525};

std::string text_of(std::span<const std::byte> bytes) {
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

Instant soon(Connection& connection, Duration bound = 30s) {
  return connection.core().now() + bound;
}

// A text in which no part is like another.
std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  return text;
}

// Reads until `count` bytes are there; consumes them.
Task<std::string> read(Connection& connection, std::size_t count) {
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
Task<void> hop(shard::Simulation& simulation, unsigned core, Handover from, std::size_t count,
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
Task<std::string> read_all(Connection& connection) {
  std::string text;
  for (;;) {
    text += text_of(connection.input());
    connection.consume(connection.input().size());
    if (!co_await connection.receive(soon(connection))) co_return text;
  }
}

Task<void> echo(Connection& connection) {
  while (co_await connection.receive(soon(connection))) {
    EXPECT_TRUE(connection.write(connection.input()));
    connection.consume(connection.input().size());
    if (!co_await connection.flush(soon(connection))) co_return;
  }
}

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

// ---- compression

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

TEST_P(ConnectionTest, compressed_carries_the_same_bytes_both_ways) {
  const std::string text = "hello, " + numbers(200'000);
  std::string answer;
  run(&compressed_echo,
      [&](Connection& connection) -> Task<void> { answer = co_await ask_compressed(connection, text); });
  EXPECT_EQ(answer, text);
}

// Megabytes of one byte are some kilobytes on the wire: they are inflated as they are looked at.
TEST_P(ConnectionTest, compressed_a_small_input_that_stands_for_a_large_one_waits) {
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

TEST_P(ConnectionTest, compressed_what_is_no_deflate_is_an_error) {
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

TEST_P(ConnectionTest, nobody_listening_is_an_error_that_names_the_place) {
  bool failed = false;
  simulation_.core(1).spawn([](shard::Core& core, bool& out) -> Task<void> {
    const auto connection = co_await connect(core, {IpAddress::loopback(), 9}, std::nullopt, core.now() + 5s);
    out = !connection && connection.error().text.find("127.0.0.1:9") != std::string::npos;
  }(simulation_.core(1), failed));
  simulation_.run_for(10s);
  EXPECT_TRUE(failed);
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

TEST_P(TlsConnectionTest, compressed_carries_the_same_bytes_inside_tls) {
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
INSTANTIATE_TEST_SUITE_P(Seeds, ConnectionTest, testing::Range<std::uint64_t>(1, 6));
INSTANTIATE_TEST_SUITE_P(Seeds, TlsConnectionTest, testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace ringpost::net
