// Limits of the spool, each with its reason.
//
// Layer: base, and the limits of the log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"
#include "ringpost/journal/limits.hpp"

namespace ringpost::spool {

inline constexpr Bytes kMessageSizeMax = 1_GiB;
inline constexpr std::size_t kChunkSize = 256 * 1024;   // the largest block of a core's pool
inline constexpr std::size_t kChunksMax = 64 * 1024;    // of one message; a location each in memory
inline constexpr std::size_t kSmallAppend = 32 * 1024;  // shorter pieces of a large body are gathered first
// Messages up to this live in one record. The staging block of a session holds 256 KiB with our Received field, and what a
// submission lacks (Date, Message-ID, From: less than 1 KiB) comes on top.
inline constexpr std::size_t kWholeMessageMax = 264 * 1024;
// A message at level through is never on disk, so all of it is in memory until the next hop has it.
inline constexpr Bytes kThroughMessageMax = 64_MiB;
// How long accepting waits for the log before it says 452: a stalled disk, or every buffer in use. A client waits 10 minutes
// for the answer to a body (RFC 5321 section 4.5.3.2.6), and a busy disk shall slow it down, not turn it away.
inline constexpr Duration kRoomWait = 60s;
// Outcomes of a message that are written whole each time; above it only what changed, and now and then all.
inline constexpr std::size_t kWholeStateMax = 16;
inline constexpr std::size_t kStateChangesMax = 64;
// Targets of aliases that are done while the recipient waits, of one message: 24 bytes each in a whole record.
inline constexpr std::size_t kFinishedTargetsMax = 1500;
// What still lives at least so long when it is moved goes to the cold segments of that class; what lives less, among new mail.
// Four segments of each core are open for them, at most, and each for so long at most.
inline constexpr std::array<Duration, journal::kStreams - 1> kColdClasses{1h, 4h, 16h, 64h};
// Of messages that are read to be moved, in memory: each time that they are placed costs some frames.
inline constexpr std::size_t kGatheredMax = 512 * 1024;
inline constexpr Duration kAnnounceAgain = 60s;     // a message whose envelope could not be read
inline constexpr unsigned kReadAttempts = 8;        // of a message that is moved while it is read
inline constexpr std::size_t kRetriesPerTurn = 64;  // records that found no room before
inline constexpr unsigned kShardsMax = 1024;        // MessageId has 10 bits for it
inline constexpr std::uint32_t kEpochMax = (1U << 20) - 1;
inline constexpr unsigned kLockAttempts =
    200;  // of 10 ms: a killed server holds its lock until its last write ends
// At a start, lines in the log about damaged places, and as many about damaged messages: they must fit the core's ring of events.
inline constexpr std::size_t kDamageNoticesMax = 500;
inline constexpr std::size_t kDamagedNamesMax = 100'000;  // messages that damage is reported of by name
inline constexpr Duration kExchangePoll = 2ms;            // whether the other cores have read their logs
// At start, for each core: ends of messages in other shards, and as many messages there of which it has a state.
inline constexpr std::size_t kForeignMax = 4'000'000;

// A survey: ids that one pass has at the most, of 8 bytes, and twice that while it gathers them; slots of the table gone over,
// and messages asked about, before others have their turn; places looked up and sorted at a time; messages that one read brings, and so many shown at a time; and the gap between two of
// them that is read over. A turn with any of these takes less than a millisecond.
inline constexpr std::size_t kSurveyPassMax = 524'288;
inline constexpr std::size_t kSurveySlots = 65'536;
inline constexpr std::size_t kSurveyLooks = 2048;
inline constexpr std::size_t kSurveyPlaces = 4096;
inline constexpr std::size_t kSurveyRun = 4096;
inline constexpr std::size_t kSurveyShown = 128;
inline constexpr std::size_t kSurveyAhead =
    16;  // messages whose place in the tables is fetched before it is needed
inline constexpr std::uint32_t kSurveyGap = 32 * 1024;

}  // namespace ringpost::spool
