// `loadgen report`: runs as a page, as JSON, as CSV, on the terminal.
//
// Layer: tool.
#pragma once

#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"

namespace ringpost::loadgen {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string html_file;
  std::string csv_file;
  std::string histogram_file;
  std::string errors_file;
  bool json = false;
};

// 0, or 2 when a file cannot be read or written.
int run_report(const ReportOptions& options);
std::string report_text(const std::vector<admin::Json>& runs);
admin::Json report_json(const std::vector<admin::Json>& runs);

}  // namespace ringpost::loadgen
