// The bounds of the rule side of filter, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::filter {

// Rule files. Debian's set has 1.8 MB in 58 files and 2,965 rules; a large local one as much again.
inline constexpr std::size_t kRuleFilesMax = 1'000;
inline constexpr std::size_t kRuleTextMax = 64 * 1024 * 1024;
inline constexpr std::size_t kRuleLineSizeMax = 256 * 1024;
inline constexpr std::size_t kRulesMax = 50'000;
inline constexpr std::size_t kRuleNameSizeMax = 100;  // SpamAssassin's
// Scores and other numbers of .cf files, either way: a thousand GTUBEs; sums of all rules with all their hits stay exact and finite.
inline constexpr double kSettingNumberMax = 1e6;
inline constexpr unsigned kIncludeDepthMax = 10;
inline constexpr unsigned kConditionDepthMax = 100;  // `if` inside `if`
// Problems that are kept; more are counted in the last one.
inline constexpr std::size_t kProblemsMax = 1'000;
// How deep the parentheses of a meta nest, and how many operands it has: rules_matching(*) names every rule.
inline constexpr unsigned kMetaDepthMax = 100;
// How high its tree may be, which is walked by recursion: in "A - B - C" each operator stands on the one before.
inline constexpr unsigned kMetaHeightMax = 1'000;
inline constexpr std::size_t kMetaNodesMax = 100'000;
// Metas that stand on one another: a scan asks from the last to the first, a few calls deep for each.
inline constexpr unsigned kMetaChainMax = 200;
// Passes of tag replacement: tags within tags. SpamAssassin's.
inline constexpr unsigned kReplacePassesMax = 6;

// A step of a scan ends after so many bytes went through the expressions: at 20 MB/s of the largest set these are 200 us.
inline constexpr std::size_t kStepBytes = 4 * 1024;
// What all expressions of one scan may read of a mail together, PCRE2's confirmations included: 64 times what a mail of 512 KiB
// gives. A scan past it skips the rest of its searches, and the verdict says so.
inline constexpr std::uint64_t kScanBytesMax = std::uint64_t{256} * 1024 * 1024;
// Hits of one rule: `tflags multiple` without a bound of its own.
inline constexpr std::uint32_t kHitsMax = 1'000;
// Values that one rule hands to others with (?<NAME>...).
inline constexpr std::size_t kCapturesMax = 20;
// What one template becomes in a mail: 150 rules with their descriptions, which is more than ever hit.
inline constexpr std::size_t kMarkTextMax = 16 * 1024;

// DNS lists. Questions of one mail: 20 linked hosts at a dozen lists, and some relays; a mail that asks more is built to.
inline constexpr std::size_t kDnsQuestionsMax = 400;
// Relays of a mail that are asked about, the latest first; SpamAssassin's num_check_received.
inline constexpr std::size_t kListedRelaysMax = 9;
// Name servers of a linked domain, and addresses of a host.
inline constexpr std::size_t kListedServersMax = 8;
// Rounds of questions: servers, their addresses, the list; one more finds that nothing is left.
inline constexpr unsigned kDnsRoundsMax = 4;

// Bayes. Words of the text of one mail, and of its fields or URIs; SpamAssassin's.
inline constexpr std::size_t kBayesTextWordsMax = 50'000;
inline constexpr std::size_t kBayesHeaderWordsMax = 10'000;
// Tokens that say most; the rest only blurs. SpamAssassin's.
inline constexpr std::size_t kBayesSignificantMax = 150;
// bayes_expiry_max_db_size: SpamAssassin's default, and what is let pass: 24 bytes of memory for each token.
inline constexpr std::size_t kBayesTokensDefault = 150'000;
inline constexpr std::size_t kBayesTokensMax = 20'000'000;

}  // namespace ringpost::filter
