// What every core does all the time: timers, messages between cores, figures.
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/mesh.hpp"
#include "ringpost/shard/simulation.hpp"
#include "ringpost/shard/timer_wheel.hpp"

namespace ringpost::shard {
namespace {

void never_fires(Timer&) {}

// A connection's deadline: moved with each command, and hardly ever reached. Others are armed meanwhile.
void timer_move(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  std::vector<std::unique_ptr<Timer>> others;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    others.push_back(std::make_unique<Timer>(&never_fires));
    wheel.arm(*others.back(), Instant{} + std::chrono::seconds(300 + i % 60));
  }
  Timer timer(&never_fires);
  Instant now;
  for (auto _ : state) {
    now = now + std::chrono::microseconds(10);
    wheel.arm(timer, now + std::chrono::seconds(300));
  }
}
BENCHMARK(timer_move)->Name("timer_wheel/move")->Arg(0)->Arg(10'000);

void timer_fire(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  Timer timer(&never_fires);
  Instant now;
  for (auto _ : state) {
    wheel.arm(timer, now + std::chrono::milliseconds(5));
    now = now + std::chrono::milliseconds(6);
    benchmark::DoNotOptimize(wheel.advance(now));
  }
}
BENCHMARK(timer_fire)->Name("timer_wheel/arm_and_fire");

void timer_idle(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  Timer timer(&never_fires);
  wheel.arm(timer, Instant{} + std::chrono::hours(1));
  Instant now;
  for (auto _ : state) {
    now = now + std::chrono::nanoseconds(100);
    benchmark::DoNotOptimize(wheel.advance(now));
  }
}
BENCHMARK(timer_idle)->Name("timer_wheel/advance_with_nothing_due");

// In and out of the ring between two cores, on one thread: the instructions, without the cache line's way.
void ring(benchmark::State& state) {
  Simulation machine(1, 2);
  Mesh mesh(2);
  mesh.attach(0, machine.core(0).backend());
  mesh.attach(1, machine.core(1).backend());
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::uint64_t sum = 0;
  std::uint64_t* const total = &sum;
  const Message message = Message::make([total](Core&) { ++*total; });
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i) {
      if (!mesh.push(0, 1, message)) state.SkipWithError("the ring is full");
    }
    benchmark::DoNotOptimize(mesh.run_messages(machine.core(1), 1, batch));
  }
  if (sum != static_cast<std::uint64_t>(state.iterations()) * batch)
    state.SkipWithError("messages were lost");
  state.SetItemsProcessed(static_cast<std::int64_t>(sum));
}
BENCHMARK(ring)->Name("ring/push_and_run")->Arg(1)->Arg(64);

void histogram(benchmark::State& state) {
  const auto histogram = std::make_unique<observe::Histogram>();
  std::uint64_t value = 1;
  for (auto _ : state) {
    histogram->record(value & 0xFFFFF);
    value = value * 6364136223846793005ULL + 1442695040888963407ULL;
  }
  benchmark::DoNotOptimize(histogram->count());
}
BENCHMARK(histogram)->Name("observe/histogram_record");

void quantile(benchmark::State& state) {
  const auto histogram = std::make_unique<observe::Histogram>();
  for (std::uint64_t i = 0; i < 10'000; ++i) histogram->record(i * i);
  for (auto _ : state) benchmark::DoNotOptimize(histogram->quantile(0.99));
}
BENCHMARK(quantile)->Name("observe/histogram_quantile");

void counter(benchmark::State& state) {
  observe::Counter counter;
  benchmark::DoNotOptimize(&counter);
  for (auto _ : state) {
    counter.add();
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(counter.value());
}
BENCHMARK(counter)->Name("observe/counter_add");

}  // namespace
}  // namespace ringpost::shard
