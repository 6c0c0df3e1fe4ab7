// [policy] and [domains]: whose mail is taken for whom.
//
// Layer: base only. Read by policy::Policy; a reload swaps them.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::policy {

struct PolicyOptions {
  std::vector<Network> relay_networks{Network::of(IpAddress::ipv4(127, 0, 0, 0), 8),
                                      Network::of(IpAddress::loopback(IpVersion::ipv6), 128)};
  std::vector<std::string> relay_domains;
  unsigned hops_max = 50;
};
const OptionTable& option_table(const PolicyOptions*);

struct DomainsOptions {
  std::vector<std::string> local;
  FilePath aliases = "/etc/aliases";
  std::string recipient_delimiter = "+";
};
const OptionTable& option_table(const DomainsOptions*);

}  // namespace ringpost::policy
