#include "ringpost/schedule/retry.hpp"

#include <algorithm>
#include <cmath>

namespace ringpost::schedule {

Duration interval_after(const RetryOptions& options, unsigned attempts) {
  const unsigned index = std::max(attempts, 1U) - 1;
  if (const auto* list = std::get_if<std::vector<Duration>>(&options.intervals))
    return list->empty() ? Duration(1h) : (*list)[std::min<std::size_t>(index, list->size() - 1)];
  const auto& growing = std::get<ExponentialRetry>(options.intervals);
  const double grown =
      static_cast<double>(growing.first.count()) * std::pow(growing.factor, std::min(index, 64U));
  const auto max = static_cast<double>(growing.max.count());
  return Duration{static_cast<std::int64_t>(std::min(grown, max))};
}

Duration spread_interval(const RetryOptions& options, unsigned attempts, std::uint64_t random) {
  const Duration whole = interval_after(options, attempts);
  const std::int64_t quarter = whole.count() / 4;
  if (quarter == 0) return whole;
  return whole - Duration{quarter / 2} +
         Duration{static_cast<std::int64_t>(random % static_cast<std::uint64_t>(quarter))};
}

WallTime expiry(const RetryOptions& options, WallTime arrival, bool report) {
  return arrival +
         (report ? std::min(options.bounce_expire_after, options.expire_after) : options.expire_after);
}

}  // namespace ringpost::schedule
