// Plots as SVG, complete in themselves: a few lines or bars over an axis, for screen, phone and paper.
//
// Layer: tool, pure. A plot is as wide as where it stands; its text stays legible at 320 points.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ringpost::loadgen {

struct PlotLine {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

struct Plot {
  std::string title;
  std::string x_unit;
  std::string y_unit;
  bool x_logarithmic = false;
  bool y_logarithmic = false;
  bool bars = false;  // the first line as bars
  std::vector<PlotLine> lines;
};

// A figure with its caption and legend; nothing when there is no point.
std::string svg_of(const Plot& plot);
// Fewer points, each the largest of those that it stands for, so that no peak is lost.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points,
                                               std::size_t most);
std::string html_escaped(std::string_view text);
// "1.5k", "20", "0.05"
std::string short_number(double value);

}  // namespace ringpost::loadgen
