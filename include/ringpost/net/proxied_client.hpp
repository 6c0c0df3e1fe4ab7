// Who the client of a connection is, where a load balancer may stand before it.
//
// Layer: paths. Owner: the flow of the connection.
#pragma once

#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/net/connection.hpp"

namespace ringpost::net {

// Reads the PROXY header that a peer out of `balancers` sends first, and takes its client for the peer. False: it sent none in
// time, and is closed without a word. `balancers` outlives the call.
RP_OWN_FRAME Task<bool> find_client(Connection& connection, const std::vector<Network>& balancers);

}  // namespace ringpost::net
