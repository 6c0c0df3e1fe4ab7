// What is seen on a terminal while a run goes on: a few lines, drawn again each second.
//
// Layer: tool. Main thread. Silent when standard error is no terminal.
#pragma once

#include <string>
#include <vector>

#include "series.hpp"

namespace ringpost::loadgen {

class LiveView {
 public:
  explicit LiveView(bool wanted);
  ~LiveView() { clear(); }
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  void show(const std::vector<std::string>& lines);
  void clear();

 private:
  bool wanted_;
  std::size_t drawn_ = 0;
};

// What a terminal of that size has room for; its last row is the cursor's. Each character is UTF-8 and takes a column.
std::vector<std::string> fitted(const std::vector<std::string>& lines, std::size_t columns, std::size_t rows);
// "▁▃█": each value a block, against the largest.
std::string sparkline(const std::vector<double>& values);
// The last second with its percentiles, its cores, and the rates of the last minute.
std::vector<std::string> live_lines(const std::vector<Second>& seconds, std::uint64_t acknowledged);

}  // namespace ringpost::loadgen
