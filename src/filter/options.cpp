#include "ringpost/filter/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/filter/limits.hpp"

namespace ringpost::filter {

const OptionTable& option_table(const FilterOptions*) {
  static const OptionTable table = options_of<FilterOptions>(
      "filter", "The spam filter, with SpamAssassin's rules. Without rules there is none.",
      {
          field<&FilterOptions::rules>(
              "rules", "Rule files of SpamAssassin, or folders of them (*.pre, then *.cf, by name).",
              items_at_most(kRuleFilesMax),
              example("[\"/usr/share/spamassassin\", \"/etc/ringpost/local.cf\"]")),
          field<&FilterOptions::spam>("spam",
                                      "What becomes of mail that reaches required_score; \"junk\": into the "
                                      "folder Junk of a Maildir."),
          field<&FilterOptions::outbound>("outbound",
                                          "The same for what our own users send: by submission, with a "
                                          "login, or from relay_networks to others."),
          field<&FilterOptions::reject_score>(
              "reject_score", "From this score on mail is refused with 550 5.7.1, whatever `spam` says."),
          field<&FilterOptions::discard_score>(
              "discard_score", "From this score on mail is taken and thrown away, whatever else is said."),
          field<&FilterOptions::bayes>(
              "bayes",
              "Whose mails Bayes goes by: all of the site's together, or those that a user taught it."),
          field<&FilterOptions::dns_lists>(
              "dns_lists",
              "Rules may ask DNS lists, which takes a moment for each message. Many lists want to be paid."),
          field<&FilterOptions::scan_size>(
              "scan_size", "Of a larger mail only the header and so much is judged.", range(16_KiB, 64_MiB)),
          field<&FilterOptions::quarantine_expire_after>(
              "quarantine_expire_after",
              "How long the quarantine keeps a mail; then it ends without a report.", range(1h, 24h * 365)),
      });
  return table;
}

}  // namespace ringpost::filter
