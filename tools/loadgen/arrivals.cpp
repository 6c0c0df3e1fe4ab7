#include "arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace ringpost::loadgen {

namespace {

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration of_seconds(double seconds) {
  return Duration{static_cast<std::int64_t>(std::llround(seconds * 1e9))};
}

}  // namespace

double RateProfile::until(Duration time) const {
  const double t = in_seconds(std::min(time, over));
  return from * t + (to - from) * t * t / (2 * in_seconds(over));
}

// The root of until(t) = count; the form that stays exact when the rate hardly changes.
std::optional<Duration> RateProfile::when(double count) const {
  const double slope = (to - from) / in_seconds(over);
  const double square = from * from + 2 * slope * count;
  const double root = std::sqrt(std::max(square, 0.0));
  if (square < 0 || from + root <= 0) return count == 0 ? std::optional(Duration{0}) : std::nullopt;
  const Duration time = of_seconds(2 * count / (from + root));
  return time < over ? std::optional(time) : std::nullopt;
}

Arrivals::Arrivals(const RateProfile& profile, Spacing spacing, std::uint64_t seed, unsigned core,
                   unsigned cores)
    : profile_(profile), spacing_(spacing), random_(seed * 1000 + core), core_(core), cores_(cores) {}

std::optional<Duration> Arrivals::next() {
  if (spacing_ == Spacing::fixed) return profile_.when(static_cast<double>(given_++) * cores_ + core_);
  sum_ += std::exponential_distribution<double>(1)(random_);
  return profile_.when(sum_ * cores_);
}

}  // namespace ringpost::loadgen
