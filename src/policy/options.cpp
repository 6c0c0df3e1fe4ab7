#include "ringpost/policy/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::policy {

const OptionTable& option_table(const PolicyOptions*) {
  static const OptionTable table = options_of<PolicyOptions>(
      "policy", "Whose mail is taken, and for whom.",
      {
          field<&PolicyOptions::relay_networks>(
              "relay_networks", "Clients in these networks may send to any domain without AUTH.",
              postfix("mynetworks")),
          field<&PolicyOptions::relay_domains>(
              "relay_domains",
              "Domains for which anybody may leave mail that is then sent on; "
              "\".example.com\" means its subdomains.",
              postfix("relay_domains")),
          field<&PolicyOptions::hops_max>("hops_max",
                                          "A message with more Received fields than this goes in circles.",
                                          range(10, 1000), postfix("hopcount_limit")),
      });
  return table;
}

const OptionTable& option_table(const DomainsOptions*) {
  static const OptionTable table = options_of<DomainsOptions>(
      "domains", "The domains whose mail ends here.",
      {
          field<&DomainsOptions::local>("local",
                                        "Domains that are delivered here; server.hostname always is.",
                                        postfix("mydestination"), example("[\"example.com\"]")),
          field<&DomainsOptions::aliases>("aliases", "File in the format of aliases(5); \"\" for none.",
                                          postfix("alias_maps")),
          field<&DomainsOptions::recipient_delimiter>("recipient_delimiter",
                                                      "user+news is delivered to user; \"\" turns that off.",
                                                      postfix("recipient_delimiter")),
      });
  return table;
}

}  // namespace ringpost::policy
