// The file of one run, with all that a report or a comparison needs.
//
// Layer: tool. JSON: format "ringpost-loadgen", version 1; name, loop, unit, machine, options, summary, histogram, seconds.
#pragma once

#include <string>

#include "ringpost/admin/json.hpp"

#include "load_plan.hpp"
#include "series.hpp"

namespace ringpost::loadgen {

inline constexpr std::string_view kRunFormat = "ringpost-loadgen";
inline constexpr std::int64_t kRunVersion = 1;

struct RunParts {
  const LoadPlan& plan;
  WallTime started;
  std::string machine;
  std::string summary;  // JSON
  const Distribution& latency;
  const Series& series;
};
admin::Json run_json(const RunParts& parts);

// Whole or not at all: beside the file first, then in its place. What is no plain file (a pipe, /dev/stdout) is written as it is.
Result<void> write_file(const std::string& path, std::string_view text);
// Whether that will be possible, as far as can be known before.
Result<void> can_write(const std::string& path);
// Complains about what is no run file, or lacks a figure, or has one that cannot be: file, key, and what is wrong.
Result<admin::Json> read_run(const std::string& path);

}  // namespace ringpost::loadgen
