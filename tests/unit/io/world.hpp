// What the tests of the seam drive a backend with: one kind of world for each backend, a recorder for
// completions and a loop with a bound.
#pragma once

#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/io/backend.hpp"
#include "ringpost/io/limits.hpp"

namespace ringpost::io::test {

// Records everything that comes back to one operation. Received bytes are copied at once: they live until the
// next turn.
struct Probe : Operation {
  Probe() : Operation(&Probe::record) {}
  std::vector<std::int32_t> results;
  std::string bytes;
  bool ended = false;
  std::function<void(const Completion&)> on_completion;

  std::int32_t last() const { return results.back(); }
  static void record(Operation& self, const Completion& completion) {
    auto& probe = static_cast<Probe&>(self);
    EXPECT_FALSE(probe.ended) << "a completion after the final one";
    probe.results.push_back(completion.result);
    if (completion.bytes.data() != nullptr) {
      EXPECT_EQ(static_cast<std::size_t>(completion.result), completion.bytes.size());
      EXPECT_TRUE(completion.more);
      probe.bytes.append(reinterpret_cast<const char*>(completion.bytes.data()), completion.bytes.size());
    }
    probe.ended = !completion.more;
    if (probe.on_completion) probe.on_completion(completion);
  }
};

// A backend and what its tests need around it.
class World {
 public:
  virtual ~World() = default;
  virtual Backend& backend() = 0;
  virtual std::string directory() = 0;             // exists, empty
  virtual void limit_descriptors(bool limit) = 0;  // true: no new descriptor can be made
  virtual std::string full_file() = 0;             // opening succeeds, writing gives ENOSPC
  virtual bool is_simulated() const = 0;
};

// Null with a reason when this environment does not let the backend run at all.
struct MadeWorld {
  std::unique_ptr<World> world;
  std::string unavailable;
};
MadeWorld make_world(const std::string& name, const BackendOptions& options);

// One turn at a time until something is true.
class Turns {
 public:
  explicit Turns(Backend& backend, std::size_t batch = 64) : backend_(backend), completions_(batch) {}

  void submit(const Op& op) { backend_.submit({&op, 1}); }
  std::size_t turn(Duration at_most) {
    const std::size_t count = backend_.poll(completions_, {.until = backend_.now() + at_most});
    for (std::size_t i = 0; i < count; ++i)
      completions_[i].operation->complete(*completions_[i].operation, completions_[i]);
    return count;
  }
  // Bounded by turns that brought nothing: a lost completion fails the test instead of hanging it.
  template <class Until>
  [[nodiscard]] bool until(Until&& condition) {
    for (int idle = 0; idle < 600 && !condition();)
      if (turn(std::chrono::milliseconds{20}) == 0) ++idle;
    return condition();
  }
  [[nodiscard]] bool ended(const Probe& probe) {
    return until([&] { return probe.ended; });
  }
  // Nothing more comes for a while.
  void settle(int turns = 3) {
    for (int i = 0; i < turns; ++i) turn(std::chrono::milliseconds{2});
  }

 private:
  Backend& backend_;
  std::vector<Completion> completions_;
};

inline iovec vector_of(std::string& text) {
  return {text.data(), text.size()};
}

}  // namespace ringpost::io::test
