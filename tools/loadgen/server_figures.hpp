// What a Ringpost server says of itself while it is loaded: its figures by core, over its control socket.
//
// Layer: tool. Main thread; blocks for one short question.
// Takes: every counter and gauge that the server has, and the upper percentiles of its histograms; nothing here names them, but
//        for the report's choice of what to draw.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"
#include "ringpost/base/result.hpp"

namespace ringpost::loadgen {

struct ServerFigures {
  using Values = std::map<std::string, double>;
  std::vector<Values> counters;  // of each core
  std::vector<Values> gauges;
  std::vector<Values> tails;  // "name_p50", "name_p99": of all that the server has seen
};

// Counters as increase a second; gauges and percentiles as they are.
struct ServerSecond {
  std::vector<ServerFigures::Values> cores;
};

Result<ServerFigures> ask_figures(const std::string& socket);
// One line of the answer to "figures".
void note_figure(const admin::Json& line, ServerFigures& figures);
ServerSecond between(const ServerFigures& before, const ServerFigures& now, double seconds);
admin::Json server_json(const ServerSecond& second);

}  // namespace ringpost::loadgen
