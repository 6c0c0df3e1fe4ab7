// Answers DNS for the mail domains that a sink plays, so that delivery by MX is tested on one machine.
//
// Layer:  tool (dns), pure. Owner: a value, behind resolve::DnsServer.
// Says:   for a domain "d" that is played: MX 10 mx.d, TXT with an SPF record; for "d" and "mx.d" the A and
//         AAAA records of the sink. "*.bulk.test" plays every name one label below bulk.test, each with an
//         exchanger of its own. All other names do not exist.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/dns/zone.hpp"

#include "sink_options.hpp"

namespace ringpost::loadgen {

class PlayedDomains {
 public:
  // `zone_text`: the records of the zone file, or nothing.
  static Result<PlayedDomains> make(const SinkOptions& options, std::string_view zone_text);
  dns::Message respond(const dns::Query& query) const;

 private:
  using Addresses = std::vector<IpAddress>;
  // Nullptr: nobody plays it.
  const Addresses* player_of(const dns::Name& name) const;
  Result<void> add(std::string_view domain, const Addresses& addresses);
  void add_domain(const dns::Question& question, dns::Message& message) const;
  void add_addresses(const dns::Question& question, const Addresses& addresses, dns::Message& message) const;

  std::map<dns::Name, Addresses> domains_;
  std::map<dns::Name, Addresses> parents_;  // of "*.parent"
  std::uint32_t ttl_ = 0;
  dns::Zone zone_;
};

}  // namespace ringpost::loadgen
