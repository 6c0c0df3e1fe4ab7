// A backend whose completions the test itself gives, on a clock that the test moves.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/shard/core.hpp"

#include "support/figures.hpp"

namespace ringpost::shard {

class FakeBackend final : public io::Backend {
 public:
  void submit(std::span<const io::Op> batch) override {
    for (const io::Op& op : batch) {
      submitted.push_back(op);
      if (op.kind == io::OpKind::cancel && cancels_succeed) complete(*op.target, -ECANCELED);
    }
    ++batches;
  }
  std::size_t poll(std::span<io::Completion> out, const io::Wait& wait) override {
    waits.push_back(wait);
    submitted_before_wait.push_back(submitted.size());
    // Without completions the time passes until something else was due; a wake or "never" passes none.
    if (ready.empty() && wait.until > clock && wait.until != Instant::never() && !woken.exchange(false))
      clock = wait.until;
    const std::size_t count = std::min(out.size(), ready.size());
    std::copy_n(ready.begin(), count, out.begin());
    ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  void wake() noexcept override {
    woken = true;
    ++wakes;
  }

  Result<io::Handle> listen(const Endpoint&, const io::ListenOptions&) override {
    return io::Handle{next_handle++};
  }
  Result<io::Handle> open_socket(const Endpoint&, const std::optional<Endpoint>&) override {
    return io::Handle{next_handle++};
  }
  Result<io::Handle> adopt(int) override { return fail(ErrorKind::permanent, "the fake adopts nothing"); }
  Endpoint local_endpoint(io::Handle) override { return {}; }
  Endpoint peer_endpoint(io::Handle) override { return {}; }
  void register_buffers(std::span<const iovec>) override {}
  io::Files& files() override { RP_ASSERT(false); }
  Instant now() override { return clock; }
  WallTime wall_now() override { return {clock.since_start.count()}; }
  std::uint64_t random() override { return ++random_state * 0x9E3779B97F4A7C15U; }
  const io::Description& describe() const override { return description; }

  void complete(io::Operation& operation, std::int32_t result, bool more = false) {
    ready.push_back({&operation, result, more, {}});
  }

  Instant clock{10s};
  std::deque<io::Completion> ready;
  std::vector<std::size_t> submitted_before_wait;  // how many operations each poll() found handed over
  std::vector<io::Op> submitted;
  std::vector<io::Wait> waits;
  int batches = 0;
  std::atomic<int> wakes{0};
  std::atomic<bool> woken{false};
  bool cancels_succeed = true;
  std::int32_t next_handle = 100;
  std::uint64_t random_state = 0;
  io::Description description{"fake", {}, "0", ""};
};

// Several cores on one thread, on fakes.
struct FakeCores {
  explicit FakeCores(unsigned count, CoreOptions options = {}) : options(std::move(options)), mesh(count) {
    for (unsigned i = 0; i < count; ++i) {
      backends.push_back(std::make_unique<FakeBackend>());
      cores.push_back(std::make_unique<Core>(
          Core::Parts{.index = i, .backend = backends[i].get(), .mesh = &mesh, .options = &this->options}));
    }
  }
  Core& operator[](unsigned index) { return *cores[index]; }
  // Turns without waiting.
  void turn(unsigned index) { cores[index]->turn(cores[index]->now()); }
  void turn_all(int times = 1) {
    for (int i = 0; i < times; ++i)
      for (unsigned core = 0; core < cores.size(); ++core) turn(core);
  }
  CoreOptions options;
  Mesh mesh;
  std::vector<std::unique_ptr<FakeBackend>> backends;
  std::vector<std::unique_ptr<Core>> cores;
};

}  // namespace ringpost::shard
