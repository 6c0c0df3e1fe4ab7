// A choice among several by weight, the same for the same number.
//
// Layer: tool, pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringpost::loadgen {

// Spreads counters evenly over all 64 bits (the finalizer of splitmix64).
inline std::uint64_t scattered(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15U;
  number = (number ^ (number >> 30U)) * 0xBF58476D1CE4E5B9U;
  number = (number ^ (number >> 27U)) * 0x94D049BB133111EBU;
  return number ^ (number >> 31U);
}

class WeightedChoice {
 public:
  void add(double weight) { bounds_.push_back((bounds_.empty() ? 0 : bounds_.back()) + weight); }
  std::size_t size() const { return bounds_.size(); }
  // `number` is scattered; weights are positive, and there is at least one.
  std::size_t pick(std::uint64_t number) const {
    if (bounds_.size() == 1) return 0;
    const double place = static_cast<double>(number >> 11U) * 0x1p-53 * bounds_.back();
    const auto found = std::ranges::upper_bound(bounds_, place);
    return std::min(static_cast<std::size_t>(found - bounds_.begin()), bounds_.size() - 1);
  }

 private:
  std::vector<double> bounds_;
};

}  // namespace ringpost::loadgen
