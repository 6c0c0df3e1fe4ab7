#include "live_view.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "output.hpp"
#include "report.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kSparkWidth = 60;  // a minute
constexpr std::size_t kCoresShown = 16;  // a terminal has no more lines to spare

}  // namespace

LiveView::LiveView(bool wanted) : wanted_(wanted && isatty(STDERR_FILENO) == 1) {}

void LiveView::show(const std::vector<std::string>& lines) {
  if (!wanted_) return;
  clear();
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  say_text(text);
  drawn_ = lines.size();
}

// Up over what was drawn, and away with it.
void LiveView::clear() {
  if (drawn_ == 0) return;
  say("\x1b[{}A\r\x1b[J", drawn_);
  drawn_ = 0;
}

std::string sparkline(const std::vector<double>& values) {
  constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = values.empty() ? 0 : std::ranges::max(values);
  std::string text;
  for (const double value : values)
    text += kBlocks[most <= 0 ? 0 : std::min<std::size_t>(7, static_cast<std::size_t>(value / most * 7.999))];
  return text;
}

std::vector<std::string> live_lines(const std::vector<Second>& seconds, std::uint64_t acknowledged) {
  if (seconds.empty()) return {};
  const Second& last = seconds.back();
  std::vector<double> rates;
  const std::size_t first = seconds.size() - std::min(seconds.size(), kSparkWidth);
  for (std::size_t i = first; i < seconds.size(); ++i) rates.push_back(seconds[i].rate());
  std::vector<std::string> lines{
      fmt::format("{:>5.0f} s  {} acknowledged  {:.0f}/s  {} refused or unanswered", last.at,
                  grouped(acknowledged), last.rate(), last.wrong()),
      fmt::format("         p50 {}  p99 {}  p99.9 {}", milliseconds(last.latency.quantile(0.5)),
                  milliseconds(last.latency.quantile(0.99)), milliseconds(last.latency.quantile(0.999)))};
  for (std::size_t i = 0; i < std::min(last.cores.size(), kCoresShown); ++i)
    lines.push_back(fmt::format("core {:>2}  {:>3.0f} % busy  {:.0f}/s", i, last.cores[i].cpu * 100,
                                static_cast<double>(last.cores[i].acknowledged) / last.length));
  lines.push_back("         " + sparkline(rates));
  return lines;
}

}  // namespace ringpost::loadgen
