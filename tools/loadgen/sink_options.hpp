// What `loadgen sink` is told.
//
// Layer: tool (base, shard). Filled by arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

#include "common_options.hpp"
#include "persona.hpp"

namespace ringpost::loadgen {

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

  Persona everyone;               // at the addresses of `listen`; its TLS is `tls`
  std::vector<Persona> personas;  // at addresses of their own

  DnsOptions dns;
  std::uint64_t messages = 0;  // stop after so many; 0: never
  Duration duration{0};        // stop after so long; 0: never
};

// Where it takes mail: the addresses of --listen, then those of personas, on the port of the first.
std::vector<Endpoint> addresses_of(const SinkOptions& options);

}  // namespace ringpost::loadgen
