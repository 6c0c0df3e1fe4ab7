// Runs that were read back, those of a name together, and how the names differ.
//
// Layer: tool, pure.
#pragma once

#include <array>
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
double figure_of(const admin::Json& run, const Figure& figure);

struct RunGroup {
  std::string name;
  std::vector<const admin::Json*> runs;
  std::vector<double> values(const Figure& figure) const;
};
// In the order of their first appearance. `runs` outlives them.
std::vector<RunGroup> groups_of(const std::vector<admin::Json>& runs);

struct Difference {
  const Figure* figure = nullptr;
  Ratio ratio;
  double p = 1;
  std::size_t runs = 0;  // of the smaller side
  bool real() const { return p < kRealBelow; }
};
// Of each figure, `other` over `base`.
std::vector<Difference> differences(const RunGroup& base, const RunGroup& other);
// "better", "worse", "no difference to be seen", "too few runs to tell"
std::string verdict(const Difference& difference);

// What a reader should know of a run, in sentences: own saturation, stalls, what was never begun.
std::vector<std::string> remarks(const admin::Json& run);

}  // namespace ringpost::loadgen
