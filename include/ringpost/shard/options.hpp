// [cores]: one pinned thread and one spool shard each.
//
// Layer: base only. Read by shard::Runtime at start; a change needs a restart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/base/units.hpp"

namespace ringpost::shard {

enum class WaitStrategy : std::uint8_t { sleep, adaptive, busy_poll };

struct CoreOptions {
  std::vector<unsigned> use;        // empty: every core that the process may run on ("all")
  bool pin = true;
  std::string backend = "auto";     // auto | uring | epoll
  WaitStrategy wait = WaitStrategy::adaptive;
  Bytes receive_buffers = 16_MiB;   // each core
  Bytes memory_limit = 2_GiB;       // each core; at the limit: 452
  std::uint32_t submission_entries = 2048;
  std::uint32_t completion_entries = 16384;
  std::uint32_t offload_threads = 2;  // for the whole process
};

}  // namespace ringpost::shard
