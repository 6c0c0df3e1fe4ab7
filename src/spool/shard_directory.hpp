// What in a spool's directory belongs to the spool: the one place that knows, for the server and for every tool. Of a
// shard's directory src/journal/found_segments.hpp knows.
//
// Layer: durable, private. Blocking.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ringpost/io/backend.hpp"
#include "ringpost/spool/inspect.hpp"

#include "identity.hpp"

namespace ringpost::spool {

inline std::string shard_directory(std::string_view spool, unsigned shard) {
  return fmt::format("{}/shard-{}", spool, shard);
}

inline std::string spool_file(std::string_view spool) {
  return fmt::format("{}/SPOOL", spool);
}

// The shards, rising. `left_alone` gets what looks like one and is none: its name, and why.
Result<std::vector<unsigned>> shards_in(io::Files& files, const std::string& directory,
                                        std::vector<std::string>& left_alone);

struct SpoolDirectory {
  std::optional<Identity> identity;  // none: SPOOL is missing or damaged
  std::vector<unsigned> shards;
  std::vector<std::string> left_alone;
};
// For who comes without a server. Errors: permanent, with a mend (there is no spool, it may not be read, or a newer
// version wrote it).
Result<SpoolDirectory> read_directory(io::Files& files, const std::string& directory);

// A shard that cannot be read is damage: the others can.
Result<void> note_unread(const Result<void>& done, InspectedShard& seen);

}  // namespace ringpost::spool
