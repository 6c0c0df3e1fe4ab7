// What `loadgen smtp` is told.
//
// Layer: tool (base, shard). Filled by arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

#include "arrivals.hpp"
#include "common_options.hpp"

namespace ringpost::loadgen {

// So much of the mail has a size from `smallest` to `largest`, each power of two alike.
struct SizeShare {
  Bytes smallest;
  Bytes largest;
  double weight = 1;
};
struct SizeMix {
  SizeMix(Bytes size) : shares{{size, size, 1}} {}
  SizeMix(std::vector<SizeShare> mixed) : shares(std::move(mixed)) {}
  std::vector<SizeShare> shares;
};

struct DomainShare {
  std::string domain;
  double weight = 1;
};

struct SmtpOptions {
  CommonOptions common;
  std::vector<std::string> to;  // HOST:PORT; connections take them in turn
  Protocol protocol = Protocol::smtp;
  TlsUse tls = TlsUse::none;
  bool resume_tls = false;
  std::optional<Login> login;
  std::string helo = "loadgen.invalid";

  std::uint64_t connections = 16;
  std::uint64_t messages_per_connection = 0;  // 0: as many as there are
  std::uint64_t messages = 0;                 // 0: until the time is over
  Duration duration{0};                       // 0: 10 s, or kCountedRunMax with a number of messages
  double rate = 0;                            // messages a second, open loop; 0: closed loop
  std::optional<double> ramp_to;              // the rate at the end of the run
  Spacing spacing = Spacing::fixed;
  Duration search_p99{0};       // find the highest rate whose p99 stays below; 0: no search
  std::uint64_t in_flight = 1;  // transactions under way on one connection
  bool pipelining = true;
  bool bdat = false;
  Duration timeout = std::chrono::seconds{30};  // for a connection, a reply
  std::uint64_t retries = 0;                    // of a message that was refused with 4yz
  Duration retry_after = std::chrono::seconds{1};
  bool resend = false;  // send unanswered messages again

  SizeMix size = 4_KiB;  // of the whole message
  std::string corpus;    // folder, Maildir, mbox or tar, instead
  std::string from = "sender@loadgen.invalid";
  std::vector<std::string> recipients;  // addresses; empty: user0, user1 ... at the domains
  std::uint64_t recipient_count = 1;
  std::uint64_t mailboxes = 1;  // of each domain; messages take them in turn
  std::vector<DomainShare> recipient_domains{{.domain = "example.org"}};
  std::uint64_t domains = 1;  // more: d0.DOMAIN, d1.DOMAIN ..., a message to each in turn

  std::string acknowledged_file;

  std::string name;          // of the run, in reports
  std::string run_file;      // JSON with all figures, for `loadgen report`
  std::string admin_socket;  // of a Ringpost server whose figures are sampled
};

}  // namespace ringpost::loadgen
