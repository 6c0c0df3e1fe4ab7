#include "ringpost/shard/mesh.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/shard/outbox.hpp"

#include "unit/shard/fake_backend.hpp"

namespace ringpost::shard {
namespace {

struct Note {
  std::vector<int>* log;
  int number;
  void operator()(Core&) const { log->push_back(number); }
};

TEST(Mesh, takes_a_full_ring_of_messages_and_not_one_more) {
  FakeCores cores(2);
  std::vector<int> log;
  const auto capacity = static_cast<int>(cores.mesh.ring_capacity());
  for (int i = 0; i < capacity; ++i) ASSERT_TRUE(cores[0].post(1, Message::make(Note{&log, i})));
  EXPECT_FALSE(cores[0].post(1, Message::make(Note{&log, -1})));
  EXPECT_EQ(figure(cores[0], "core_rings_full"), 1U);
  cores.turn_all(capacity / static_cast<int>(kMessagesPerRingAndTurn));
  ASSERT_EQ(log.size(), static_cast<std::size_t>(capacity));
  for (int i = 0; i < capacity; ++i) EXPECT_EQ(log[static_cast<std::size_t>(i)], i);
  EXPECT_TRUE(cores[0].post(1, Message::make(Note{&log, capacity})));
}

TEST(Mesh, rings_shrink_with_many_cores_to_a_floor) {
  EXPECT_EQ(Mesh(2).ring_capacity(), kRingMessagesMax);
  EXPECT_EQ(Mesh(32).ring_capacity(), 256U);
  EXPECT_EQ(Mesh(100).ring_capacity(), kRingMessagesMin);
}

TEST(Mesh, a_message_to_oneself_runs_later_in_the_turn_and_is_bounded) {
  FakeCores cores(1);
  std::vector<int> log;
  for (std::size_t i = 0; i < kRingMessagesMax; ++i)
    ASSERT_TRUE(cores[0].post(0, Message::make(Note{&log, 1})));
  EXPECT_FALSE(cores[0].post(0, Message::make(Note{&log, 2})));
  EXPECT_TRUE(log.empty());
  cores.turn(0);
  EXPECT_EQ(log.size(), kRingMessagesMax);
}

TEST(Mesh, wakes_a_sleeper_once_and_nobody_else) {
  FakeCores cores(2);
  std::vector<int> log;
  ASSERT_TRUE(cores[0].post(1, Message::make(Note{&log, 1})));
  EXPECT_EQ(cores.backends[1]->wakes, 0);
  cores.turn(1);
  cores.mesh.publish_asleep(1);
  ASSERT_TRUE(cores[0].post(1, Message::make(Note{&log, 2})));
  ASSERT_TRUE(cores[0].post(1, Message::make(Note{&log, 3})));
  EXPECT_EQ(cores.backends[1]->wakes, 1);
}

TEST(Mesh, a_core_with_messages_does_not_go_to_sleep) {
  FakeCores cores(2);
  std::vector<int> log;
  ASSERT_TRUE(cores[0].post(1, Message::make(Note{&log, 1})));
  EXPECT_TRUE(cores[1].has_work());
  cores[1].turn(Instant::never());
  EXPECT_LT(cores.backends[1]->waits.back().until, cores[1].now());
  EXPECT_EQ(log.size(), 1U);
  cores[1].turn(Instant::never());
  EXPECT_EQ(cores.backends[1]->waits.back().until, Instant::never());
}

TEST(Outbox, keeps_what_a_full_ring_refuses_in_order_and_is_woken_when_there_is_room) {
  FakeCores cores(2);
  std::vector<int> log;
  Outbox outbox(cores[0], 100);
  const auto capacity = static_cast<int>(cores.mesh.ring_capacity());
  for (int i = 0; i < capacity + 100; ++i) ASSERT_TRUE(outbox.post(1, Message::make(Note{&log, i})));
  EXPECT_EQ(outbox.waiting(1), 100U);
  EXPECT_FALSE(outbox.post(1, Message::make(Note{&log, -1})));

  cores.turn(0);
  EXPECT_EQ(outbox.waiting(1), 100U);
  cores.mesh.publish_asleep(0);
  cores.turn(1);
  EXPECT_EQ(cores.backends[0]->wakes, 1);
  EXPECT_TRUE(cores[0].has_work());
  cores.turn(0);
  EXPECT_EQ(outbox.waiting(1), 0U);
  cores.turn_all(10);
  ASSERT_EQ(log.size(), static_cast<std::size_t>(capacity) + 100);
  for (int i = 0; i < capacity + 100; ++i) EXPECT_EQ(log[static_cast<std::size_t>(i)], i);
}

TEST(Outbox, a_line_that_never_empties_stays_bounded) {
  FakeCores cores(2);
  std::vector<int> log;
  Outbox outbox(cores[0], 64);
  int next = 0;
  for (int round = 0; round < 200; ++round) {
    while (outbox.post(1, Message::make(Note{&log, next}))) ++next;
    cores.turn(1);
    cores.turn(0);
  }
  while (outbox.waiting(1) != 0 || cores[1].has_work()) cores.turn_all();
  ASSERT_EQ(log.size(), static_cast<std::size_t>(next));
  for (std::size_t i = 0; i < log.size(); ++i) ASSERT_EQ(log[i], static_cast<int>(i));
}

// Two real threads hammer one another through full rings; each waits for real when it has nothing to do, so a
// lost wake-up hangs the test.
class WaitingBackend final : public io::Backend {
 public:
  void submit(std::span<const io::Op>) override {}
  std::size_t poll(std::span<io::Completion>, const io::Wait& wait) override {
    if (wait.until != Instant::never()) return 0;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return woken_; });
    woken_ = false;
    return 0;
  }
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }
  Result<io::Handle> listen(const Endpoint&, const io::ListenOptions&) override { return io::Handle{}; }
  Result<io::Handle> open_socket(const Endpoint&, const std::optional<Endpoint>&) override {
    return io::Handle{};
  }
  Result<io::Handle> adopt(int) override { return io::Handle{}; }
  Endpoint local_endpoint(io::Handle) override { return {}; }
  Endpoint peer_endpoint(io::Handle) override { return {}; }
  void register_buffers(std::span<const iovec>) override {}
  io::Files& files() override { RP_ASSERT(false); }
  Instant now() override { return Instant{1s}; }
  WallTime wall_now() override { return {}; }
  std::uint64_t random() override { return 4; }
  const io::Description& describe() const override { return description_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  io::Description description_;
};

