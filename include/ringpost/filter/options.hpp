// [filter]: which rules, and of how much of a mail. Scores, required_score and report_safe stay in the .cf files, in one
// place each.
//
// Layer: base only.
#pragma once

#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::filter {

struct FilterOptions {
  std::vector<FilePath> rules;
  Bytes scan_size{512 * 1024};
};
const OptionTable& option_table(const FilterOptions*);

}  // namespace ringpost::filter
