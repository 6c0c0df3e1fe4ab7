// The fixture of the scripts that every backend must pass alike.
#pragma once

#include "unit/io/world.hpp"

namespace ringpost::io::test {

class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  // Small rings and buffers, so that ordinary scripts already meet their ends.
  static BackendOptions small() {
    return {.choice = {},
            .submission_entries = 16,
            .completion_entries = 64,
            .receive_buffers = 256_KiB,
            .receive_buffer_size = 16_KiB};
  }

  void SetUp() override { start(small()); }
  void start(const BackendOptions& options, std::size_t batch = 64) {
    turns.reset();
    world.reset();
    MadeWorld made = make_world(GetParam(), options);
    if (!made.world && HasFailure()) FAIL() << "no test without a backend";
    if (!made.world) GTEST_SKIP() << made.unavailable;
    world = std::move(made.world);
    turns = std::make_unique<Turns>(world->backend(), batch);
  }
  void TearDown() override {
    // What a test leaves behind must not outlive its probes: the backend goes first.
    turns.reset();
    world.reset();
  }

  Backend& backend() { return world->backend(); }
  bool simulated() const { return world->is_simulated(); }

  Handle listen(Endpoint& where, ListenOptions options = {}) {
    auto listening = backend().listen({IpAddress::loopback(), 0}, options);
    EXPECT_TRUE(listening.has_value()) << listening.error().text;
    where = backend().local_endpoint(*listening);
    EXPECT_NE(where.port, 0);
    return *listening;
  }
  Handle open_socket(const Endpoint& to) {
    auto socket = backend().open_socket(to, std::nullopt);
    EXPECT_TRUE(socket.has_value());
    return *socket;
  }

  static Op accept(Handle listening, Probe& probe) {
    return {.kind = OpKind::accept, .handle = listening, .operation = &probe};
  }
  static Op receive(Handle socket, Probe& probe) {
    return {.kind = OpKind::receive, .handle = socket, .operation = &probe};
  }
  static Op connect(Handle socket, const Endpoint& to, Probe& probe) {
    return {.kind = OpKind::connect, .handle = socket, .operation = &probe, .address = &to};
  }
  static Op send(Handle socket, const iovec& vector, Probe& probe) {
    return {
        .kind = OpKind::send, .handle = socket, .operation = &probe, .vectors = &vector, .vector_count = 1};
  }
  static Op simple(OpKind kind, Handle handle, Probe& probe) {
    return {.kind = kind, .handle = handle, .operation = &probe};
  }
  static Op cancel(Probe& target) { return {.kind = OpKind::cancel, .target = &target}; }
  static Op transfer(OpKind kind, Handle file, const iovec& vector, std::uint64_t offset, Probe& probe) {
    return {.kind = kind,
            .handle = file,
            .operation = &probe,
            .vectors = &vector,
            .vector_count = 1,
            .offset = offset};
  }

  // Runs one operation to its end and gives its final result.
  std::int32_t run(Op op) {
    Probe probe;
    op.operation = &probe;
    turns->submit(op);
    if (!turns->ended(probe)) {
      ADD_FAILURE() << "operation did not end";
      turns.reset();
      world.reset();  // before the probe dies
      std::abort();
    }
    return probe.last();
  }
  std::int32_t close(Handle handle) { return run({.kind = OpKind::close, .handle = handle}); }
  std::int32_t send_all(Handle socket, std::string text) {
    const iovec vector = vector_of(text);
    return run({.kind = OpKind::send, .handle = socket, .vectors = &vector, .vector_count = 1});
  }
  // Cancels and waits for the final completion.
  void stop(Probe& probe) {
    turns->submit(cancel(probe));
    ASSERT_TRUE(turns->ended(probe));
  }

  struct Pair {
    Handle client;
    Handle server;
  };
  // Two ends of a connection, by a listener of their own that is closed again.
  Pair make_pair() {
    Endpoint where;
    const Handle listening = listen(where);
    Probe accepting;
    turns->submit(accept(listening, accepting));
    Pair pair{.client = open_socket(where), .server = {}};
    EXPECT_EQ(run({.kind = OpKind::connect, .handle = pair.client, .address = &where}), 0);
    EXPECT_TRUE(turns->until([&] { return !accepting.results.empty(); }));
    pair.server = Handle{accepting.results.at(0)};
    stop(accepting);
    EXPECT_EQ(close(listening), 0);
    return pair;
  }
  void close(const Pair& pair) {
    EXPECT_EQ(close(pair.client), 0);
    EXPECT_EQ(close(pair.server), 0);
  }

  std::unique_ptr<World> world;
  std::unique_ptr<Turns> turns;
};

// Text whose every position is different from its neighbours, and different for each seed.
inline std::string pattern(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : text) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

}  // namespace ringpost::io::test
