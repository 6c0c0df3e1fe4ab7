// What a core may hold, and how much it does before it looks around again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::shard {

// Message ids have room for 1,024 shards; rings between all pairs of more cores than this would cost more
// than they carry.
inline constexpr unsigned kCoresMax = 256;

// Between two cores. 1,024 messages of 56 bytes are 56 KiB; with many cores each ring shrinks, so that all
// that lead to one core stay under half a MiB until the smallest size is reached.
inline constexpr std::size_t kRingMessagesMax = 1024;
inline constexpr std::size_t kRingMessagesMin = 64;
inline constexpr std::size_t kInboundMessages = 8192;

// The budget of one turn: at 1 to 2 us for a completion a turn stays under a millisecond, and timers,
// messages and coroutines each have their share of every turn.
inline constexpr std::size_t kCompletionsPerTurn = 512;
inline constexpr std::size_t kMessagesPerRingAndTurn = 128;
inline constexpr std::size_t kTimersPerTurn = 1024;
// Coroutines that wake one another run in rounds; what is still ready after these waits for the next turn.
inline constexpr unsigned kRoundsPerTurn = 16;

// Adaptive waiting: a busy core waits for as many completions as recent turns had, but after the first no longer than
// this. A wake-up costs 5 to 40 us, and DEFER_TASKRUN hands out max(20, awaited) completions for each.
inline constexpr std::uint32_t kAwaitedMax = 64;
inline constexpr Duration kLinger = std::chrono::microseconds{30};

// A turn longer than this is counted as a stall: it is what every other connection of the core has waited.
inline constexpr Duration kStall = std::chrono::milliseconds{1};
// So many of them are kept with their cause; a core that stalls more often has one cause, and it is among these.
inline constexpr std::size_t kStallsKept = 32;
// How often a core asks the kernel what its thread has spent: a call of 0.3 us.
inline constexpr Duration kThreadLook = std::chrono::milliseconds{100};
// An idle core looks around once in this time, which is how the watchdog knows that it lives.
inline constexpr Duration kIdleTurn = std::chrono::seconds{1};

// Questions in flight from one core to another (shard::ask); the answers always find room.
inline constexpr std::size_t kAskCredits = 64;
// Work of one core in the offload pool; more waits at the core. So no core fills the pool for the others.
inline constexpr std::size_t kOffloadPerCore = 64;
// Calls from other threads (Runtime::run_on) that wait for one core; the next caller blocks.
inline constexpr std::size_t kForeignCallsMax = 1024;

// Listeners of a process; each has a line in the load table.
inline constexpr unsigned kListenersMax = 64;
// A core gives a fresh connection away when it holds more than this over the least loaded core: an eighth of
// what that one holds, and at least 4, so that a quiet server does not pass connections around.
inline constexpr std::uint32_t kShareExcessPart = 8;
inline constexpr std::uint32_t kShareExcessMin = 4;
// Without descriptors or memory accepting pauses for this long. What has come meanwhile waits in the kernel's backlog.
inline constexpr Duration kAcceptPause = std::chrono::milliseconds{100};

// Of cores.memory_limit: the part for message bytes (buffer::Pool). The rest is for receive buffers,
// coroutine frames, TLS states and indexes.
inline constexpr std::uint64_t kBufferPartOfMemory = 2;

}  // namespace ringpost::shard
