// [spool]: where the queue lives and how much of the disk it may have.
//
// Layer: base only.
#pragma once

#include <string>

#include "ringpost/base/units.hpp"

namespace ringpost::spool {

struct SpoolOptions {
  std::string directory = "/var/spool/ringpost";
  Bytes segment_size = 64_MiB;
  double free_space_min = 0.10;
  Duration relaxed_delay = 50ms;  // what level `relaxed` may lose
};

}  // namespace ringpost::spool
