// Mending a shard whose files are damaged, without its server: headers and index tables. Frames are never changed; what
// stands in damaged ones is copied away.
//
// Layer:  durable. Blocks. Nothing else may use the shard meanwhile; the caller holds the spool's lock.
// Writes: one block of a segment at a time, and only when `write` says so: the header slot that is damaged or older.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/journal/records.hpp"

namespace ringpost::journal {

struct MendOptions {
  bool write = false;
  std::string copies;  // the directory, which exists, for bytes of damaged frames; "" for none
};
// Says what is wrong, one call for each, and whether it is, or would be, mended. Else it stays as it is.
using MendTold = std::function<void(std::string_view text, bool mended)>;
Result<void> mend_shard(io::Files& files, const ShardPlace& place, const MendOptions& options,
                        const MendTold& tell);

// What the headers of all segments say about the whole spool, for who has lost its file.
struct SpoolTraces {
  std::uint64_t spool_id = 0;  // 0: none could be read
  std::uint32_t epoch = 0;     // the highest
  bool mixed = false;          // of several spools
};
Result<void> trace_spool(io::Files& files, const ShardPlace& place, SpoolTraces& traces);

// An error that names the file, when a segment of the shard was written by a newer version: to be asked of every shard before
// anything of the spool is changed.
Result<void> refuse_newer(io::Files& files, const ShardPlace& place);

}  // namespace ringpost::journal
