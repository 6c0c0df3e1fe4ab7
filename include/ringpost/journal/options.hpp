// What the log engine can be told. Part of [spool]; the spool's own options hold the directory.
//
// Layer: base only.
#pragma once

#include <array>

#include "ringpost/base/units.hpp"
#include "ringpost/journal/limits.hpp"

namespace ringpost::journal {

struct LogOptions {
  Bytes segment_size = 64_MiB;       // from 1 MiB, in tests
  Bytes buffer_memory = 32_MiB;      // commit buffers of each core, which are the hot cache too
  double free_space_min = 0.10;      // of the file system; below it no new message is taken
  unsigned free_segments_ahead = 4;  // zero-filled and ready
  // A closed segment that is older and holds less than this part of live bytes is emptied, so that an old message does
  // not keep the log from being reused.
  double compact_below = 0.25;
  Duration compact_after = 60s;
  Bytes compact_rate =
      64_MiB;                // a second, read of segments that are emptied, unless files are about to run out
  Bytes scrub_rate = 4_MiB;  // a second, of sealed segments that hold something; 0: never
  // A segment of a stream behind the first one is closed when it has been open for so long, so that it can be emptied; 0: never.
  std::array<Duration, kStreams> stream_life{};
  bool seal_at_close = true;  // so that the next start reads the table of the last segment too
};

}  // namespace ringpost::journal
