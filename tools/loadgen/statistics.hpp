// Whether two sets of measurements differ, or only seem to.
//
// Layer: tool, pure. Resampling is seeded: the same figures give the same answer.
// Methods: Mann-Whitney U, two-sided: exact for up to kExactMax values a side without ties, else the normal approximation with
//          correction for ties and continuity. Bootstrap: percentiles of resampled ratios of medians.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ringpost::loadgen {

inline constexpr std::size_t kExactMax = 20;
inline constexpr std::size_t kResamples = 4000;
// A difference counts as real when chance alone makes one as large less often than this.
inline constexpr double kRealBelow = 0.05;

double median(std::vector<double> values);  // 0 of none
// How often chance alone would part two samples of the same source at least so far.
double mann_whitney_p(std::span<const double> a, std::span<const double> b);

struct Ratio {
  bool known = false;  // there is none over nothing, or over 0
  double value = 0;    // median of b over median of a
  double low = 0;      // 95 % of resampled ratios lie between these
  double high = 0;
};
// "x 1.234 (1.100 to 1.300)", "no ratio"
std::string to_string(const Ratio& ratio);
Ratio ratio_of(std::span<const double> a, std::span<const double> b);

}  // namespace ringpost::loadgen
