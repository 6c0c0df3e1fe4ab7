// Runs as tables for other programs: their seconds, their latencies, what went wrong.
//
// Layer: tool, pure. The first two columns are the place of the run among those given, from 0, and its name.
#pragma once

#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"

namespace ringpost::loadgen {

// A line for each second: of all, then of each core of the loader ("core0_busy"), then what the server said of its cores
// ("server0_journal_frames"). A column is there when any run has it, and empty where a run has not.
std::string seconds_csv(const std::vector<admin::Json>& runs);
// "upper_bound_ms,count" of each bucket of the latencies.
std::string histogram_csv(const std::vector<admin::Json>& runs);
// "kind,what,count,example": figures that should be 0, refusals by code, troubles.
std::string errors_csv(const std::vector<admin::Json>& runs);

}  // namespace ringpost::loadgen
