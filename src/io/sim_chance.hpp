// All that is left to chance in a simulated world, in one place: what each operation meets is decided here.
//
// Layer: io, private. Faults enter here: an Outcome may carry an error or less than was asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/io/limits.hpp"
#include "ringpost/io/sim.hpp"

namespace ringpost::io::sim {

// xoshiro256**, seeded by splitmix64: the same numbers everywhere, unlike the standard library's distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);  // 0 when bound is 0
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_[4];
};

// What happens to one operation on a file.
struct Outcome {
  Duration latency{0};
  std::int32_t error = 0;                     // negative: instead of doing it
  std::uint64_t bytes_max = kOperationBytes;  // do no more than so much
  bool breaks_file = false;                   // with the error: no write succeeds from now on
  bool misdirected = false;
  bool rotten = false;       // a read: one bit is wrong
  bool read_failed = false;  // with the error
  bool read_fails() const { return read_failed || rotten; }
  static constexpr std::uint64_t kOperationBytes = ~std::uint64_t{0};
};

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  void set_faults(const SimFaults& faults) { faults_ = faults; }
  const SimFaults& faults() const { return faults_; }
  const std::map<std::string, std::uint64_t, std::less<>>& happened() const { return happened_; }
  void note(std::string_view what);
  // One time in `count`, and noted when it comes; never when `count` is 0.
  bool strikes(std::uint32_t count, std::string_view what);
  bool strikes(std::uint32_t count) { return count != 0 && random_.one_in(count); }
  bool coin() { return random_.one_in(2); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return random_.between(low, high); }
  Duration up_to(Duration longest) {
    return Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(longest.count())))};
  }

  // `reads_well`: nothing goes wrong with a read.
  Outcome file_operation(const Op& op, bool reads_well);
  // A cancel reaches an operation on a file before it has begun, and one on a socket before something else happens to it.
  bool cancel_in_time() {
    const bool in_time = random_.one_in(2);
    if (!in_time) note("network: a cancel came late");
    return in_time;
  }
  Duration cancel_delay() { return std::chrono::microseconds{random_.below(200)}; }
  // One way between two hosts, for the life of a connection; and what one segment adds to it.
  Duration path_latency() { return std::chrono::microseconds{random_.between(20, 1000)}; }
  Duration jitter(Duration latency) {
    return Duration{
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(latency.count()) / 4 + 1))};
  }
  // Between two segments on their way.
  Duration gap() { return Duration{static_cast<std::int64_t>(random_.below(5000))}; }
  // How many of `available` bytes travel together.
  std::size_t segment(std::size_t available);
  // How many of `available` bytes one receive gets.
  std::size_t receive(std::size_t available);
  std::size_t pick(std::size_t count) { return static_cast<std::size_t>(random_.below(count)); }
  std::uint64_t number() { return random_.next(); }

 private:
  void add_faults(const Op& op, bool reads_well, Outcome& outcome);
  Random random_;
  SimFaults faults_;
  std::map<std::string, std::uint64_t, std::less<>> happened_;
};

}  // namespace ringpost::io::sim
