#include "tune_choice.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kPlotWidth = 48;

std::string shown(const Candidate& candidate) {
  return candidate.value.empty() ? "(not set)" : candidate.value;
}

}  // namespace

Choice choose(const std::vector<Candidate>& candidates, std::size_t present, bool more_is_better) {
  const std::vector<double>& now = candidates[present].results;
  const auto rivals = static_cast<double>(std::max<std::size_t>(candidates.size(), 2) - 1);
  Choice best{.index = present, .reason = "the only value that was tried"};
  std::size_t rival = present;
  const auto better = [&](std::size_t a, std::size_t b) {
    const double x = median(candidates[a].results);
    const double y = median(candidates[b].results);
    return more_is_better ? x > y : x < y;
  };
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (i != present && (rival == present || better(i, rival))) rival = i;
  if (rival == present) return best;
  best.ratio = ratio_of(now, candidates[rival].results);
  best.p = std::min(1.0, rivals * mann_whitney_p(now, candidates[rival].results));
  const bool ahead = better(rival, present);
  const bool real = best.p < kRealBelow;
  best.changed = ahead && real;
  if (best.changed) best.index = rival;
  const std::string figures =
      fmt::format("{}, p {:.3f}, {} rounds", to_string(best.ratio), best.p, now.size());
  if (best.changed)
    best.reason = fmt::format("better than {}: {}", shown(candidates[present]), figures);
  else if (real)
    best.reason =
        fmt::format("better than all that was tried; next {}: {}", shown(candidates[rival]), figures);
  else
    best.reason = fmt::format("kept: no real difference to {}: {}", shown(candidates[rival]), figures);
  return best;
}

std::optional<double> measurement_in(std::string_view said) {
  constexpr std::string_view kBlanks = " \t\r\n";
  said.remove_prefix(std::min(said.find_first_not_of(kBlanks), said.size()));
  double number = 0;
  const char* const end = said.data() + said.size();
  const auto [stop, error] = std::from_chars(said.data(), end, number);
  if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
  const bool rest = std::string_view(stop, end).find_first_not_of(kBlanks) != std::string_view::npos;
  return rest ? std::nullopt : std::optional(number);
}

std::string strip_plot(const std::vector<Candidate>& candidates) {
  double low = 0;
  double high = 0;
  bool any = false;
  std::size_t width = 0;
  for (const Candidate& one : candidates) {
    width = std::max(width, shown(one).size());
    for (const double result : one.results) {
      low = any ? std::min(low, result) : result;
      high = any ? std::max(high, result) : result;
      any = true;
    }
  }
  std::string text;
  for (const Candidate& one : candidates) {
    std::string strip(kPlotWidth, ' ');
    const auto place = [&](double value) {
      return high > low ? static_cast<std::size_t>((value - low) / (high - low) * (kPlotWidth - 1))
                        : kPlotWidth / 2;
    };
    for (const double result : one.results) strip[place(result)] = 'o';
    if (!one.results.empty()) strip[place(median(one.results))] = '#';
    text += fmt::format("  {:<{}} |{}| median {:.2f}\n", shown(one), width, strip, median(one.results));
  }
  return text;
}

}  // namespace ringpost::loadgen
