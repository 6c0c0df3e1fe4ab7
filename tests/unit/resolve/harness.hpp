// A core on a clock that the test moves, and a way to run a task on it to its end.
#pragma once

#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "ringpost/resolve/resolver.hpp"
#include "ringpost/resolve/scripted_upstream.hpp"

#include "unit/shard/fake_backend.hpp"

namespace ringpost::resolve {

inline dns::Name name(std::string_view text) {
  return *dns::Name::parse(text);
}

template <class T>
Task<void> store(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}
inline Task<void> note_end(Task<void> task, bool* ended) {
  co_await std::move(task);
  *ended = true;
}

// Turns until the task has ended; a task that never does fails the test by the bound on turns.
template <class T>
T run(shard::Core& core, Task<T> task) {
  std::optional<T> result;
  core.spawn(store(std::move(task), &result));
  core.turn(core.now());  // what was started outside a turn goes out before the first wait
  for (int turns = 0; !result && turns < 100'000; ++turns) core.turn(core.now() + std::chrono::seconds(10));
  RP_ASSERT(result.has_value());
  return std::move(*result);
}
inline void run(shard::Core& core, Task<void> task) {
  bool ended = false;
  core.spawn(note_end(std::move(task), &ended));
  core.turn(core.now());
  for (int turns = 0; !ended && turns < 100'000; ++turns) core.turn(core.now() + std::chrono::seconds(10));
  RP_ASSERT(ended);
}

// A resolver over a script. The clock stands still but for what run() and pass() let go by.
struct ScriptedWorld {
  explicit ScriptedWorld(Identity identity = {}, Bytes cache_size = 1_MiB, std::string_view hosts = {}) {
    auto owned = std::make_unique<ScriptedUpstream>(core);
    upstream = owned.get();
    resolver = std::make_unique<Resolver>(core, std::move(owned), cache_size, Hosts::parse(hosts),
                                          std::move(identity));
  }
  ~ScriptedWorld() {
    run(core, resolver->stop());
    // Who still waited has been woken, and ends in a later turn.
    for (int turns = 0; core.live_tasks() > 0 && turns < 100; ++turns) core.turn(core.now());
    EXPECT_EQ(core.live_tasks(), 0U);
  }

  Instant soon(Duration wait = std::chrono::seconds(30)) { return core.now() + wait; }
  dns::Answer ask(std::string_view owner, dns::Type type) {
    return run(core, resolver->ask({name(owner), type}, soon()));
  }
  Route resolve_mx(std::string domain) { return run(core, resolver->resolve_mx(std::move(domain), soon())); }
  const MailHost* host(Route& route, std::size_t index) {
    return run(core, resolver->host(route, index, soon()));
  }
  void pass(Duration time) {
    const Instant end = core.now() + time;
    while (core.now() < end) core.turn(end);
  }
  std::uint64_t figure(std::string_view name) { return shard::figure(core, name); }

  shard::FakeBackend backend;
  shard::Core core{{.backend = &backend}};
  ScriptedUpstream* upstream = nullptr;
  std::unique_ptr<Resolver> resolver;
};

}  // namespace ringpost::resolve
