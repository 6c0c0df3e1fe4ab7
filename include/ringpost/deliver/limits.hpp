// The bounds of sending, each with its reason. What an operator may change is in the options.
//
// Layer: services.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::deliver {

// Of the header of a message in the quarantine, for who looks at it.
inline constexpr std::size_t kShownHeaderMax = 16 * 1024;

// Deliveries into mailboxes at once on one core: they block threads of the offload pool, of which there are few.
inline constexpr std::size_t kLocalDeliveriesMax = 32;
// Of these for one recipient: one command that hangs must not hold the mail of everybody else.
inline constexpr std::size_t kLocalDeliveriesPerRecipientMax = 2;
// The same of recipients whose last mail went into the store and nowhere else. That takes no thread, and all that are under way share
// a flush: with two at a time a busy mailbox falls behind what comes in, until its mail must be read from the disk again.
inline constexpr std::size_t kStoreDeliveriesMax = 64;
inline constexpr std::size_t kStoreDeliveriesPerRecipientMax = 32;
// Behind a larger one there are two at a time again: a body that has left the commit buffers is read into memory whole.
inline constexpr std::uint64_t kStoredTogetherMax = 256 * 1024;

// Addresses tried for one connection. RFC 5321 section 5.1 lets the client set a bound, of at least two.
inline constexpr std::size_t kEndpointsTriedMax = 10;
// How long a lookup of the way to a destination may take; the resolver's own time-outs are shorter.
inline constexpr Duration kResolveTimeout = std::chrono::seconds(60);
inline constexpr Duration kHandshakeTimeout = std::chrono::seconds(60);
// What QUIT is worth: the answer changes nothing.
inline constexpr Duration kQuitTimeout = std::chrono::seconds(5);
// A transaction that is not over by then is given up, whatever the peer still promises.
inline constexpr Duration kTransactionMax = std::chrono::hours(2);

// The client of a message at level through waits for what the next hop says; after its final dot it does so for ten minutes
// (RFC 5321 section 4.5.3.2.6), so this one ends well before that, however the hop behaves.
inline constexpr Duration kPassingMax = std::chrono::minutes(4);
// A pause that such a message brought about: while it lasts clients hear 451 at once, and they come again by themselves.
inline constexpr Duration kPassingPauseMax = std::chrono::seconds(30);

// A destination whose hosts all failed is left alone: for the retry interval of so many failures, but not longer.
inline constexpr Duration kDestinationPauseMax = std::chrono::minutes(30);
// Messages that wait behind it and are named in the log in one turn of the core.
inline constexpr std::size_t kToldPerTurn = 64;
// One that refused a further connection while others stand gets no more of them for so long.
inline constexpr Duration kRampPause = std::chrono::seconds(15);
// What is remembered of single hosts: that they did not answer, or that TLS with them fails.
inline constexpr std::size_t kHostsRememberedMax = 20'000;
inline constexpr Duration kDeadHostMemory = std::chrono::minutes(1);
inline constexpr Duration kBrokenTlsMemory = std::chrono::minutes(15);

// A connection that has had its slot for so long gives it up after the message when other cores wait for one.
inline constexpr Duration kSlotTenure = std::chrono::seconds(5);
// How often an idle connection asks whether others wait.
inline constexpr Duration kIdleSlice = std::chrono::seconds(1);

// Messages that are being expired or warned about at once on one core; the rest waits.
inline constexpr std::size_t kOverdueWorkersMax = 8;
// A report that could not be stored is made again after this; until then the message stays in the queue.
inline constexpr Duration kReportRetry = std::chrono::minutes(5);
// Expiry waits so long for a transaction that is under way, then looks again.
inline constexpr Duration kExpiryGrace = std::chrono::minutes(1);
// A message that cannot be read back is tried again after this: damaged ones seldom, those for which there was no memory
// soon.
inline constexpr Duration kUnreadableRetry = std::chrono::hours(1);
inline constexpr Duration kNoMemoryRetry = std::chrono::minutes(1);

// The header that a report returns, and the whole message when RET=FULL asks for it.
inline constexpr std::size_t kReportHeaderMax = 32 * 1024;
inline constexpr std::size_t kReportBodyMax = 256 * 1024;
// The front of a message in which Delivered-To is looked for.
inline constexpr std::size_t kLoopHeaderMax = 64 * 1024;

// Messages up to this size are sent from one view of them; larger ones part by part, so that a cold one of any size
// needs no more memory than this.
inline constexpr std::uint64_t kBodyWholeMax = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kBodyPart = std::uint64_t{1} << 20;

// Slices of one message handed to the kernel at a time, when dots are doubled.
inline constexpr std::size_t kStuffedPiecesMax = 64;

// A message that nobody needs for so long is parked: some 25 bytes in place of 300, and 8 for each job if it has several. It is read again so much
// ahead of its time, and not parked again when that is near.
inline constexpr std::size_t kPartsParkedMax = 1000;  // with more jobs it stays in memory
inline constexpr Duration kParkAfter = std::chrono::minutes(3);
inline constexpr Duration kWakeAhead = std::chrono::seconds(30);
// All that are parked are looked at once in so long, some 1/256 of them at a time: of ten million, in a quarter of a millisecond.
inline constexpr Duration kSweepRound = std::chrono::seconds(60);
// Found by that and not read yet; nobody is looked for meanwhile.
inline constexpr std::size_t kDueMax = 65'536;
// So many ready jobs of one destination are in memory; those behind them are parked, and read when half are gone. When more
// than kMessagesInMemory are there altogether, destinations to which nothing goes just now keep a few only.
inline constexpr std::uint32_t kReadyInMemory = 4096;
inline constexpr std::uint32_t kReadyOfStuck = 16;
inline constexpr std::size_t kMessagesInMemory = 65'536;
// Parked messages whose time has come and that are being read at once.
inline constexpr std::size_t kWakersMax = 16;
// Of what a summary adds up, in one turn.
inline constexpr std::size_t kSummedPerTurn = 1024;
// Messages that a listing looks at in its first pass over the queue; later ones have more.
inline constexpr std::size_t kListPass = 4096;

// Holds and exceptions from them that are in force at a time. All of them are looked at for each recipient that comes.
inline constexpr std::size_t kHoldRulesMax = 256;
// Jobs that are held one by one, on one core: by id, or in a state. Some 100 bytes each, and a row in the tables.
inline constexpr std::size_t kHeldOneByOneMax = 100'000;

// Parked messages in one turn, when a rule about what is held is put in force over all of them; and of those whose envelope must
// tell, how many are noted by their ids: with more, all of them are asked again.
inline constexpr std::size_t kMarkedPerTurn = 2048;
inline constexpr std::size_t kUnsureMax = 65'536;

// Messages that one page of a queue listing shows at the most.
inline constexpr std::size_t kListPageMax = 1000;
// Messages looked at by an operator's command before others of this core have their turn.
inline constexpr std::size_t kSelectedPerTurn = 64;

}  // namespace ringpost::deliver
