// Runs that were read back, those of a name together, and how the names differ.
//
// Layer: tool, pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"

#include "statistics.hpp"

namespace ringpost::loadgen {

// A figure of a run, and whether more of it is better.
struct Figure {
  std::string_view key;
  std::string_view name;
  std::string_view unit;
  bool more_is_better;
};
inline constexpr std::array<Figure, 6> kFigures{{{"rate", "rate", "/s", true},
                                                 {"p50_ms", "p50", "ms", false},
                                                 {"p99_ms", "p99", "ms", false},
                                                 {"p99_9_ms", "p99.9", "ms", false},
                                                 {"max_ms", "longest", "ms", false},
                                                 {"us_per_message", "loader's CPU", "us", false}}};

double number_of(const admin::Json& json);
// Nothing: the run has none, as one without mail has no latency.
std::optional<double> figure_of(const admin::Json& run, const Figure& figure);
// "1234", "0.412"; "none"
std::string shown(std::optional<double> value, const Figure& figure);

struct RunGroup {
  std::string name;
  std::vector<const admin::Json*> runs;
  std::vector<double> values(const Figure& figure) const;  // of those that have it
  std::optional<double> middle(const Figure& figure) const;
};
// In the order of their first appearance. `runs` outlives them.
std::vector<RunGroup> groups_of(const std::vector<admin::Json>& runs);

struct Difference {
  const Figure* figure = nullptr;
  double base = 0;  // medians
  double other = 0;
  Ratio ratio;
  double p = 1;
  std::size_t runs = 0;  // of the smaller side
  bool real() const { return p < kRealBelow; }
};
// Of each figure, `other` over `base`.
std::vector<Difference> differences(const RunGroup& base, const RunGroup& other);
// "better", "worse", "no difference to be seen", "too few runs to tell"; "none": a side has no such figure
std::string verdict(const Difference& difference);

// Counts of a run's summary that should be 0.
inline constexpr std::array<std::string_view, 7> kFailureKeys{
    "refused",        "unanswered",       "never_begun", "connect_failures",
    "greet_failures", "lost_connections", "timeouts"};
// What went wrong in it: "12 refused (550: 10, 451: 2), 3 connections refused"; empty: nothing.
std::string failures(const admin::Json& run);
// What a reader should know of a run, in sentences: failures, own saturation, stalls, what was never begun.
std::vector<std::string> remarks(const admin::Json& run);

}  // namespace ringpost::loadgen
