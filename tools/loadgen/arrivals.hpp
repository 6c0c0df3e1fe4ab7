// When the messages of an open loop are due: fixed or by chance, at one rate or at one that rises.
//
// Layer:  tool, pure. Owner: one core; a function of seed, core and number of cores alone.
// Method: N(t) messages are due until t, the integral of the rate. A fixed loop has message k at the t where
//         N(t) = k, uniform over all cores; a Poisson loop adds up exponential gaps of mean 1 instead of ones.
#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "ringpost/base/units.hpp"

namespace ringpost::loadgen {

enum class Spacing : std::uint8_t { fixed, poisson };

// Messages a second, over all cores, rising (or falling) evenly from `from` to `to`.
struct RateProfile {
  double from = 0;
  double to = 0;
  Duration over{0};  // of the whole run

  bool open() const { return from > 0 || to > 0; }
  double until(Duration time) const;                 // how many are due before it
  std::optional<Duration> when(double count) const;  // nothing: never within the run
};

class Arrivals {
 public:
  Arrivals() = default;
  Arrivals(const RateProfile& profile, Spacing spacing, std::uint64_t seed, unsigned core, unsigned cores);
  // When the next message of this core is due after the start, exactly; nothing when the run is over before.
  std::optional<Duration> next();

 private:
  RateProfile profile_;
  Spacing spacing_ = Spacing::fixed;
  std::mt19937_64 random_;
  unsigned core_ = 0;
  unsigned cores_ = 1;
  std::uint64_t given_ = 0;
  double sum_ = 0;
};

}  // namespace ringpost::loadgen
