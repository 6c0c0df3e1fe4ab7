#include "ringpost/shard/simulation.hpp"

#include <array>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ringpost/shard/await.hpp"
#include "ringpost/shard/listener.hpp"

namespace ringpost::shard {
namespace {

Task<void> note_times(Core& core, std::string& log) {
  for (int i = 0; i < 3; ++i) {
    co_await Sleep(core, Duration{static_cast<std::int64_t>(core.random() % 5'000'000'000)});
    const unsigned there = static_cast<unsigned>(core.random() % core.count());
    const Instant then = co_await ask(core, there, [](Core& other) { return other.now(); });
    log += fmt::format("{}>{}@{} ", core.index(), there, then.since_start.count());
  }
}

std::string story(std::uint64_t seed) {
  Simulation simulation(seed, 3);
  std::string log;
  for (unsigned i = 0; i < 3; ++i) simulation.core(i).spawn(note_times(simulation.core(i), log));
  EXPECT_TRUE(simulation.run_until(
      [&] {
        std::size_t alive = 0;
        for (unsigned i = 0; i < 3; ++i) alive += simulation.core(i).live_tasks();
        return alive == 0;
      },
      1min));
  return log;
}

TEST(Simulation, gives_the_same_story_for_the_same_seed_and_another_for_another) {
  EXPECT_EQ(story(1), story(1));
  EXPECT_NE(story(1), story(2));
}

TEST(Simulation, jumps_over_idle_time_to_the_exact_timer) {
  Simulation simulation(5, 2);
  const Instant start = simulation.now();
  bool woken = false;
  const auto sleeper = [](Core& core, bool& flag) -> Task<void> {
    co_await Sleep(core, 10h);
    flag = true;
  };
  simulation.core(1).spawn(sleeper(simulation.core(1), woken));
  EXPECT_FALSE(simulation.run_until([&] { return woken; }, 9h));
  EXPECT_EQ(simulation.now(), start + 9h);
  EXPECT_TRUE(simulation.run_until([&] { return woken; }, 2h));
  EXPECT_GE(simulation.now(), start + 10h);
  EXPECT_LE(simulation.now(), start + 10h + 1ms);
  simulation.run_for(5s);
  EXPECT_LE(simulation.now(), start + 10h + 5s + 1ms);
}

Task<void> dial(Core& core, Endpoint where, int& connected) {
  const auto socket = core.backend().open_socket(where, std::nullopt);
  if (!socket) co_return;
  if (co_await Await(core, {.kind = io::OpKind::connect, .handle = *socket, .address = &where}) == 0)
    ++connected;
  co_await Await(core, {.kind = io::OpKind::close, .handle = *socket});
}

Task<void> hang_up(Core& core, Listener& listener, io::Handle socket) {
  co_await Await(core, {.kind = io::OpKind::close, .handle = socket});
  listener.ended();
}

Task<void> stop_listener(Listener& listener) {
  listener.stop();
  co_await listener.stopped();
}

TEST(Simulation, listeners_share_out_simulated_connections) {
  Simulation simulation(7, 2);
  std::array<std::unique_ptr<Listener>, 2> listeners;
  std::array<int, 2> kept{};
  Endpoint where;
  for (unsigned i = 0; i < 2; ++i) {
    Core& core = simulation.core(i);
    auto socket = core.backend().listen({IpAddress::loopback(), static_cast<std::uint16_t>(2500 + i)}, {});
    ASSERT_TRUE(socket);
    if (i == 0) where = core.backend().local_endpoint(*socket);
    listeners[i] = std::make_unique<Listener>(core, 0, *socket, [&, i](Core& here, io::Handle connection) {
      ++kept[i];
      // Held for a while, so that the load counts.
      here.spawn([](Core& on, Listener& of, io::Handle with) -> Task<void> {
        co_await Sleep(on, 10s);
        co_await hang_up(on, of, with);
      }(here, *listeners[i], connection));
    });
    listeners[i]->arm();
  }
  int connected = 0;
  for (int i = 0; i < 30; ++i) simulation.core(1).spawn(dial(simulation.core(1), where, connected));
  EXPECT_TRUE(simulation.run_until([&] { return kept[0] + kept[1] == 30; }, 1min));
  EXPECT_GE(kept[1], 12);
  simulation.run_for(1min);
  EXPECT_EQ(connected, 30);
  for (unsigned i = 0; i < 2; ++i) {
    EXPECT_EQ(listeners[i]->connections(), 0U);
    simulation.core(i).spawn(stop_listener(*listeners[i]));
  }
  EXPECT_TRUE(simulation.run_until(
      [&] { return simulation.core(0).live_tasks() + simulation.core(1).live_tasks() == 0; }, 1min));
}

TEST(Simulation, a_power_cut_ends_every_task_and_new_cores_go_on_in_time) {
  Simulation simulation(9, 2);
  bool woken = false;
  const auto sleeper = [](Core& core, Duration time, bool& flag) -> Task<void> {
    co_await Sleep(core, time);
    flag = true;
  };
  simulation.core(0).spawn(sleeper(simulation.core(0), 10s, woken));
  simulation.run_for(5s);
  const Instant before = simulation.now();
  simulation.power_cut();
  EXPECT_EQ(simulation.core(0).live_tasks(), 0U);
  EXPECT_GE(simulation.core(0).now(), before);
  simulation.run_for(1min);
  EXPECT_FALSE(woken);
  simulation.core(1).spawn(sleeper(simulation.core(1), 1s, woken));
  EXPECT_TRUE(simulation.run_until([&] { return woken; }, 2s));
}

}  // namespace
}  // namespace ringpost::shard
