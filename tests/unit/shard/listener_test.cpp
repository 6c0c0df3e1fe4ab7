#include "ringpost/shard/listener.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/shard/runtime.hpp"

#include "unit/shard/fake_backend.hpp"

namespace ringpost::shard {
namespace {

struct ListenerTest : testing::Test {
  static constexpr unsigned kSlot = 3;
  FakeCores cores{3};
  std::map<unsigned, std::vector<std::int32_t>> kept;
  std::vector<std::unique_ptr<Listener>> listeners;

  void SetUp() override {
    for (unsigned i = 0; i < 3; ++i) {
      listeners.push_back(std::make_unique<Listener>(cores[i], kSlot, io::Handle{static_cast<int>(i) + 1},
                                                     [this, i](Core& core, io::Handle socket) {
                                                       EXPECT_EQ(core.index(), i);
                                                       kept[i].push_back(socket.value);
                                                     }));
      listeners[i]->arm();
      cores.turn(i);
    }
  }
  void TearDown() override {
    for (unsigned i = 0; i < listeners.size(); ++i) {
      if (!listeners[i]) continue;
      listeners[i]->stop();
    }
    cores.turn_all(3);
  }
  FakeBackend& backend(unsigned core) { return *cores.backends[core]; }
  int submitted(unsigned core, io::OpKind kind) {
    return static_cast<int>(std::ranges::count(backend(core).submitted, kind, &io::Op::kind));
  }
  // The accept operation of a core's listener.
  io::Operation& accept(unsigned core) { return *backend(core).submitted.front().operation; }
  void connect(unsigned core, std::int32_t socket) {
    backend(core).complete(accept(core), socket, true);
    cores.turn(core);
  }
};

TEST_F(ListenerTest, keeps_connections_until_it_holds_more_than_four_over_the_least_loaded) {
  for (std::int32_t socket = 10; socket < 15; ++socket) connect(0, socket);
  EXPECT_EQ(kept[0].size(), 5U);
  connect(0, 15);
  EXPECT_EQ(kept[0].size(), 5U);
  cores.turn_all();
  EXPECT_EQ(kept[1], std::vector<std::int32_t>{15});
  EXPECT_EQ(listeners[1]->connections(), 1U);
  EXPECT_EQ(figure(cores[0], "core_connections_handed_over"), 1U);
  EXPECT_EQ(figure(cores[0], "core_connections_accepted"), 6U);
}

TEST_F(ListenerTest, spreads_a_burst_of_one_turn_over_all_cores) {
  for (std::int32_t socket = 100; socket < 130; ++socket) backend(0).complete(accept(0), socket, true);
  cores.turn_all(2);
  EXPECT_EQ(kept[0].size() + kept[1].size() + kept[2].size(), 30U);
  EXPECT_GE(kept[1].size(), 8U);
  EXPECT_GE(kept[2].size(), 8U);
}

TEST_F(ListenerTest, an_eighth_counts_when_cores_hold_many) {
  for (unsigned core = 0; core < 3; ++core) cores.mesh.load(kSlot, core).store(80);
  for (std::int32_t socket = 0; socket < 11; ++socket) connect(0, socket);
  EXPECT_EQ(kept[0].size(), 11U);
  connect(0, 11);
  EXPECT_EQ(kept[0].size(), 11U);
  for (unsigned core = 0; core < 3; ++core) cores.mesh.load(kSlot, core).store(0);
}

TEST_F(ListenerTest, counts_a_connection_out_when_it_has_ended) {
  connect(0, 10);
  EXPECT_EQ(listeners[0]->connections(), 1U);
  listeners[0]->ended();
  EXPECT_EQ(listeners[0]->connections(), 0U);
}

TEST_F(ListenerTest, keeps_a_connection_that_a_full_ring_refuses) {
  for (unsigned to : {1U, 2U})
    while (cores[0].post(to, Message::make([](Core&) {}))) {
    }
  for (std::int32_t socket = 0; socket < 20; ++socket) connect(0, socket);
  EXPECT_EQ(kept[0].size(), 20U);
  EXPECT_EQ(listeners[0]->connections(), 20U);
  EXPECT_EQ(listeners[1]->connections(), 0U);
}

TEST_F(ListenerTest, without_descriptors_pauses_then_accepts_again) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    const int before = submitted(0, io::OpKind::accept);
    backend(0).complete(accept(0), -error);
    cores.turn(0);
    cores.turn(0);
    EXPECT_EQ(submitted(0, io::OpKind::accept), before);
    const Instant end = cores[0].now() + kAcceptPause + 1ms;
    while (cores[0].now() < end) cores[0].turn(end);
    EXPECT_EQ(submitted(0, io::OpKind::accept), before + 1);
  }
  EXPECT_EQ(figure(cores[0], "core_accept_pauses"), 4U);
  connect(0, 9);
  EXPECT_EQ(kept[0].size(), 1U);
}

