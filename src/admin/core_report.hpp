// The figures of the cores as JSON: each name once, with its value; and the stalls with what they are blamed on.
//
// Layer: program.
#pragma once

#include <vector>

#include "ringpost/admin/control.hpp"
#include "ringpost/admin/json.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/stalls.hpp"

namespace ringpost::admin {

// {"core_turns":7,"journal_commit_ns":{"count":3,"sum":...,"p50":...,"p90":...,"p99":...,"p999":...,"max":...},...}. Any thread.
// With `buckets`, a histogram has its buckets too, [[largest value, count],...]: who asks twice knows what came between.
Json figures_json(const observe::Registry& figures, bool buckets = false);
// One figure, without its name and help.
Json figure_value(const observe::Registry::Entry& entry, bool buckets);
Json stalls_json(const std::vector<shard::Stall>& stalls);  // the newest last

}  // namespace ringpost::admin
