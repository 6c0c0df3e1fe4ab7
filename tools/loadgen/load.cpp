#include "load.hpp"

#include <optional>

#include <fmt/format.h>

#include "limits.hpp"
#include "output.hpp"
#include "rate_search.hpp"
#include "run_file.hpp"

namespace ringpost::loadgen {

namespace {

// `before`: what stands in front of the text of the run.
int tell(const LoadOptions& options, const LoadOutcome& outcome, const std::string& before = {}) {
  int code = outcome.incomplete ? kLinesLost : outcome.acknowledged > 0 ? 0 : 1;
  code = output(options.common.json ? outcome.summary + "\n" : before + outcome.text, code);
  if (!options.run_file.empty())
    if (auto written = write_file(options.run_file, admin::to_string(outcome.run) + "\n"); !written)
      code = complain(written.error().text);
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
    if (!plan) return complain(plan.error().text);
    unit = (*plan)->unit();
    auto outcome = run_once(std::move(*plan), signals);
    if (!outcome) return complain(outcome.error().text);
    if (outcome->interrupted || outcome->incomplete || outcome->abandoned != 0)
      return tell(options, *outcome);
    const bool good = kept(options, *outcome);
    const bool own = !good && outcome->saturated;
    if (!options.common.quiet)
      say("{:>8.0f}/s  p99 {:>9.3f} ms  {}{}\n", *rate,
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
    say("loadgen: not even {:.1f}/s was answered with p99 below the bound\n", rates.worst().value_or(0));
    return 1;
  }
  const auto bound_ms = std::chrono::duration<double, std::milli>(options.search_p99).count();
  const bool limited = rates.worst().has_value();
  best->run.set("search", admin::Json()
                              .set("p99_bound_ms", bound_ms)
                              .set("rate", *rates.best())
                              .set("limit_found", limited)
                              .set("steps", std::move(steps)));
  best->summary.insert(
      best->summary.size() - 1,
      fmt::format(R"(, "search_rate": {:.3f}, "search_limit_found": {})", *rates.best(), limited));
  const std::string found =
      fmt::format("highest rate {} p99 below {:g} ms: {:.0f} {}/s; the run at that rate:\n",
                  limited ? "with" : "tried, and none was too high: with", bound_ms, *rates.best(), unit);
  return tell(options, *best, found);
}

}  // namespace

int run_load(const LoadOptions& options, const MakePlan& make_plan, Signals& signals) {
  raise_descriptor_limit();
  if (!options.run_file.empty())
    if (auto writable = can_write(options.run_file); !writable) return complain(writable.error().text);
  if (options.search_p99 > Duration{0}) return search(options, make_plan, signals);
  auto plan = make_plan(options.rate);
  if (!plan) return complain(plan.error().text);
  auto outcome = run_once(std::move(*plan), signals);
  if (!outcome) return complain(outcome.error().text);
  return tell(options, *outcome);
}

}  // namespace ringpost::loadgen
