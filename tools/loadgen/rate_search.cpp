#include "rate_search.hpp"

#include <cmath>

#include "limits.hpp"

namespace ringpost::loadgen {

void RateSearch::learn(bool good) {
  (good ? best_ : bad_) = next_;
  if (!bad_)
    next_ *= 2;
  else if (!best_)
    next_ /= 4;
  else
    next_ = std::sqrt(*best_ * *bad_);
  const bool found = best_ && bad_ && *bad_ / *best_ < kSearchPrecision;
  done_ = ++steps_ >= kSearchStepsMax || found || next_ < 1;
}

}  // namespace ringpost::loadgen
