// [spool]: where the queue lives and how much of the disk it may have.
//
// Layer: base only. Read by spool::start_spool and by each core's Spool at start; a change needs a restart.
#pragma once

#include "ringpost/base/options.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::spool {

struct SpoolOptions {
  FilePath directory = "/var/spool/ringpost";
  Bytes segment_size = 64_MiB;
  Percent free_space_min{10};
  Duration relaxed_delay = 50ms;  // what level `relaxed` may lose
  Bytes buffer_memory = 32_MiB;   // each core
  unsigned segments_ahead = 4;    // zero-filled and ready, each core
  Duration compact_after = 60s;
  Bytes index_memory = 1_GiB;  // each core: the table of messages; some 20 million
};
const OptionTable& option_table(const SpoolOptions*);

}  // namespace ringpost::spool
