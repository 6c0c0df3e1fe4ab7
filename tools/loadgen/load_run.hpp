// One run of a load from its start to its report.
//
// Layer: tool. Main thread; owns the runtime and the parts on its cores.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ringpost/admin/json.hpp"

#include "load_plan.hpp"
#include "process.hpp"
#include "series.hpp"

namespace ringpost::loadgen {

struct LoadOutcome {
  std::uint64_t acknowledged = 0;
  std::uint64_t wrong = 0;    // refused or unanswered
  std::uint64_t overdue = 0;  // never begun, and due longer ago than a search allows
  double rate = 0;
  Distribution latency;
  bool saturated = false;     // the generator was the limit
  bool interrupted = false;   // by a signal
  bool incomplete = false;    // a file of lines could not be written: the run ended with it
  Duration silence{0};        // the server answered nothing for so long at the end
  std::size_t abandoned = 0;  // tasks that did not end: the process must leave without destructors
  std::string text;
  std::string summary;  // JSON, short
  admin::Json run;      // JSON, with series and histogram
};

// Its end by signal is in its report.
Result<LoadOutcome> run_once(std::unique_ptr<LoadPlan> plan, Signals& signals);

}  // namespace ringpost::loadgen
