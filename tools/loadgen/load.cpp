#include "load.hpp"

#include <optional>

#include <fmt/format.h>

#include "limits.hpp"
#include "rate_search.hpp"
#include "run_file.hpp"

namespace ringpost::loadgen {

namespace {

int complain(const Error& error) {
  fmt::print(stderr, "loadgen: {}\n", error.text);
  return 2;
}

int tell(const LoadOptions& options, const LoadOutcome& outcome) {
  fmt::print("{}", options.common.json ? outcome.summary + "\n" : outcome.text);
  int code = outcome.acknowledged > 0 ? 0 : 1;
  if (!options.run_file.empty())
    if (auto written = write_file(options.run_file, admin::to_string(outcome.run) + "\n"); !written)
      code = complain(written.error());
  if (outcome.abandoned != 0) leave_at_once(code);
  return code;
}

// A rate is kept when all was answered, and at most one in a hundred waited longer than the bound, those that
// still wait for a connection among them.
bool kept(const LoadOptions& options, const LoadOutcome& outcome) {
  const auto bound = static_cast<std::uint64_t>(options.search_p99.count());
  std::uint64_t late = outcome.overdue;
  for (const auto& [upper, count] : outcome.latency.buckets())
    if (upper > bound) late += count;
  return outcome.wrong == 0 && outcome.acknowledged > 0 &&
         late * 100 <= outcome.acknowledged + outcome.overdue;
}

int search(const LoadOptions& options, const MakePlan& make_plan, Signals& signals) {
  RateSearch rates(options.rate > 0 ? options.rate : 100);
  std::optional<LoadOutcome> best;
  admin::Json::List steps;
  std::string_view unit;
  while (const auto rate = rates.next()) {
    auto plan = make_plan(*rate);
    if (!plan) return complain(plan.error());
    unit = (*plan)->unit();
    auto outcome = run_once(std::move(*plan), signals);
    if (!outcome) return complain(outcome.error());
    if (outcome->interrupted || outcome->abandoned != 0) return tell(options, *outcome);
    const bool good = kept(options, *outcome);
    const bool own = !good && outcome->saturated;
    if (!options.common.quiet)
      fmt::print(stderr, "{:>8.0f}/s  p99 {:>9.3f} ms  {}{}\n", *rate,
                 static_cast<double>(outcome->latency.quantile(0.99)) / 1e6, good ? "kept" : "not kept",
                 own ? " (this process had no time left)" : "");
    steps.push_back(admin::Json()
                        .set("rate", *rate)
                        .set("p99_ms", static_cast<double>(outcome->latency.quantile(0.99)) / 1e6)
                        .set("kept", good)
                        .set("saturated", outcome->saturated));
    rates.learn(good);
    if (good) best = std::move(*outcome);
  }
  if (!best) {
    fmt::print(stderr, "loadgen: not even {:.1f}/s was answered with p99 below the bound\n",
               rates.worst().value_or(0));
    return 1;
  }
  const auto bound_ms = std::chrono::duration<double, std::milli>(options.search_p99).count();
  if (!options.common.json)
    fmt::print("highest rate with p99 below {:g} ms: {:.0f} {}/s; the run at that rate:\n", bound_ms,
               *rates.best(), unit);
  best->run.set(
      "search",
      admin::Json().set("p99_bound_ms", bound_ms).set("rate", *rates.best()).set("steps", std::move(steps)));
  best->summary.insert(best->summary.size() - 1, fmt::format(R"(, "search_rate": {:.3f})", *rates.best()));
  return tell(options, *best);
}

}  // namespace

int run_load(const LoadOptions& options, const MakePlan& make_plan, Signals& signals) {
  raise_descriptor_limit();
  if (options.search_p99 > Duration{0}) return search(options, make_plan, signals);
  auto plan = make_plan(options.rate);
  if (!plan) return complain(plan.error());
  auto outcome = run_once(std::move(*plan), signals);
  if (!outcome) return complain(outcome.error());
  return tell(options, *outcome);
}

}  // namespace ringpost::loadgen
