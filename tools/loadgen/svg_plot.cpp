#include "svg_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>

namespace ringpost::loadgen {

namespace {

constexpr double kWidth = 380;
constexpr double kHeight = 220;
constexpr double kLeft = 46;
constexpr double kRight = 10;
constexpr double kTop = 10;
constexpr double kBottom = 26;
constexpr std::size_t kPointsMax = 400;
// Told apart by those who see no red and green, and in print by their dashes.
constexpr std::array<std::string_view, 8> kColours{"#0b62a4", "#d9730d", "#2a8c4a", "#b3261e",
                                                   "#7a3e9d", "#00838f", "#8d6e00", "#555555"};
constexpr std::array<std::string_view, 4> kDashes{"", "6 3", "2 2", "8 3 2 3"};

struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;

  double place(double value) const {
    if (!logarithmic) return (value - low) / (high - low);
    return std::log(std::max(value, low) / low) / std::log(high / low);
  }
  std::vector<double> ticks() const {
    std::vector<double> marks;
    if (logarithmic) {
      const double decades = std::log10(high / low);
      for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high * 1.001; decade *= 10)
        for (const double part : {1.0, 2.0, 5.0})
          if (decade * part >= low * 0.999 && decade * part <= high * 1.001 && (part == 1 || decades < 2.5))
            marks.push_back(decade * part);
      return marks;
    }
    const double step = nice((high - low) / 5);
    for (double mark = std::ceil(low / step) * step; mark <= high + step * 0.001; mark += step)
      marks.push_back(mark);
    return marks;
  }
  static double nice(double step) {
    const double decade = std::pow(10, std::floor(std::log10(step)));
    for (const double part : {1.0, 2.0, 5.0})
      if (step <= decade * part) return decade * part;
    return decade * 10;
  }
};

Axis axis_of(const Plot& plot, bool x) {
  Axis axis{.logarithmic = x ? plot.x_logarithmic : plot.y_logarithmic};
  double least = std::numeric_limits<double>::max();
  double most = 0;
  for (const PlotLine& line : plot.lines)
    for (const auto& [px, py] : line.points) {
      const double value = x ? px : py;
      if (!axis.logarithmic || value > 0) least = std::min(least, value);
      most = std::max(most, value);
    }
  if (axis.logarithmic) {
    axis.low = least <= 0 || least > most ? 0.001 : least;
    axis.high = std::max(most, axis.low * 10);
  } else {
    axis.low = x ? least : 0;
    axis.high = x ? most : most * 1.05;
    if (axis.high <= axis.low) axis.high = axis.low + 1;
  }
  return axis;
}

double x_of(const Axis& axis, double value) {
  return kLeft + std::clamp(axis.place(value), 0.0, 1.0) * (kWidth - kLeft - kRight);
}

double y_of(const Axis& axis, double value) {
  return kHeight - kBottom - std::clamp(axis.place(value), 0.0, 1.0) * (kHeight - kTop - kBottom);
}

std::string grid(const Axis& x, const Axis& y, const Plot& plot) {
  std::string text;
  for (const double mark : y.ticks())
    text += fmt::format(
        R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
        kLeft, kWidth - kRight, y_of(y, mark), y_of(y, mark), kLeft - 4, y_of(y, mark) + 4,
        short_number(mark));
  for (const double mark : x.ticks())
    text += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)",
                        std::min(x_of(x, mark), kWidth - kRight - 6), kHeight - 9, short_number(mark));
  return text +
         fmt::format(R"(<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>)", kLeft, kWidth - kRight,
                     kHeight - kBottom, kHeight - kBottom) +
         fmt::format(R"(<title>{}</title>)", html_escaped(plot.title));
}

std::string bars(const PlotLine& line, const Axis& x, const Axis& y) {
  std::string text;
  double before = kLeft;
  for (const auto& [px, py] : line.points) {
    const double right = x_of(x, px);
    const double top = y_of(y, py);
    text += fmt::format(
        R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"><title>{} : {}</title></rect>)",
        std::max(before, right - 12), top, std::max(right - std::max(before, right - 12), 1.0),
        kHeight - kBottom - top, kColours[0], short_number(px), short_number(py));
    before = right;
  }
  return text;
}

std::string polyline(const PlotLine& line, std::size_t index, const Axis& x, const Axis& y) {
  std::string places;
  for (const auto& [px, py] : thinned(line.points, kPointsMax))
    places += fmt::format("{:.1f},{:.1f} ", x_of(x, px), y_of(y, py));
  if (line.points.size() == 1)
    return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>)", x_of(x, line.points[0].first),
                       y_of(y, line.points[0].second), kColours[index % kColours.size()]);
  return fmt::format(R"(<polyline points="{}" stroke="{}" stroke-dasharray="{}"/>)", places,
                     kColours[index % kColours.size()], kDashes[index % kDashes.size()]);
}

std::string legend(const Plot& plot) {
  if (plot.lines.size() < 2) return {};
  std::string text = R"(<div class="legend">)";
  for (std::size_t i = 0; i < plot.lines.size(); ++i)
    text += fmt::format(
        R"(<span><svg viewBox="0 0 24 8" class="key"><line x1="0" x2="24" y1="4" y2="4" stroke="{}" stroke-dasharray="{}"/></svg>{}</span> )",
        kColours[i % kColours.size()], kDashes[i % kDashes.size()], html_escaped(plot.lines[i].name));
  return text + "</div>";
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else
      escaped += c;
  }
  return escaped;
}

std::string short_number(double value) {
  if (value >= 1e9) return fmt::format("{:.3g}G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.3g}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.3g}k", value / 1e3);
  if (value >= 1000) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", std::abs(value) < 1e-9 ? 0.0 : value);
}

std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points,
                                               std::size_t most) {
  if (points.size() <= most) return points;
  std::vector<std::pair<double, double>> fewer;
  const std::size_t step = (points.size() + most - 1) / most;
  for (std::size_t i = 0; i < points.size(); i += step) {
    const auto part = std::span(points).subspan(i, std::min(step, points.size() - i));
    fewer.push_back(*std::ranges::max_element(part, {}, &std::pair<double, double>::second));
  }
  return fewer;
}

std::string svg_of(const Plot& plot) {
  const bool any = std::ranges::any_of(plot.lines, [](const PlotLine& line) { return !line.points.empty(); });
  if (!any) return {};
  const Axis x = axis_of(plot, true);
  const Axis y = axis_of(plot, false);
  std::string drawn;
  for (std::size_t i = 0; i < plot.lines.size(); ++i)
    if (!plot.lines[i].points.empty())
      drawn += plot.bars ? bars(plot.lines[i], x, y) : polyline(plot.lines[i], i, x, y);
  return fmt::format(
      R"(<figure><figcaption>{} <small>{} over {}</small></figcaption><svg class="plot" viewBox="0 0 {} {}" role="img">{}{}</svg>{}</figure>
)",
      html_escaped(plot.title), html_escaped(plot.y_unit), html_escaped(plot.x_unit), kWidth, kHeight,
      grid(x, y, plot), drawn, legend(plot));
}

}  // namespace ringpost::loadgen
