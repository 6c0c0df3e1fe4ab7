// Dates as header fields write them.
//
// Layer:   pure. Time comes in as an argument.
// RFCs:    5322 sections 3.3 and 4.3 (obsolete zones and two-digit years are read, never written).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"

namespace ringpost::mail {

// "Fri, 21 Nov 1997 09:55:06 -0600"; the zone is minutes east of Greenwich.
void append_date(WallTime time, int zone_minutes, std::string& out);
std::string format_date(WallTime time, int zone_minutes = 0);
// nullopt when it is no date. Comments and folding are skipped.
std::optional<WallTime> parse_date(std::string_view text);

// "Fri Nov 21 09:55:06 1997": the From_ line of an mbox, in UTC.
std::string format_mbox_date(WallTime time);

}  // namespace ringpost::mail
