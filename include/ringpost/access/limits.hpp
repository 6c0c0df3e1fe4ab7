// Limits of access to mailboxes, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::access {

inline constexpr Duration kHandshakeTimeout = 30s;
// Who has not logged in by then goes; afterwards RFC 9051 section 5.4 asks for 30 minutes at least.
inline constexpr Duration kLoginTimeout = 3min;
// A login that comes before the mailboxes have been read, after a start, waits for them: programs take a refusal for a wrong password.
inline constexpr Duration kMailboxesWait = 10s;
inline constexpr Duration kMailboxesPoll = 20ms;
// For a client to take what it has asked for.
inline constexpr Duration kSendTimeout = 5min;
// What is gathered before it is sent: a small message is copied beside its response, a long one goes from where it lies.
inline constexpr std::size_t kOutputMax = 64 * 1024;
inline constexpr std::size_t kCopiedMax = 16 * 1024;
inline constexpr std::size_t kReadPiece = 256 * 1024;
inline constexpr std::size_t kDamagedKept = 64;  // long messages that broke an answer, of one core
// A header beyond it is cut where fields are looked for: filters and servers do the same.
inline constexpr std::size_t kHeaderMax = 1024 * 1024;
// What SEARCH looks at of one message, after decoding; the rest is not found.
inline constexpr std::size_t kSearchedTextMax = 64 * 1024 * 1024;
// Messages looked at before others of this core have their turn.
inline constexpr std::size_t kMessagesPerTurn = 64;
// How often a client hears how far its command is (RFC 9585): before programs give up, and no more.
inline constexpr Duration kProgressEvery = 10s;
// Things that have happened and are not told yet, of a client that waits for them (NOTIFY); mailboxes with new mail are one each.
inline constexpr std::size_t kNoticesMax = 1000;
inline constexpr std::size_t kThreadDepthMax = 100;  // people answer some dozen times
// Of a message's References: the first and the newest ones. Programs cut them to some dozen.
inline constexpr std::size_t kThreadReferencesMax = 100;
// How far up the chain of answers a circle is looked for.
inline constexpr std::size_t kThreadClimbMax = 1000;
// Messages of one COPY or MOVE over the edge of Junk that teach the spam filter, the newest; the client waits for them, 1 ms each.
inline constexpr std::size_t kLessonsPerMove = 200;
// What the filter reads of one: as much as it judges of a mail (filter.scan_size).
inline constexpr std::size_t kLessonSizeMax = 512 * 1024;
// One page of `mailbox check`: some 100 ms of reading, and what a terminal shows.
inline constexpr std::size_t kCheckedMessages = 2000;
inline constexpr std::uint64_t kCheckedBytes = std::uint64_t{64} * 1024 * 1024;
inline constexpr std::size_t kCheckFindings = 1000;
// Names of mailboxes that one LIST has in memory: of those that a user has, some thousand, and hardly ever are there more.
inline constexpr std::size_t kListedBytes = 256 * 1024;
inline constexpr std::size_t kAppendsAtOnce =
    128;  // messages of one APPEND (RFC 3502): small ones wait in memory
// Messages of one COPY or MOVE to somebody else's mailbox: their bytes are copied, and all of them become visible in one change.
inline constexpr std::size_t kCopyToOthersMax = 1000;
// Their bytes: what one client can have written to the log by one line, where the owner of the mailbox has no quota.
inline constexpr Bytes kCopyToOthersBytesMax = 1_GiB;
inline constexpr std::size_t kPreviewCharacters = 200;  // RFC 8970 section 3.1: at most 256

}  // namespace ringpost::access
