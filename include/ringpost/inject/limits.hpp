// The bounds of the pickup directory, each with its reason.
//
// Layer: services.
#pragma once

#include <chrono>
#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::inject {

// The lines before the body, and one of them: RFC 5321 paths are far shorter.
inline constexpr std::size_t kPickupHeaderMax = 16 * 1024 * 1024;
inline constexpr std::size_t kPickupLineMax = 4096;
// Recipients of one file, in as many messages as they need; whoever has more sends a list by SMTP.
inline constexpr std::size_t kPickupRecipientsMax = 100'000;
// The largest body; a message of this size is whole in memory once.
inline constexpr std::size_t kPickupBodyMax = 100 * 1024 * 1024;
// Names taken from the directory at a time; what came meanwhile has its turn in the next batch.
inline constexpr std::size_t kPickupBatchMax = 64;
// Directory entries read to find a batch: postponed and unfinished files are passed over, but not for ever.
inline constexpr std::size_t kPickupEntriesMax = 100'000;
// inotify tells of new files at once; this finds those of which it could not.
inline constexpr Duration kPickupRescan = std::chrono::seconds(30);
// A file that could not be taken for want of disk or memory is tried again after this.
inline constexpr Duration kPickupRetry = std::chrono::seconds(30);
// An unfinished file this old was left by a command that died.
inline constexpr Duration kPickupUnfinishedMax = std::chrono::hours(24);
// Files that wait for a retry, or that were taken but could not be deleted, and are remembered.
inline constexpr std::size_t kPickupRememberedMax = 10'000;
// Recipients named in one report of refused ones.
inline constexpr std::size_t kPickupReportedMax = 1000;

}  // namespace ringpost::inject
