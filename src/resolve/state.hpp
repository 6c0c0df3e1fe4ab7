// The parts of a Resolver.
//
// Layer: private to resolve.
#pragma once

#include <optional>

#include "ringpost/resolve/resolver.hpp"

#include "cache.hpp"

namespace ringpost::resolve {

struct Resolver::State {
  State(shard::Core& core, std::unique_ptr<Upstream> upstream, Bytes cache_size, Hosts known, Identity self)
      : cache(core, std::move(upstream), cache_size), hosts(std::move(known)), identity(std::move(self)) {}

  // What needs no DNS: addresses of the hosts file and of localhost.
  std::optional<dns::Answer> local_answer(const dns::Question& question) const;
  bool is_own(const Endpoint& endpoint) const;
  bool reaches(IpVersion version) const;
  // Sends the address questions of a host, if no cache knows them, without waiting for the answers.
  void start_addresses(const dns::Name& host);

  Cache cache;
  Hosts hosts;
  Identity identity;
};

}  // namespace ringpost::resolve
