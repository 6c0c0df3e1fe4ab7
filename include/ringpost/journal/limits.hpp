// Limits of the log engine, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::journal {

// A frame starts and ends on this boundary: the physical block of the disks in use, so a write never tears what was
// there before it.
inline constexpr std::size_t kBlockSize = 4096;
// One commit buffer, and so the largest frame: 1 MiB is where a durable write reaches the disk's bandwidth.
inline constexpr std::size_t kBufferSize = std::size_t{1} << 20;
inline constexpr std::size_t kBuffersMin = 4;  // one in flight, one open, one behind it, one hot
inline constexpr Bytes kSegmentSizeMin = 1_MiB;
inline constexpr Bytes kSegmentSizeMax = 1_GiB;  // offsets are 32 bits
// 1 TiB of queue for one core at 64 MiB each; every segment holds a descriptor.
inline constexpr std::size_t kSegmentsMax = 16'384;
// Ready segments that only records of state may open: an ending message frees more than its end takes.
inline constexpr std::size_t kReservedSegments = 1;
// Write errors in a row after which no new message is taken until a write succeeds.
inline constexpr unsigned kWriteFailuresMax = 3;
inline constexpr Duration kWriteRetryPause = 500ms;  // between attempts from then on
inline constexpr Duration kEmptyRetry =
    60s;  // until a segment is emptied again, or a cold one opened, that failed
// The same of one in which its owner left what nothing would be gained by; and when files are about to run out.
inline constexpr Duration kStayRetry = 4h;
inline constexpr Duration kStayRetryPressed = 10min;
inline constexpr Duration kUpkeepInterval = 1s;  // asks the file system for its space, looks for work
// A killed process holds its locks until its last write has ended; milliseconds, seconds on a sick disk.
inline constexpr unsigned kLockAttempts = 100;
inline constexpr Duration kLockPause = 20ms;
// What one read of recovery takes at a time: two of the largest frames, so that one is always whole.
inline constexpr std::size_t kWindowSize = 2 * kBufferSize;
inline constexpr unsigned kBlockReads = 2;  // of a block, before it counts as one that cannot be read
inline constexpr std::size_t kDamageReportsMax = 1000;  // kept with their text; further ones are only counted
inline constexpr std::size_t kVoidsMax = 64;            // failed ranges that are not closed yet
inline constexpr std::size_t kFailedRangesMax = 1024;   // outages remembered for who asks late
inline constexpr std::size_t kAheadSteps =
    16;  // that who recovers hears of a record before its visit: memory answers meanwhile
inline constexpr std::size_t kVisitedPerTurn = 4096;  // records that recovery takes from an index table
// A longer payload is not repeated in the index table; recovery reads the record.
inline constexpr std::size_t kTableBytesMax = 1024;
inline constexpr std::uint64_t kTableWorth =
    16;  // less than one part in so many lives: a table would not be used
inline constexpr std::size_t kTableKept =
    2 * 1024 *
    1024;  // in memory, of a segment of which less lives just now: small records that nothing is kept of
inline constexpr std::size_t kTablePiece =
    256 * 1024;                                 // what is written of a table at a time, beside the frames
inline constexpr Duration kCompactPause = 5ms;  // emptying rests for at least so long, to keep to its rate
inline constexpr Duration kScrubPause = 1h;     // after the last segment, before the first is read again
inline constexpr std::size_t kNearBytes = kBufferSize;  // what one read of records that lie together spans
// The first takes all records; each of the others copies alone that live about as long, so that their segments die whole.
inline constexpr unsigned kStreams = 5;
inline constexpr std::size_t kTargetsMax = 64;  // segments that one record negates

}  // namespace ringpost::journal
