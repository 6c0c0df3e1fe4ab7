// [filter]: which rules, how much of a mail they see, and what becomes of spam. Scores, required_score and report_safe stay in
// the .cf files, in one place each.
//
// Layer: base only. Read by the server; a reload swaps all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::filter {

// What becomes of a mail whose score is at least required_score.
enum class SpamAction : std::uint8_t { tag, junk, quarantine, reject, discard };
constexpr auto option_choices(const SpamAction*) {
  return std::to_array<Choice<SpamAction>>({{"tag", SpamAction::tag},
                                            {"junk", SpamAction::junk},
                                            {"quarantine", SpamAction::quarantine},
                                            {"reject", SpamAction::reject},
                                            {"discard", SpamAction::discard}});
}
// The same for mail that our own users send.
enum class OutboundAction : std::uint8_t { off, tag, quarantine, reject, discard };
constexpr auto option_choices(const OutboundAction*) {
  return std::to_array<Choice<OutboundAction>>({{"off", OutboundAction::off},
                                                {"tag", OutboundAction::tag},
                                                {"quarantine", OutboundAction::quarantine},
                                                {"reject", OutboundAction::reject},
                                                {"discard", OutboundAction::discard}});
}

// Whose mails Bayes learns from, and judges: all of the site's together, or each user's by themselves as far as they taught it.
enum class BayesScope : std::uint8_t { off, site, user };
constexpr auto option_choices(const BayesScope*) {
  return std::to_array<Choice<BayesScope>>(
      {{"off", BayesScope::off}, {"site", BayesScope::site}, {"user", BayesScope::user}});
}

struct FilterOptions {
  std::vector<FilePath> rules;
  SpamAction spam = SpamAction::tag;
  OutboundAction outbound = OutboundAction::off;
  std::optional<double> reject_score = 15.0;
  std::optional<double> discard_score;
  BayesScope bayes = BayesScope::site;
  bool dns_lists = false;
  Bytes scan_size{512 * 1024};
  Duration quarantine_expire_after = std::chrono::hours(24 * 30);
};
const OptionTable& option_table(const FilterOptions*);

}  // namespace ringpost::filter
