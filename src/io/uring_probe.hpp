// Finds out what io_uring can do here, by doing it.
//
// Layer: io, private.
#pragma once

#include <string>
#include <vector>

#include "uring_buffers.hpp"

namespace ringpost::io {

struct UringFeatures {
  ReceiveBuffers::Kind buffers = ReceiveBuffers::Kind::classic;
  bool receive_cap = false;      // a multishot receive takes a bound for each of its turns
  bool min_wait = false;         // a wait may linger for a batch
  bool registered_ring = false;  // the ring's descriptor is known by index
  std::vector<std::string> names() const;
};

// Accepts, sends, receives and writes on a ring of its own. An error says why io_uring cannot be used.
Result<UringFeatures> probe_uring();

}  // namespace ringpost::io
