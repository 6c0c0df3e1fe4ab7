// What `loadgen smtp` is told.
//
// Layer: tool (base, shard). Filled by arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

#include "common_options.hpp"

namespace ringpost::loadgen {

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
  std::uint64_t in_flight = 1;                // transactions under way on one connection
  bool pipelining = true;
  bool bdat = false;
  Duration timeout = std::chrono::seconds{30};  // for a connection, a reply
  std::uint64_t retries = 0;                    // of a message that was refused with 4yz
  Duration retry_after = std::chrono::seconds{1};
  bool resend = false;  // send unanswered messages again

  Bytes size = 4_KiB;  // of the whole message
  std::string corpus;  // a folder, instead
  std::string from = "sender@loadgen.invalid";
  std::vector<std::string> recipients;  // addresses; empty: user0, user1 ... at the domains
  std::uint64_t recipient_count = 1;
  std::string recipient_domain = "example.org";
  std::uint64_t domains = 1;  // more: d0.DOMAIN, d1.DOMAIN ..., a message to each in turn

  std::string acknowledged_file;
};

}  // namespace ringpost::loadgen
