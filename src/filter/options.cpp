#include "ringpost/filter/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/filter/limits.hpp"

namespace ringpost::filter {

const OptionTable& option_table(const FilterOptions*) {
  static const OptionTable table = options_of<FilterOptions>(
      "filter",
      "The rules that `ringpost filter` works with; the server judges no mail by them yet.",
      {
          field<&FilterOptions::rules>(
              "rules",
              "Rule files of SpamAssassin, or folders of them (*.pre, then *.cf, by name).",
              items_at_most(kRuleFilesMax),
              example("[\"/usr/share/spamassassin\", \"/etc/ringpost/local.cf\"]")),
          field<&FilterOptions::scan_size>(
              "scan_size", "Of a larger mail only the header and so much is judged.", range(16_KiB, 64_MiB)),
      });
  return table;
}

}  // namespace ringpost::filter
