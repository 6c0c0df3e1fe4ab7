// What operators have ordered for longer than a moment, kept in `tables` over a restart: held messages and suspended
// destinations, some of which end by themselves.
//
// Layer: program. The table is "directives": "hold/ID/DESTINATION"; "suspend/DESTINATION" with the time of its end in
//        nanoseconds or ""; and "rule/NUMBER" with what it says, tab after tab: hold or release, until when mail must have
//        arrived (nanoseconds), id, domain, sender, recipient ("" for any).
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/deliver/queue_view.hpp"
#include "ringpost/tables/tables.hpp"

namespace ringpost::admin {

// At start, before deliveries: for each core. Held messages are told to every core, for after a change in the number of
// cores any of them may have a message; who does not know it ignores it. Suspensions that have ended are left out.
Result<std::vector<deliver::Directives>> load_directives(tables::Tables& tables, unsigned cores,
                                                         WallTime now);
Result<std::vector<deliver::Directives>> load_directives(tables::Tables& tables, unsigned cores);

// Makes the table say what the cores say now; the ends of suspensions that stand already stay.
Result<void> store_directives(tables::Tables& tables, const deliver::Directives& all);

struct Suspension {
  std::string destination;
  WallTime until;  // 0: until somebody resumes it
};
Result<std::vector<Suspension>> load_suspensions(tables::Tables& tables);
Result<void> store_suspension(tables::Tables& tables, const Suspension& suspension);

}  // namespace ringpost::admin
