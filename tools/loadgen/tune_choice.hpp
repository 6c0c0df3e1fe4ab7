// Which value of an option is best, and whether that is more than noise.
//
// Layer: tool, pure. A value wins over the present one only when its results differ with p below kRealBelow, divided by the
//        number of rivals (Bonferroni): the more values are tried, the more one seems better by chance.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "statistics.hpp"

namespace ringpost::loadgen {

struct Candidate {
  std::string value;            // as TOML; empty: the option is not set
  std::vector<double> results;  // of each round
};

struct Choice {
  std::size_t index = 0;  // of the candidate to take
  Ratio ratio;            // of it, or of the best rival, over the present value
  double p = 1;           // corrected
  bool changed = false;
  std::string reason;
};

// `present`: index of the value that is configured now.
Choice choose(const std::vector<Candidate>& candidates, std::size_t present, bool more_is_better);

// What a command that measures has printed: one number and blanks. Nothing: it is no measurement.
std::optional<double> measurement_in(std::string_view said);

// A line for each value: its runs as dots on one scale, with their median.
std::string strip_plot(const std::vector<Candidate>& candidates);

}  // namespace ringpost::loadgen