struct Player {
  static constexpr int kMessages = 30'000;
  explicit Player(Core& on) : core(on), outbox(on, 16) {}
  bool finished() const {
    return received == kMessages && sent == kMessages && outbox.waiting(1 - core.index()) == 0;
  }
  void play() {
    do {
      while (sent < kMessages && send()) ++sent;
      if (!finished()) core.turn(Instant::never());
    } while (!finished());
  }
  bool send() {
    return outbox.post(1 - core.index(), Message::make([peer = peer, number = sent](Core&) {
                         EXPECT_EQ(peer->received, number);
                         ++peer->received;
                       }));
  }
  Core& core;
  Outbox outbox;
  Player* peer = nullptr;
  int sent = 0;
  int received = 0;
};

TEST(Mesh, loses_no_message_and_no_wake_up_between_threads) {
  Mesh mesh(2);
  WaitingBackend backends[2];
  Core first({.index = 0, .backend = &backends[0], .mesh = &mesh});
  Core second({.index = 1, .backend = &backends[1], .mesh = &mesh});
  Player one(first), two(second);
  one.peer = &two;
  two.peer = &one;
  std::thread thread([&] { two.play(); });
  one.play();
  thread.join();
  EXPECT_EQ(one.received, Player::kMessages);
  EXPECT_EQ(two.received, Player::kMessages);
}

}  // namespace
}  // namespace ringpost::shard
