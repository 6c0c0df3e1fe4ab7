#include "ringpost/receive/blocklist_options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/receive/blocklists.hpp"

namespace ringpost::receive {

namespace {

void check(const BlocklistOptions& options, OptionReport& report) {
  for (const std::string& answer : options.answers)
    if (!AnswerRange::parse(answer))
      report.error("answers", "'" + answer + "' is no address, and no range of two",
                   "write \"127.0.0.2\", or \"127.0.0.4-127.0.0.7\"");
  if (!options.zone.empty() && !dns::Name::parse(options.zone))
    report.error("zone", "'" + options.zone + "' is no name in DNS", "write it as \"zen.spamhaus.org\"");
}

}  // namespace

const OptionTable& option_table(const BlocklistOptions*) {
  static const OptionTable table = options_of<BlocklistOptions>(
      "blocklist", "A DNS list of clients or domains from which no mail is taken, or whose mail is welcome.",
      {
          field<&BlocklistOptions::zone>("zone", "Where the list is in DNS.", required(), not_empty(),
                                         example("\"zen.spamhaus.org\"")),
          field<&BlocklistOptions::check>("check",
                                          "What is looked up: the client's address, its name by reverse "
                                          "lookup, the name that it says, or the "
                                          "domain of the sender or of a recipient.",
                                          postfix("reject_rbl_client, reject_rhsbl_*")),
          field<&BlocklistOptions::act>("act", "\"allow\": who is on it is asked for no further.",
                                        postfix("permit_dnswl_client")),
          field<&BlocklistOptions::answers>("answers",
                                            "Which answers count, as addresses or ranges; none: all of "
                                            "127.0.0.0/8 but 127.255.255.0/24, which "
                                            "lists use to complain about the question.",
                                            example("[\"127.0.0.2-127.0.0.11\"]")),
          field<&BlocklistOptions::weight>(
              "weight",
              "Of this list in the sum that is compared with blocklists.threshold; below 0 it "
              "speaks for a client.",
              range(-1000, 1000), postfix("postscreen_dnsbl_sites")),
      },
      &check);
  return table;
}

const OptionTable& option_table(const BlocklistsOptions*) {
  static const OptionTable table = options_of<BlocklistsOptions>(
      "blocklists", "What holds for all tables [blocklist.NAME] together.",
      {
          field<&BlocklistsOptions::allow>("allow", "Clients in these networks are looked up nowhere.",
                                           example("[\"192.0.2.0/24\"]"), postfix("postscreen_access_list")),
          field<&BlocklistsOptions::threshold>("threshold", "From this sum of weights on mail is refused.",
                                               range(1, 100'000), postfix("postscreen_dnsbl_threshold")),
          field<&BlocklistsOptions::timeout>(
              "timeout", "After so long the lists that have not answered count as silent.", range(1s, 1min),
              postfix("postscreen_dnsbl_timeout")),
          field<&BlocklistsOptions::stage>(
              "stage",
              "\"recipient\": refused is each recipient, so that the log names them; \"connect\": a client "
              "that is listed is refused before it says a word.",
              postfix("smtpd_delay_reject")),
      });
  return table;
}

}  // namespace ringpost::receive
