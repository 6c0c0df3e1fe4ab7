#include "ringpost/filter/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/filter/limits.hpp"

namespace ringpost::filter {

const OptionTable& option_table(const FilterOptions*) {
  static const OptionTable table = options_of<FilterOptions>(
      "filter",
      "Which rules judge mail, and what happens to spam. Scores and required_score stay in the rule files.",
      {
          field<&FilterOptions::rules>(
              "rules",
              "Rule files of SpamAssassin, or folders of them (*.pre, then *.cf, by name); none: no filter.",
              items_at_most(kRuleFilesMax),
              example("[\"/usr/share/spamassassin\", \"/etc/ringpost/local.cf\"]")),
          field<&FilterOptions::spam>("spam", "What becomes of mail with required_score or more."),
          field<&FilterOptions::reject_score>("reject_score",
                                              "From this score on mail is refused, whatever `spam` says.",
                                              range(0.0, 10'000.0)),
          field<&FilterOptions::scan_size>(
              "scan_size", "Of a larger mail only the header and so much is judged.", range(16_KiB, 64_MiB)),
      });
  return table;
}

}  // namespace ringpost::filter
