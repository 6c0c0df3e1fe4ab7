// Limits of the store, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::store {

// A message: sizes are 32 bits in memory and on disk, and what is appended whole must come through IMAP first.
inline constexpr Bytes kMessageSizeMax = 256_MiB;
// Up to this a message is one record in the frame of its change. Longer ones are in pieces of kChunkSize, before it.
inline constexpr std::size_t kWholeMessageMax = 264 * 1024;
inline constexpr std::size_t kChunkSize = 256 * 1024;    // the largest block of a core's pool
inline constexpr std::size_t kFactsSizeMax = 32 * 1024;  // of one message; longer: made again at each FETCH
// Messages of one append: all in one change, which has some 60 bytes for each.
inline constexpr std::size_t kAppendsMax = 1000;
// UIDs and UIDVALIDITY of another server are kept up to these: new ones must fit behind them.
inline constexpr std::uint32_t kUidKeptMax = 0xFFFF'0000;
inline constexpr std::uint32_t kUidValidityKeptMax = 0xFFFF'0000;
inline constexpr std::size_t kMailboxesMax = 10'000;  // of one user; a listing stays below a frame
inline constexpr std::size_t kMailboxNameMax =
    1000;  // bytes; longest line of IMAP clients and servers in use
inline constexpr std::size_t kMailboxDepthMax = 100;      // levels of hierarchy
inline constexpr std::size_t kSubscriptionsMax = 10'000;  // of one user; they outlive their mailboxes
// Subscriptions are to mailboxes of others too, whose names begin with two levels more, the second of them a user.
inline constexpr std::size_t kSubscribedNameMax = 1400;
inline constexpr std::size_t kSubscribedDepthMax = kMailboxDepthMax + 2;
inline constexpr std::size_t kKeywordsMax = 64;      // of one mailbox: bits of a word
inline constexpr std::size_t kKeywordNameMax = 100;  // bytes
// Annotations: RFC 5464 section 4.1 asks for 10 of 1024 bytes at least. All of a user are in memory and in his snapshots.
inline constexpr std::size_t kAnnotationsMax = 100;  // on one mailbox
inline constexpr std::size_t kAnnotationNameMax = 255;
inline constexpr std::size_t kAnnotationSizeMax = 32 * 1024;
inline constexpr std::size_t kAnnotationBytesMax = 1024 * 1024;  // of one user, names and values
// Access lists: people and groups of a team. All of a user are in memory and in his snapshots, and each identifier is known to all
// cores once.
inline constexpr std::size_t kAccessEntriesMax = 64;       // on one mailbox
inline constexpr std::size_t kAccessIdentifiersMax = 256;  // different ones, on all mailboxes of one user
inline constexpr std::size_t kAccessEntriesOfUserMax = 32'768;  // on all his mailboxes: 1.5 MB of a snapshot
inline constexpr std::size_t kOwnersAtOnce =
    1000;  // told to a reader by one look at the table of all cores: 100 microseconds
inline constexpr std::size_t kUserNameMax = 320;        // local part, "@", domain (RFC 5321 section 4.5.3.1)
inline constexpr std::size_t kMessagesMax = 4'000'000;  // of one user: 224 MB of memory, and its snapshot
inline constexpr std::size_t kVanishedMax = 65'536;     // ranges of UIDs kept for QRESYNC, of one mailbox
inline constexpr std::size_t kOriginsMax = 100'000;     // deliveries that nobody has confirmed, of one user
inline constexpr std::size_t kPendingMax =
    65'536;  // changes that a session has not taken; then it looks anew
// A snapshot is written when the changes since the last one have more bytes than a share of it, or are so many.
inline constexpr std::size_t kSnapshotLeast = 64 * 1024;
inline constexpr double kSnapshotShare = 0.5;
inline constexpr std::size_t kChangesMax = 16'384;
inline constexpr std::size_t kSnapshotPiece = 256 * 1024;
inline constexpr std::size_t kSnapshotPiecesMax = 16'384;  // 4 GiB
// Origins asked of another core in one turn: half a millisecond. A user with so many more than are in a queue has them asked for.
inline constexpr std::size_t kOriginsAtOnce = 1000;
inline constexpr Duration kOriginsCheckedAgain = 60s;  // for one user
inline constexpr Duration kRoomWait = 60s;      // for the log to take a record, as the spool waits
inline constexpr Duration kExchangePoll = 2ms;  // at start: whether the other cores have read their logs
// Messages that lie in another core's log: how long until who could not be brought is tried again, and after how many attempts a
// sector that the disk there does not give counts as damaged.
inline constexpr Duration kBringAgain = 10s;
inline constexpr unsigned kBringReads = 6;
inline constexpr std::size_t kRemoteMax = 256;  // requests to one other core under way; more wait
inline constexpr std::size_t kPendingRecordsMax =
    4'000'000;  // changes kept at start until what is before them is read
// Reading ahead: so much of the log at once (a read costs as much as the copy of 60 messages of 4 KiB), for so many readers of
// a core; in order is who skips no more messages than that.
inline constexpr std::size_t kReadAheadSpan = 256 * 1024;
inline constexpr std::size_t kReadAheadMessages = 256;
inline constexpr std::size_t kReadAheadWindows = 16;
inline constexpr std::size_t kReadAheadSkipped = 8;
inline constexpr Duration kReadAheadKept = 5s;
inline constexpr std::size_t kDamageNoticesMax = 100;  // lines in the log at start

}  // namespace ringpost::store
