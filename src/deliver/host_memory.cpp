#include "host_memory.hpp"

#include <algorithm>

#include "ringpost/deliver/limits.hpp"

namespace ringpost::deliver {

bool HostMemory::dead(const Endpoint& host, Instant now) const {
  const auto known = hosts_.find(host);
  return known != hosts_.end() && now < known->second.dead_until;
}

bool HostMemory::tls_broken(const Endpoint& host, Instant now) const {
  const auto known = hosts_.find(host);
  return known != hosts_.end() && now < known->second.tls_broken_until;
}

HostMemory::Known& HostMemory::find_or_add(const Endpoint& host, Instant now) {
  if (hosts_.size() >= kHostsRememberedMax && !hosts_.contains(host)) {
    std::erase_if(hosts_, [&](const auto& entry) {
      return entry.second.dead_until <= now && entry.second.tls_broken_until <= now;
    });
    if (hosts_.size() >= kHostsRememberedMax) hosts_.clear();  // it only costs attempts
  }
  return hosts_[host];
}

void HostMemory::note_dead(const Endpoint& host, Instant now) {
  find_or_add(host, now).dead_until = now + kDeadHostMemory;
}

void HostMemory::note_alive(const Endpoint& host) {
  const auto known = hosts_.find(host);
  if (known != hosts_.end()) known->second.dead_until = Instant{};
}

void HostMemory::note_tls_broken(const Endpoint& host, Instant now) {
  find_or_add(host, now).tls_broken_until = now + kBrokenTlsMemory;
}

}  // namespace ringpost::deliver
