#include "ringpost/schedule/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::schedule {

namespace {

constexpr Duration kIntervalMin = 1s;   // less is a load on both sides and no better chance
constexpr Duration kIntervalMax = 48h;  // longer than that a receiver is hardly ever away

void check_intervals(const RetryOptions& options, OptionReport& report) {
  const auto* const list = std::get_if<std::vector<Duration>>(&options.intervals);
  if (list == nullptr) return;  // its own table has the ranges
  if (list->empty())
    report.error("intervals", "is empty", "write at least one, as [\"5m\", \"15m\", \"1h\", \"4h\"]");
  for (const Duration interval : *list)
    if (interval < kIntervalMin || interval > kIntervalMax)
      report.error("intervals", "\"" + to_string(interval) + "\" is out of range",
                   "allowed is " + to_string(kIntervalMin) + " to " + to_string(kIntervalMax));
}

}  // namespace

const OptionTable& option_table(const ExponentialRetry*) {
  static const OptionTable table = options_of<ExponentialRetry>(
      "exponential", "Intervals that grow by a factor.",
      {
          field<&ExponentialRetry::first>("first", "The first interval.", range(kIntervalMin, 24h)),
          field<&ExponentialRetry::factor>("factor", "By this much each is longer.", range(1.0, 10.0)),
          field<&ExponentialRetry::max>("max", "But never longer than this.",
                                        range(kIntervalMin, kIntervalMax)),
      });
  return table;
}

const OptionTable& option_table(const RetryOptions*) {
  static const OptionTable table = options_of<RetryOptions>(
      "retry", "When a deferred message is tried again, and when it is given up.",
      {
          field<&RetryOptions::intervals>(
              "intervals", "Between attempts: a list of which the last repeats, or { first, factor, max }.",
              postfix("minimal_backoff_time, maximal_backoff_time")),
          field<&RetryOptions::expire_after>(
              "expire_after", "A message as old as this is returned to its sender.", range(1s, 720h),
              example("\"5d\""), postfix("maximal_queue_lifetime")),
          field<&RetryOptions::bounce_expire_after>("bounce_expire_after",
                                                    "The same for reports, which have no sender.",
                                                    range(1s, 720h), postfix("bounce_queue_lifetime")),
          field<&RetryOptions::warn_after>("warn_after",
                                           "After so long the sender is told of the delay, once; 0s: never.",
                                           range(0s, 720h), postfix("delay_warning_time")),
      },
      &check_intervals);
  return table;
}

}  // namespace ringpost::schedule
