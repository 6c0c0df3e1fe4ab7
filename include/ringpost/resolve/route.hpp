// The way to a domain: its mail hosts in the order in which they are to be tried, with their addresses.
//
// Layer: path. Owner: who asked for it; a value, for the life of a few deliveries.
// RFCs:  5321 §5.1, 7505, 3463.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/dns/mx.hpp"

namespace ringpost::resolve {

struct MailHost {
  std::string name;  // "mx1.example.com", or "[192.0.2.1]"
  std::uint16_t preference = 0;
  bool implicit = false;            // the domain itself, for want of an MX record
  std::vector<Endpoint> endpoints;  // never empty; in the order of the IP versions asked for
  bool authentic = false;           // the addresses were vouched for by a validating server (AD)
};

struct Route {
  std::string domain;  // as it was asked for
  std::uint16_t port = 25;
  bool authentic = false;  // the MX answer was vouched for (AD): what DANE stands on
  // Resolved so far, each with at least one endpoint. Resolver::host() adds to it.
  std::vector<MailHost> hosts;
  // Set when no host can be tried: none was found, or DNS failed before one was.
  std::optional<dns::MxRefusal> refusal;

  bool named = false;  // an operator named this host: not finding it is a slip of the configuration
  // What is not resolved yet; whole groups of one preference at a time.
  std::vector<dns::MxHost> unresolved;
  bool lookup_failed = false;  // an address lookup failed for now: not finding a host is temporary then
};

}  // namespace ringpost::resolve
