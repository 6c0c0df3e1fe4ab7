#include "ringpost/net/proxied_client.hpp"

#include <algorithm>

#include "ringpost/net/limits.hpp"
#include "ringpost/net/proxy_protocol.hpp"

namespace ringpost::net {

Task<bool> find_client(Connection& connection, const std::vector<Network>& balancers) {
  const IpAddress& peer = connection.peer().address;
  if (std::ranges::none_of(balancers, [&](const Network& network) { return network.contains(peer); }))
    co_return true;
  const Instant until = connection.core().now() + kProxyHeaderTimeout;
  for (;;) {
    const ProxyHeader header = parse_proxy_header(connection.input());
    if (header.verdict == ProxyVerdict::malformed) co_return false;
    if (header.verdict == ProxyVerdict::complete) {
      connection.consume(header.size);
      if (header.client) connection.set_peer(*header.client);
      co_return true;
    }
    if (!co_await connection.receive(until)) co_return false;
  }
}

}  // namespace ringpost::net
