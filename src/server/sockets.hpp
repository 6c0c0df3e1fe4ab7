// The listening sockets of the process, bound while it still may: one for each address and core.
//
// Layer: program.
#pragma once

#include <string>
#include <vector>

#include "ringpost/io/backend.hpp"
#include "ringpost/server/configuration.hpp"

namespace ringpost::server {

// Of an HTTP listener, which is served by a thread of its own.
inline constexpr unsigned kOffCores = ~0U;

struct BoundSocket {
  std::size_t listener = 0;  // index in the order of Configuration::listener
  unsigned slot = 0;         // the same on every core for one address
  unsigned core = 0;         // or kOffCores
  io::Handle handle;
};

// All of them or none; an error names the listener, the address and the mend.
Result<std::vector<BoundSocket>> bind_sockets(const Configuration& configuration, unsigned cores);

}  // namespace ringpost::server
