// What must be true of a run file before any figure of it is believed.
//
// Layer: tool, pure.
#pragma once

#include <string>

#include "ringpost/admin/json.hpp"

namespace ringpost::loadgen {

// Names the key and what is wrong with it: "summary.rate: is no number from 0"; empty: nothing.
std::string fault_of(const admin::Json& run);

}  // namespace ringpost::loadgen
