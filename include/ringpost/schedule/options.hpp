// [retry]: when a deferred message is tried again, and when it is given up.
//
// Layer: base only.
#pragma once

#include <variant>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::schedule {

// { first = "20m", factor = 2, max = "4h" }
struct ExponentialRetry {
  Duration first = 20min;
  double factor = 2;
  Duration max = 4h;
  bool operator==(const ExponentialRetry&) const = default;
};
const OptionTable& option_table(const ExponentialRetry*);

struct RetryOptions {
  std::variant<std::vector<Duration>, ExponentialRetry> intervals =
      std::vector<Duration>{5min, 15min, 1h, 4h};
  Duration expire_after = 120h;
  Duration bounce_expire_after = 24h;
  Duration warn_after = 4h;
};
const OptionTable& option_table(const RetryOptions*);

}  // namespace ringpost::schedule
