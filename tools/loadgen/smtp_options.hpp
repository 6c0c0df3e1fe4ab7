// What `loadgen smtp` is told.
//
// Layer: tool (base, shard). Filled by arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/units.hpp"

#include "load_options.hpp"
#include "size_mix.hpp"

namespace ringpost::loadgen {

struct DomainShare {
  std::string domain;
  double weight = 1;
};

struct SmtpOptions : LoadOptions {
  Protocol protocol = Protocol::smtp;
  std::string helo = "loadgen.invalid";

  std::uint64_t in_flight = 1;  // transactions under way on one connection
  bool pipelining = true;
  bool bdat = false;

  SizeMix size = 4_KiB;  // of the whole message
  std::string corpus;    // folder, Maildir, mbox or tar, instead
  std::string from = "sender@loadgen.invalid";
  std::vector<std::string> recipients;  // addresses; empty: user0, user1 ... at the domains
  std::uint64_t recipient_count = 1;
  std::uint64_t mailboxes = 1;  // of each domain; messages take them in turn
  std::vector<DomainShare> recipient_domains{{.domain = "example.org"}};
  std::uint64_t domains = 1;  // more: d0.DOMAIN, d1.DOMAIN ..., a message to each in turn

  std::string acknowledged_file;
};

}  // namespace ringpost::loadgen
