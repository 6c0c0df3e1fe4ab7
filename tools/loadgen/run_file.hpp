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

Result<void> write_file(const std::string& path, std::string_view text);
// Complains about what is no run file.
Result<admin::Json> read_run(const std::string& path);

}  // namespace ringpost::loadgen
