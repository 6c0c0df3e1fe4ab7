// What one core remembers of single hosts, so that each connection does not learn it anew: that they did not answer
// lately, or that TLS with them fails.
//
// Owner: Service::State. Limits: kHostsRememberedMax; when full, what is out of date goes, then everything.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::deliver {

class HostMemory {
 public:
  bool dead(const Endpoint& host, Instant now) const;
  bool tls_broken(const Endpoint& host, Instant now) const;
  void note_dead(const Endpoint& host, Instant now);
  void note_alive(const Endpoint& host);
  void note_tls_broken(const Endpoint& host, Instant now);
  std::size_t size() const { return hosts_.size(); }

 private:
  struct Known {
    Instant dead_until, tls_broken_until;
  };
  Known& find_or_add(const Endpoint& host, Instant now);
  std::unordered_map<Endpoint, Known> hosts_;
};

}  // namespace ringpost::deliver
