// What a Ringpost server says of itself while it is loaded: its figures by core, over its control socket.
//
// Layer: tool. Main thread; blocks for one short question.
// Takes: every counter, gauge and histogram that the server has; nothing here names them, but for the report's choice of what
//        to draw.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"
#include "ringpost/base/result.hpp"

#include "distribution.hpp"

namespace ringpost::loadgen {

struct ServerFigures {
  using Values = std::map<std::string, double>;
  std::vector<Values> counters;  // of each core
  std::vector<Values> gauges;
  std::vector<std::map<std::string, Distribution>> histograms;
};

// Counters as increase a second, gauges as they are; "name_p50" and "name_p99" of what histograms counted in between, where
// that is something. A server that was started anew counts from 0.
struct ServerSecond {
  std::vector<ServerFigures::Values> cores;
};

Result<ServerFigures> ask_figures(const std::string& socket);
// One line of the answer to "figures".
void note_figure(const admin::Json& line, ServerFigures& figures);
ServerSecond between(const ServerFigures& before, const ServerFigures& now, double seconds);
admin::Json server_json(const ServerSecond& second);

}  // namespace ringpost::loadgen
