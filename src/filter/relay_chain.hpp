// Judges the relays of a message.
//
// Layer:   private to `filter`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/view_settings.hpp"

namespace ringpost::filter {

// `received` are the values of the Received fields, from the top, and "from X-Originating-IP: ..." for fields of that kind.
RelayChain judge_relays(const std::vector<std::string>& received, const ViewSettings& settings);

}  // namespace ringpost::filter
