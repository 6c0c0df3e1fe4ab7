// Cancelling, waiting, and polling foreign descriptors: the same scripts on every backend.
#include <algorithm>
#include <atomic>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "unit/io/conformance.hpp"

namespace ringpost::io::test {

namespace {

// ---- Cancelling ----

TEST_P(Conformance, cancels_an_accept) {
  Endpoint where;
  const Handle listening = listen(where);
  Probe accepting;
  turns->submit(accept(listening, accepting));
  turns->settle();
  EXPECT_TRUE(accepting.results.empty());
  stop(accepting);
  EXPECT_EQ(accepting.last(), -ECANCELED);
  EXPECT_EQ(close(listening), 0);
}

TEST_P(Conformance, cancels_a_receive_in_the_batch_that_starts_it) {
  const Pair pair = make_pair();
  Probe receiving;
  const std::array batch{receive(pair.server, receiving), cancel(receiving)};
  backend().submit(batch);
  ASSERT_TRUE(turns->ended(receiving));
  EXPECT_EQ(receiving.results, std::vector<std::int32_t>{-ECANCELED});
  close(pair);
}

TEST_P(Conformance, a_cancelled_send_tells_how_much_it_sent) {
  const Pair pair = make_pair();
  std::string text = pattern(32U << 20, 40);
  const iovec vector = vector_of(text);
  Probe sending;
  turns->submit(send(pair.client, vector, sending));
  turns->settle();
  ASSERT_FALSE(sending.ended);
  stop(sending);
  ASSERT_GT(sending.last(), 0);
  EXPECT_LT(sending.last(), 32 << 20);
  EXPECT_EQ(run({.kind = OpKind::finish, .handle = pair.client}), 0);
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  ASSERT_TRUE(turns->ended(receiving));
  EXPECT_TRUE(receiving.bytes == text.substr(0, static_cast<std::size_t>(sending.last())));
  close(pair);
}

TEST_P(Conformance, cancels_a_connect_that_nobody_answers) {
  Endpoint where;
  const Handle listening = listen(where, {.backlog = 1});
  std::deque<Probe> connecting;
  std::deque<Handle> sockets;
  // Nobody accepts: when the backlog is full, connects go unanswered.
  for (int i = 0; i < 8; ++i) {
    sockets.push_back(open_socket(where));
    turns->submit(connect(sockets.back(), where, connecting.emplace_back()));
  }
  turns->settle();
  const auto succeeded = std::ranges::count_if(connecting, &Probe::ended);
  EXPECT_GT(succeeded, 0);
  ASSERT_LT(succeeded, 8);
  for (Probe& probe : connecting) {
    const bool waits = !probe.ended;
    stop(probe);
    EXPECT_EQ(probe.last(), waits ? -ECANCELED : 0);
  }
  for (const Handle socket : sockets) EXPECT_EQ(close(socket), 0);
  EXPECT_EQ(close(listening), 0);
}

TEST_P(Conformance, cancelling_a_file_operation_ends_it_either_way) {
  const auto file = backend().files().open(world->directory() + "/file", {.write = true, .create = true});
  ASSERT_TRUE(file.has_value());
  std::string text = pattern(4096, 41);
  const iovec vector = vector_of(text);
  for (int i = 0; i < 20; ++i) {
    Probe writing, syncing;
    Op op = transfer(OpKind::write, file->handle, vector, 0, writing);
    op.durable = true;
    const std::array batch{op, simple(OpKind::sync, file->handle, syncing), cancel(writing), cancel(syncing)};
    backend().submit(batch);
    ASSERT_TRUE(turns->ended(writing));
    ASSERT_TRUE(turns->ended(syncing));
    EXPECT_TRUE(writing.last() == 4096 || writing.last() == -ECANCELED) << writing.last();
    EXPECT_TRUE(syncing.last() == 0 || syncing.last() == -ECANCELED) << syncing.last();
  }
}

TEST_P(Conformance, a_receive_cancelled_while_bytes_arrive_loses_none) {
  const Pair pair = make_pair();
  std::string received, sent;
  for (unsigned round = 0; round < 200; ++round) {
    std::string text = pattern(1 + (round * 977) % 40'000, round);
    const iovec vector = vector_of(text);
    Probe receiving, sending;
    const std::array batch{receive(pair.server, receiving), send(pair.client, vector, sending)};
    backend().submit(batch);
    for (unsigned i = 0; i < round % 3; ++i) turns->turn(Duration{0});
    stop(receiving);
    ASSERT_TRUE(turns->ended(sending));
    EXPECT_EQ(sending.last(), static_cast<std::int32_t>(text.size()));
    EXPECT_EQ(receiving.last(), -ECANCELED);
    received += receiving.bytes;
    sent += text;
    if (round % 4 == 3) {  // the sockets hold only so much
      Probe rest;
      turns->submit(receive(pair.server, rest));
      ASSERT_TRUE(turns->until([&] { return received.size() + rest.bytes.size() == sent.size(); }));
      stop(rest);
      received += rest.bytes;
      ASSERT_TRUE(received == sent);
    }
  }
  close(pair);
}

TEST_P(Conformance, cancelling_what_is_not_there_is_harmless) {
  Probe never;
  turns->submit(cancel(never));
  auto freed = std::make_unique<Probe>();
  Op stale = cancel(*freed);
  const Pair pair = make_pair();
  turns->submit(receive(pair.server, *freed));
  stop(*freed);
  freed.reset();
  turns->submit(stale);  // its address means nothing any more
  turns->submit({.kind = OpKind::cancel});
  turns->settle();
  EXPECT_TRUE(never.results.empty());
  close(pair);
}

TEST_P(Conformance, cancelling_twice_completes_once) {
  const Pair pair = make_pair();
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  turns->settle();
  turns->submit(cancel(receiving));
  turns->submit(cancel(receiving));
  ASSERT_TRUE(turns->ended(receiving));
  turns->settle();
  EXPECT_EQ(receiving.results, std::vector<std::int32_t>{-ECANCELED});
  close(pair);
}

// ---- Waiting ----

TEST_P(Conformance, an_idle_wait_ends_at_its_bound) {
  const Instant until = backend().now() + std::chrono::milliseconds{5};
  std::array<Completion, 4> completions;
  while (backend().now() < until) EXPECT_EQ(backend().poll(completions, {.until = until}), 0U);
  EXPECT_GE(backend().now(), until);
}

TEST_P(Conformance, a_past_bound_collects_without_waiting) {
  const Pair pair = make_pair();
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  std::array<Completion, 4> completions;
  const Instant past = backend().now() - std::chrono::seconds{1};
  EXPECT_EQ(backend().poll(completions, {.until = past}), 0U);  // would otherwise wait for ever
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, a_wait_for_a_batch_ends_soon_after_its_first_completion) {
  const Pair pair = make_pair();
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  std::string text = "x";
  const iovec vector = vector_of(text);
  Probe sending;
  turns->submit(send(pair.client, vector, sending));
  std::array<Completion, 64> completions;
  const Wait wait{.until = Instant::never(), .batch_min = 64, .linger = std::chrono::milliseconds{1}};
  while (receiving.bytes.empty()) {
    const std::size_t count = backend().poll(completions, wait);
    for (std::size_t i = 0; i < count; ++i)
      completions[i].operation->complete(*completions[i].operation, completions[i]);
  }
  EXPECT_EQ(receiving.bytes, "x");
  ASSERT_TRUE(turns->ended(sending));
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, wake_ends_a_wait_from_another_thread) {
  std::atomic<int> asked{0}, answered{0};
  std::thread other([&] {
    for (int round = 1; round <= 50; ++round) {
      while (asked.load() < round) std::this_thread::yield();
      answered.store(round);
      backend().wake();
    }
  });
  std::array<Completion, 4> completions;
  for (int round = 1; round <= 50; ++round) {
    asked.store(round);
    while (answered.load() < round) backend().poll(completions, {.until = Instant::never()});
  }
  other.join();
  EXPECT_EQ(answered.load(), 50);
}

TEST_P(Conformance, wake_before_the_wait_ends_it_too) {
  std::array<Completion, 4> completions;
  backend().wake();
  backend().wake();
  EXPECT_EQ(backend().poll(completions, {.until = Instant::never()}), 0U);
  backend().wake();
  EXPECT_EQ(backend().poll(completions, {.until = Instant::never()}), 0U);
}

TEST_P(Conformance, clocks_go_forward_and_random_numbers_differ) {
  const Instant first = backend().now();
  turns->turn(std::chrono::milliseconds{1});
  EXPECT_GE(backend().now(), first);
  EXPECT_GT(backend().wall_now().seconds(), 1'500'000'000);
  EXPECT_NE(backend().random(), backend().random());
}

TEST_P(Conformance, says_what_it_is) {
  EXPECT_EQ(backend().describe().name, GetParam().substr(0, backend().describe().name.size()));
  EXPECT_FALSE(backend().describe().kernel.empty());
}

TEST_P(Conformance, dies_with_operations_in_flight_and_touches_none_of_them_after) {
  const Pair pair = make_pair();
  auto receiving = std::make_unique<Probe>();
  auto sending = std::make_unique<Probe>();
  auto text = std::make_unique<std::string>(pattern(32U << 20, 50));
  auto vector = std::make_unique<iovec>(vector_of(*text));
  turns->submit(receive(pair.server, *receiving));
  turns->submit(send(pair.client, *vector, *sending));
  turns->turn(Duration{0});
  const auto told = std::pair(receiving->results.size(), sending->results.size());
  ASSERT_FALSE(receiving->ended || sending->ended);
  turns.reset();
  world.reset();
  EXPECT_EQ(std::pair(receiving->results.size(), sending->results.size()), told);
}

// ---- Polling foreign descriptors ----

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  Handle reader() const { return Handle{ends_[0]}; }
  Handle writer() const { return Handle{ends_[1]}; }
  void write() { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void close_reader() {
    if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
  }

 private:
  int ends_[2]{-1, -1};
};

TEST_P(Conformance, poll_tells_once_when_a_descriptor_is_ready) {
  if (simulated()) {
    EXPECT_EQ(run({.kind = OpKind::poll, .poll_events = POLLIN, .handle = Handle{0}}), -EOPNOTSUPP);
    return;
  }
  Pipe pipe;
  EXPECT_EQ(run({.kind = OpKind::poll, .poll_events = POLLOUT, .handle = pipe.writer()}), POLLOUT);
  Probe polling;
  turns->submit(
      {.kind = OpKind::poll, .poll_events = POLLIN, .handle = pipe.reader(), .operation = &polling});
  turns->settle();
  EXPECT_TRUE(polling.results.empty());
  pipe.write();
  ASSERT_TRUE(turns->ended(polling));
  turns->settle();
  EXPECT_EQ(polling.results, std::vector<std::int32_t>{POLLIN});
}

TEST_P(Conformance, cancels_a_poll_whose_descriptor_was_closed_and_reused) {
  if (simulated()) GTEST_SKIP() << "foreign descriptors do not exist in the simulator";
  auto pipe = std::make_unique<Pipe>();
  Probe polling, other;
  turns->submit(
      {.kind = OpKind::poll, .poll_events = POLLIN, .handle = pipe->reader(), .operation = &polling});
  turns->settle();
  pipe->close_reader();
  const Pair pair = make_pair();  // takes the number
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  EXPECT_EQ(send_all(pair.client, "x"), 1);
  ASSERT_TRUE(turns->until([&] { return receiving.bytes == "x"; }));
  stop(polling);
  stop(receiving);
  close(pair);
}

}  // namespace

}  // namespace ringpost::io::test
