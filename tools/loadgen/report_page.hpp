// The report as one HTML page that needs nothing else: style, plots and figures are in it, and the figures as JSON too.
//
// Layer: tool, pure. Reads at 360 points width, on a desktop and on paper.
#pragma once

#include <string>
#include <vector>

#include "run_groups.hpp"

namespace ringpost::loadgen {

std::string report_page(const std::vector<admin::Json>& runs);

}  // namespace ringpost::loadgen
