// [filter]: which rules, and what happens to mail that they call spam. Scores, required_score and report_safe stay in the .cf
// files, in one place each.
//
// Layer: base only.
#pragma once

#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::filter {

enum class SpamAction : std::uint8_t { tag, junk, quarantine, reject };
constexpr auto option_choices(const SpamAction*) {
  return std::to_array<Choice<SpamAction>>({{"tag", SpamAction::tag},
                                            {"junk", SpamAction::junk},
                                            {"quarantine", SpamAction::quarantine},
                                            {"reject", SpamAction::reject}});
}

struct FilterOptions {
  std::vector<FilePath> rules;
  SpamAction spam = SpamAction::junk;
  double reject_score = 15.0;
  Bytes scan_size{512 * 1024};
};
const OptionTable& option_table(const FilterOptions*);

}  // namespace ringpost::filter
