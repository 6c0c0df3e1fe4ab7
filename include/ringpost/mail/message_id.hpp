// Message-ID for mail that came without one.
//
// Layer:   pure. Unique because the queue id is: no id is given twice (base/ids.hpp).
// RFCs:    5322 section 3.6.4.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::mail {

// "<20240131T235959.0123456789ABC@mx1.example.com>"
std::string make_message_id(WallTime now, MessageId id, std::string_view hostname);
// The first "<...>" of a Message-ID field's value, with its brackets; empty when there is none.
std::string_view find_message_id(std::string_view value);

}  // namespace ringpost::mail
