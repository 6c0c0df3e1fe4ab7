#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

namespace ringpost::loadgen {

namespace {

// How many pairs (x of a, y of b) have x < y; equal ones count half.
double u_of(std::span<const double> a, std::span<const double> b) {
  double u = 0;
  for (const double x : a)
    for (const double y : b) u += x < y ? 1 : x == y ? 0.5 : 0;
  return u;
}

bool has_ties(std::span<const double> a, std::span<const double> b) {
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  std::ranges::sort(all);
  return std::ranges::adjacent_find(all) != all.end();
}

// ways[u]: orders of m and n values that give U = u, by the recurrence over which of them is the largest.
std::vector<double> orders(std::size_t m, std::size_t n) {
  std::vector<std::vector<std::vector<double>>> ways(m + 1, std::vector<std::vector<double>>(n + 1));
  for (std::size_t i = 0; i <= m; ++i)
    for (std::size_t j = 0; j <= n; ++j) {
      std::vector<double>& here = ways[i][j];
      here.assign(i * j + 1, 0);
      if (i == 0 || j == 0) {
        here[0] = 1;
        continue;
      }
      for (std::size_t u = 0; u < ways[i - 1][j].size(); ++u) here[u] += ways[i - 1][j][u];
      for (std::size_t u = 0; u < ways[i][j - 1].size(); ++u) here[u + i] += ways[i][j - 1][u];
    }
  return ways[m][n];
}

double exact_p(std::size_t m, std::size_t n, double u) {
  const std::vector<double> ways = orders(m, n);
  const auto edge = static_cast<std::size_t>(std::min(u, static_cast<double>(m * n) - u));
  double all = 0;
  double tail = 0;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    all += ways[i];
    if (i <= edge) tail += ways[i];
  }
  return std::min(1.0, 2 * tail / all);
}

double normal_p(std::span<const double> a, std::span<const double> b, double u) {
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  std::ranges::sort(all);
  const auto m = static_cast<double>(a.size());
  const auto n = static_cast<double>(b.size());
  const double whole = m + n;
  double ties = 0;
  for (std::size_t i = 0, next = 0; i < all.size(); i = next) {
    while (next < all.size() && all[next] == all[i]) ++next;
    const auto t = static_cast<double>(next - i);
    ties += t * t * t - t;
  }
  const double variance = m * n / 12 * (whole + 1 - ties / (whole * (whole - 1)));
  if (variance <= 0) return 1;
  const double distance = std::max(0.0, std::abs(u - m * n / 2) - 0.5);
  return std::min(1.0, std::erfc(distance / std::sqrt(2 * variance)));
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double mann_whitney_p(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  const double u = u_of(a, b);
  if (a.size() <= kExactMax && b.size() <= kExactMax && !has_ties(a, b))
    return exact_p(a.size(), b.size(), u);
  return normal_p(a, b, u);
}

Ratio ratio_of(std::span<const double> a, std::span<const double> b) {
  Ratio ratio;
  const double base = median({a.begin(), a.end()});
  if (a.empty() || b.empty() || !(base > 0)) return ratio;
  ratio.known = true;
  ratio.value = median({b.begin(), b.end()}) / base;
  std::mt19937_64 random(1);
  const auto resampled = [&](std::span<const double> from) {
    std::vector<double> values(from.size());
    std::uniform_int_distribution<std::size_t> index(0, from.size() - 1);
    for (double& value : values) value = from[index(random)];
    return median(std::move(values));
  };
  std::vector<double> ratios;
  for (std::size_t i = 0; i < kResamples; ++i) {
    const double below = resampled(a);
    const double above = resampled(b);
    // A resampling that is all zeros says nothing of a ratio.
    if (below > 0) ratios.push_back(above / below);
  }
  std::ranges::sort(ratios);
  if (ratios.empty()) return {.known = true, .value = ratio.value, .low = ratio.value, .high = ratio.value};
  ratio.low = ratios[ratios.size() / 40];
  ratio.high = ratios[ratios.size() - 1 - ratios.size() / 40];
  return ratio;
}

std::string to_string(const Ratio& ratio) {
  if (!ratio.known) return "no ratio";
  return fmt::format("x {:.3f} ({:.3f} to {:.3f})", ratio.value, ratio.low, ratio.high);
}

}  // namespace ringpost::loadgen
