// [cores]: one pinned thread and one spool shard each.
//
// Layer: base only. Read by shard::Runtime at start; a change needs a restart.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ringpost/base/options.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::shard {

enum class WaitStrategy : std::uint8_t { sleep, adaptive, busy_poll };
constexpr auto option_choices(const WaitStrategy*) {
  return std::to_array<Choice<WaitStrategy>>({{"sleep", WaitStrategy::sleep},
                                              {"adaptive", WaitStrategy::adaptive},
                                              {"busy_poll", WaitStrategy::busy_poll}});
}

// Which core gets a fresh connection from the kernel.
enum class Steering : std::uint8_t { hash, cpu };
constexpr auto option_choices(const Steering*) {
  return std::to_array<Choice<Steering>>({{"hash", Steering::hash}, {"cpu", Steering::cpu}});
}

struct CoreOptions {
  // all: every CPU that the process may run on; physical: one of each physical core
  std::variant<Word<"all">, Word<"physical">, std::vector<unsigned>> use;
  bool pin = true;
  std::string backend = "auto";  // auto | uring | epoll
  WaitStrategy wait = WaitStrategy::adaptive;
  Bytes receive_buffers = 16_MiB;      // each core
  Bytes receive_buffer_size = 64_KiB;  // of which that memory is made
  Steering steering = Steering::hash;
  Bytes memory_limit = 2_GiB;  // each core; at the limit: 452
  std::uint32_t submission_entries = 2048;
  std::uint32_t completion_entries = 16384;
  std::uint32_t offload_threads = 2;  // for the whole process
  Duration watchdog = 60s;            // a core without a turn for so long ends the process; 0: none
};
const OptionTable& option_table(const CoreOptions*);

}  // namespace ringpost::shard
