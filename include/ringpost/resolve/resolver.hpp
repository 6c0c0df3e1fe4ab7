// Looks names up for the flows of one core: one cache, one question under way however many wait for its answer.
//
// Layer:  path. Owner: server; one on each core, its life encloses that of every flow that asks.
// Waits:  each caller brings its own deadline; a lookup that it gave up goes on and fills the cache.
// Limits: resolve/limits.hpp, and the cache's size as configured.
// RFCs:   1034 §3.6.2, 2308 (negative caching), 5321 §5.1 (the way to a mail domain), 6761 (localhost).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/task.hpp"
#include "ringpost/dns/answer.hpp"
#include "ringpost/resolve/hosts.hpp"
#include "ringpost/resolve/options.hpp"
#include "ringpost/resolve/route.hpp"
#include "ringpost/resolve/upstream.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::resolve {

// Who we are, so that a way that leads back to us is seen, and which addresses we can reach.
struct Identity {
  std::vector<dns::Name> names;     // this server's hostname, and others by which exchangers may name it
  std::vector<Endpoint> endpoints;  // its SMTP listeners; a wildcard address is to be given as the real ones
  std::vector<IpVersion> versions = {IpVersion::ipv4,
                                     IpVersion::ipv6};  // in the order in which they are tried
};

class Resolver {
 public:
  Resolver(shard::Core& core, std::unique_ptr<Upstream> upstream, Bytes cache_size, Hosts hosts,
           Identity identity);
  // With c-ares, the servers and the hosts file of the options. Reads files: at start only.
  static Result<std::unique_ptr<Resolver>> make(shard::Core& core, const ResolverOptions& options,
                                                Identity identity);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  friend FramePool& frame_pool(Resolver& resolver) { return resolver.core_.frames(); }

  // Never fails: what goes wrong is in the status, and past the deadline it is `timeout`. `ttl` is what is left of it.
  Task<dns::Answer> ask(dns::Question question, Instant deadline);

  // All of RFC 5321 §5.1 for "example.com", "[192.0.2.1]" or "[IPv6:2001:db8::1]". On return the route has at least
  // one host, or the refusal that says why not.
  Task<Route> resolve_mx(std::string domain, Instant deadline, std::uint16_t port = 25);
  // The same for one host that an operator named: no MX is looked for.
  Task<Route> resolve_host(std::string host, Instant deadline, std::uint16_t port = 25);
  // The host at `index`, whose addresses are looked up now if they were not yet; nullptr: there is no further one.
  // The pointer is valid until the next call with this route.
  Task<const MailHost*> host(Route& route, std::size_t index, Instant deadline);

  // Ends all questions, at once and for ever: who waits or asks later gets a server failure. `stop` is still to come.
  void abort();
  // Ends all questions; returns when nothing is in flight. Who still waits gets a server failure.
  Task<void> stop();

 private:
  struct State;
  bool take_literal(Route& route);
  Task<void> resolve_group(Route& route, Instant deadline);
  Task<MailHost> resolve_addresses(Route& route, const dns::MxHost& host, Instant deadline);
  shard::Core& core_;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::resolve
