// What `loadgen sink` is told.
//
// Layer: tool (base, shard). Filled by arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

#include "common_options.hpp"

namespace ringpost::loadgen {

// A place in the conversation, before its reply.
enum class Step : std::uint8_t { nowhere, greeting, helo, mail, rcpt, data, body };

struct DnsOptions {
  std::optional<Endpoint> listen;
  std::vector<std::string> domains;  // "example.org", "*.bulk.test"
  std::vector<IpAddress> addresses{IpAddress::loopback()};
  std::uint32_t ttl = 60;  // seconds
  std::string zone_file;   // more records, a line each; they go first
};

struct SinkOptions {
  CommonOptions common;
  std::vector<Endpoint> listen;
  Protocol protocol = Protocol::smtp;
  std::string hostname = "sink.invalid";
  TlsUse tls = TlsUse::none;
  std::optional<Login> login;  // AUTH is offered, and takes only this
  bool chunking = true;
  std::string received_file;

  double reject_temporary = 0;
  double reject_permanent = 0;
  Step reject_at = Step::rcpt;  // or body
  Duration delay{0};
  Step delay_at = Step::body;
  double drop = 0;
  Step drop_at = Step::body;  // or any other
  Step stall = Step::nowhere;
  std::uint64_t connections_max = 0;  // beyond: 421; 0 is no limit

  DnsOptions dns;
  std::uint64_t messages = 0;  // stop after so many; 0: never
  Duration duration{0};        // stop after so long; 0: never
};

}  // namespace ringpost::loadgen
