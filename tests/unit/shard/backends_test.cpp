// Cores on the real backends: sockets, deadlines and idle waiting through the kernel.
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include "ringpost/shard/await.hpp"
#include "ringpost/shard/listener.hpp"
#include "ringpost/shard/runtime.hpp"

namespace ringpost::shard {
namespace {

struct Backends : testing::TestWithParam<const char*> {
  std::unique_ptr<Runtime> runtime;
  unsigned count() const { return runtime->count(); }

  void run(std::function<Result<void>(Core&)> start) {
    CoreOptions options;
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    options.use = cpus;
    options.backend = GetParam();
    options.receive_buffers = 1_MiB;
    auto made = Runtime::start(options, std::move(start));
    ASSERT_TRUE(made) << made.error().text;
    runtime = *std::move(made);
  }
};

// Sends back what it receives until the other side has finished.
struct Echo : io::Operation {
  Echo(Core& on, io::Handle with) : io::Operation(&Echo::received), core(on), socket(with), changed(on) {}
  static void received(io::Operation& self, const io::Completion& completion) {
    auto& echo = static_cast<Echo&>(self);
    const auto* text = reinterpret_cast<const char*>(completion.bytes.data());
    echo.pending.append(text, completion.bytes.size());
    echo.receiving = completion.more;
    echo.changed.notify_one();
  }
  Core& core;
  io::Handle socket;
  Signal changed;
  std::string pending;
  bool receiving = true;
};

Task<std::int32_t> send_all(Core& core, io::Handle socket, std::string text) {
  iovec vector{text.data(), text.size()};
  co_return co_await Await(
      core, {.kind = io::OpKind::send, .handle = socket, .vectors = &vector, .vector_count = 1},
      core.now() + 30s);
}

Task<void> echo(Core& core, Listener& listener, io::Handle socket) {
  Echo state(core, socket);
  core.submit({.kind = io::OpKind::receive, .handle = socket, .operation = &state});
  while (state.receiving || !state.pending.empty()) {
    if (state.pending.empty())
      co_await state.changed.wait();
    else
      co_await send_all(core, socket, std::exchange(state.pending, {}));
  }
  co_await Await(core, {.kind = io::OpKind::close, .handle = socket});
  listener.ended();
}

Task<void> ask_echo(Core& core, Endpoint server, std::atomic<int>& good) {
  auto socket = core.backend().open_socket(server, std::nullopt);
  if (!socket) co_return;
  const std::int32_t connected = co_await Await(
      core, {.kind = io::OpKind::connect, .handle = *socket, .address = &server}, core.now() + 30s);
  Echo state(core, *socket);
  if (connected == 0) {
    core.submit({.kind = io::OpKind::receive, .handle = *socket, .operation = &state});
    for (int i = 0; i < 10; ++i) {
      co_await send_all(core, *socket, "hello");
      while (state.pending.size() < 5 && state.receiving) co_await state.changed.wait(core.now() + 30s);
      if (std::exchange(state.pending, {}) == "hello") ++good;
    }
    co_await Await(core, {.kind = io::OpKind::shutdown, .handle = *socket});
    while (state.receiving) co_await state.changed.wait();
  }
  co_await Await(core, {.kind = io::OpKind::close, .handle = *socket});
}

Task<void> stop_listener(Listener& listener) {
  listener.stop();
  co_await listener.stopped();
}

TEST_P(Backends, connections_of_every_core_are_answered_and_the_load_ends_at_zero) {
  constexpr int kClients = 40;
  std::array<std::unique_ptr<Listener>, 2> listeners;
  std::array<Endpoint, 2> where;
  std::atomic<int> good{0};
  run([&](Core& core) -> Result<void> {
    auto socket = RP_TRY(core.backend().listen({IpAddress::loopback(), 0}, {}));
    where[core.index()] = core.backend().local_endpoint(socket);
    auto& listener = listeners[core.index()];
    listener = std::make_unique<Listener>(core, 0, socket, [&listener](Core& here, io::Handle connection) {
      // Runs on the core that keeps the connection, with the callback of its own listener.
      here.spawn(echo(here, *listener, connection));
    });
    return {};
  });
  ASSERT_TRUE(runtime);
  for (unsigned i = 0; i < count(); ++i)
    runtime->run_on(i, [&](Core& core) {
      listeners[core.index()]->arm();
      for (int client = 0; client < kClients; ++client) core.spawn(ask_echo(core, where[0], good));
    });
  while (good < kClients * 10 * static_cast<int>(count())) std::this_thread::yield();
  for (unsigned i = 0; i < count(); ++i)
    runtime->run_on(i, [&](Core& core) { core.spawn(stop_listener(*listeners[core.index()])); });
  EXPECT_EQ(runtime->stop(60s), 0U);
  for (unsigned i = 0; i < count(); ++i) EXPECT_EQ(listeners[i]->connections(), 0U);
}

// A listening socket in the backlog of which a connection waits unanswered.
Task<void> wait_in_vain(Core& core, Endpoint silent, std::vector<std::int32_t>& results) {
  auto socket = core.backend().open_socket(silent, std::nullopt);
  if (!socket) co_return;
  results.push_back(
      co_await Await(core, {.kind = io::OpKind::connect, .handle = *socket, .address = &silent}));
  const io::Op readable{.kind = io::OpKind::poll, .poll_events = POLLIN, .handle = *socket};
  results.push_back(co_await Await(core, readable, core.now() + 20ms));
  Await cancelled(core, readable, core.now() + 1h);
  core.spawn([](Core& on, Await& other) -> Task<void> {
    co_await Sleep(on, 5ms);
    other.cancel();
  }(core, cancelled));
  results.push_back(co_await cancelled);
  results.push_back(co_await Await(core, {.kind = io::OpKind::close, .handle = *socket}));
}

TEST_P(Backends, an_operation_ends_at_its_deadline_or_when_it_is_cancelled) {
  std::array<std::vector<std::int32_t>, 2> results;
  run([&](Core& core) -> Result<void> {
    auto socket = RP_TRY(core.backend().listen({IpAddress::loopback(), 0}, {}));
    core.spawn(wait_in_vain(core, core.backend().local_endpoint(socket), results[core.index()]));
    return {};
  });
  ASSERT_TRUE(runtime);
  EXPECT_EQ(runtime->stop(60s), 0U);
  for (unsigned i = 0; i < count(); ++i)
    EXPECT_EQ(results[i], (std::vector<std::int32_t>{0, -ETIME, -ECANCELED, 0}));
}

Task<void> ask_while_asleep(Core& core, std::atomic<int>& answered) {
  for (int i = 0; i < 20; ++i) {
    co_await Sleep(core, 2ms);  // the other core has gone to sleep by now
    co_await ask(core, core.count() - 1, [](Core&) {});
    ++answered;
  }
}

TEST_P(Backends, a_sleeping_core_is_woken_by_a_message) {
  std::atomic<int> answered{0};
  run([&](Core& core) -> Result<void> {
    if (core.index() == 0) core.spawn(ask_while_asleep(core, answered));
    return {};
  });
  ASSERT_TRUE(runtime);
  EXPECT_EQ(runtime->stop(60s), 0U);
  EXPECT_EQ(answered, 20);
}

INSTANTIATE_TEST_SUITE_P(Kernel, Backends, testing::Values("epoll", "uring"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace ringpost::shard
