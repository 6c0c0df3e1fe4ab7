// The limits of the load generator, each with its reason.
//
// Layer: tool.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::loadgen {

// ---- both sides ----
// Lines that wait for the end of a turn; more are written at once. A turn has at most some hundred messages.
inline constexpr std::size_t kLinesBytesMax = 1 << 20;
// How long the end of a run waits for what is under way, before connections are cut.
inline constexpr Duration kDrain = std::chrono::seconds{2};
inline constexpr std::chrono::milliseconds kStopBound{5000};
// How often the main thread looks whether the run is over.
inline constexpr Duration kLook = std::chrono::milliseconds{20};
// A core that was busy for this share of the time is what limited the run, not the server.
inline constexpr double kSaturated = 0.9;
// Waiting for a CPU is told from here on; everybody waits a little.
inline constexpr double kWaitTold = 0.02;
// A server that answers nothing for so long, though it was asked, is said to have stopped answering.
inline constexpr Duration kSilence = std::chrono::seconds{1};
// Of what a peer said; a reply has no more than some hundred bytes.
inline constexpr std::size_t kPeerTextMax = 1000;
// Kinds of refusal for which one text is kept as an example.
inline constexpr std::size_t kExamplesMax = 16;
// Codes that are told apart: a server that makes up ever new ones ends in "others".
inline constexpr std::size_t kCodesMax = 64;

// The exit code when --acknowledged or --received could not be written; the figures are those up to then.
inline constexpr int kLinesLost = 3;

// ---- smtp ----
// More than a process may have ports to one address.
inline constexpr std::uint64_t kConnectionsMax = 50'000;
// The session's own bound (smtp::kTransactionsInFlightMax).
inline constexpr std::uint64_t kInFlightMax = 4;
inline constexpr std::uint64_t kRecipientsMax = 1000;
inline constexpr std::uint64_t kMailboxesMax = 1'000'000'000;
inline constexpr std::uint64_t kDomainsMax = 1'000'000;
inline constexpr Bytes kMessageSizeMax{std::uint64_t{256} << 20};
// Bodies of generated mail that are kept ready: several, so that not every message is alike, but few enough
// for the cache.
inline constexpr std::size_t kBodiesMax = 8;
// Different sizes that stand for a range of them.
inline constexpr std::size_t kSizesOfRange = 16;
inline constexpr Bytes kBodiesBytesMax{std::uint64_t{64} << 20};
// Real mail is read into memory whole.
inline constexpr std::size_t kCorpusFilesMax = 1'000'000;
inline constexpr Bytes kCorpusBytesMax{std::uint64_t{4} << 30};
// Between attempts to connect: doubles from the first to the second. A server that is restarted is found again at once.
inline constexpr Duration kBackOffMin = std::chrono::milliseconds{20};
inline constexpr Duration kBackOffMax = std::chrono::seconds{1};
// Refused messages that wait for their next attempt, on one core; beyond it a refusal is final.
inline constexpr std::size_t kRetriesMax = 1'000'000;
// When only a number of messages was asked for, the run still ends.
inline constexpr Duration kCountedRunMax = std::chrono::minutes{10};

// Seconds of a run that are kept one by one; a day's would be too many for a page.
inline constexpr std::size_t kSecondsMax = 7200;
inline constexpr Duration kSecondMin = std::chrono::milliseconds{400};
// A search ends within 2 %, and in bounded time.
inline constexpr double kSearchPrecision = 1.02;
inline constexpr unsigned kSearchStepsMax = 24;
// A run file that is read back: kSecondsMax seconds of many cores.
inline constexpr std::size_t kRunFileBytesMax = std::size_t{256} << 20;

// ---- sink ----
// A client that says nothing for so long is gone.
inline constexpr Duration kSinkIdle = std::chrono::minutes{10};
// A sink that was killed a moment ago may hold its sockets for as long as its ring takes to go.
inline constexpr Duration kAddressWait = std::chrono::seconds{2};
// Body bytes on their way from the session to the checksum; one buffer for each core.
inline constexpr std::size_t kScratchBytes = 64 * 1024;
// Pairs of sender and recipient that a persona remembers.
inline constexpr std::size_t kGreylistMax = 2'000'000;
// A resolver that keeps a connection without a question is sent away.
inline constexpr Duration kDnsIdle = std::chrono::seconds{30};
// The first bytes of a header line are enough to know our fields.
inline constexpr std::size_t kFieldBytesMax = 256;
// (message, recipient) pairs that each core remembers to find duplicates: 256 MiB.
inline constexpr std::size_t kReceiptsMax = std::size_t{32} << 20;
// Domains for which connections and messages are counted.
inline constexpr std::size_t kDomainsCountedMax = 100'000;
// Domains that the report names, those with the most connections first.
inline constexpr std::size_t kDomainsShownMax = 20;

// ---- tune ----
// With rounds of some seconds, an hour.
inline constexpr std::uint64_t kTuneRunsMax = 1000;
// Fewer rounds cannot tell a difference from noise at all.
inline constexpr std::uint64_t kRoundsMin = 4;
inline constexpr std::uint64_t kRoundsMax = 100;
inline constexpr Duration kServerStart = std::chrono::seconds{30};
inline constexpr Duration kServerStop = std::chrono::seconds{30};
inline constexpr Duration kMeasureMax = std::chrono::minutes{10};

// ---- compare ----
inline constexpr std::size_t kLostShownMax = 10;

}  // namespace ringpost::loadgen
