// Looks for the highest rate at which a server still answers as it should: doubles until it does not, then halves the gap.
//
// Layer: tool, pure. Steps: at most kSearchStepsMax; ends when the gap is below kSearchPrecision.
#pragma once

#include <optional>

namespace ringpost::loadgen {

class RateSearch {
 public:
  explicit RateSearch(double first) : next_(first) {}
  // What to try; nothing: it is found.
  std::optional<double> next() const { return done_ ? std::nullopt : std::optional(next_); }
  void learn(bool good);
  // The highest good one; nothing: none was.
  std::optional<double> best() const { return best_; }
  std::optional<double> worst() const { return bad_; }  // the lowest that was not

 private:
  double next_;
  std::optional<double> best_;
  std::optional<double> bad_;
  unsigned steps_ = 0;
  bool done_ = false;
};

}  // namespace ringpost::loadgen
