// Names that need no DNS: those of /etc/hosts, and localhost.
//
// Layer: path, pure. Owner: a Resolver.  Limits: resolve/limits.hpp.
// RFCs:  6761 §6.3 (localhost and what lies below it is the loopback, never a question for DNS).
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/dns/answer.hpp"

namespace ringpost::resolve {

class Hosts {
 public:
  // Lines that cannot be read are skipped, as every reader of this file does.
  static Hosts parse(std::string_view text);

  bool knows(const dns::Name& name) const;
  // The addresses of that family; nodata when the name is known with others only.
  dns::Answer find(const dns::Name& name, IpVersion version) const;

 private:
  std::unordered_map<dns::Name, std::vector<IpAddress>> addresses_;
};

}  // namespace ringpost::resolve