TEST_F(ListenerTest, an_error_of_one_connection_does_not_pause) {
  backend(0).complete(accept(0), -ECONNABORTED);
  cores.turn(0);
  EXPECT_EQ(submitted(0, io::OpKind::accept), 2);
  EXPECT_EQ(figure(cores[0], "core_accept_pauses"), 0U);
}

Task<void> stop_and_note(Listener& listener, bool& stopped) {
  listener.stop();
  co_await listener.stopped();
  stopped = true;
}

TEST_F(ListenerTest, stops_after_the_final_completion_and_closes_its_socket) {
  backend(0).cancels_succeed = false;
  bool stopped = false;
  cores[0].spawn(stop_and_note(*listeners[0], stopped));
  connect(0, 77);  // was under way
  EXPECT_EQ(submitted(0, io::OpKind::cancel), 1);
  EXPECT_EQ(submitted(0, io::OpKind::close), 0);
  backend(0).complete(accept(0), -ECANCELED);
  cores.turn_all(2);
  ASSERT_EQ(submitted(0, io::OpKind::close), 1);
  EXPECT_EQ(backend(0).submitted.back().handle, io::Handle{1});
  EXPECT_FALSE(stopped);
  backend(0).complete(*backend(0).submitted.back().operation, 0);
  cores.turn(0);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(kept[0], std::vector<std::int32_t>{77});
}

TEST_F(ListenerTest, stopping_in_a_pause_ends_the_pause) {
  backend(0).complete(accept(0), -EMFILE);
  cores.turn(0);
  bool stopped = false;
  cores[0].spawn(stop_and_note(*listeners[0], stopped));
  cores.turn(0);
  ASSERT_EQ(submitted(0, io::OpKind::close), 1);
  backend(0).complete(*backend(0).submitted.back().operation, 0);
  cores.turn(0);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(cores[0].timers().next(), Instant::never());
}

TEST_F(ListenerTest, nothing_is_given_to_a_core_without_the_listener) {
  listeners[1]->stop();
  cores.turn_all(2);
  listeners[1].reset();
  for (std::int32_t socket = 10; socket < 16; ++socket) connect(0, socket);
  cores.turn(2);
  EXPECT_EQ(kept[0].size() + kept[2].size(), 6U);
  EXPECT_EQ(cores.mesh.load(kSlot, 1).load(), 0U);
}

TEST_F(ListenerTest, a_connection_given_to_a_core_whose_listener_has_gone_is_closed_there) {
  listeners[1]->stop();
  cores.turn_all(2);
  for (std::int32_t socket = 10; socket < 16; ++socket) connect(0, socket);
  listeners[1].reset();
  cores.turn(1);
  EXPECT_TRUE(kept[1].empty());
  ASSERT_EQ(submitted(1, io::OpKind::close), 1);
  EXPECT_EQ(backend(1).submitted.back().handle, io::Handle{15});
  EXPECT_EQ(cores.mesh.load(kSlot, 1).load(), 0U);
  backend(1).complete(*backend(1).submitted.back().operation, 0);
  cores.turn(1);
}

TEST_F(ListenerTest, two_listeners_on_one_slot_are_our_mistake) {
  EXPECT_DEATH(Listener(cores[0], kSlot, {1}, [](Core&, io::Handle) {}), "must hold");
}

}  // namespace
}  // namespace ringpost::shard
