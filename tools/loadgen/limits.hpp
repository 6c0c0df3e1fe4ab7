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
// Kinds of refusal for which one text is kept as an example.
inline constexpr std::size_t kExamplesMax = 16;

// ---- smtp ----
// More than a process may have ports to one address.
inline constexpr std::uint64_t kConnectionsMax = 50'000;
// The session's own bound (smtp::kTransactionsInFlightMax).
inline constexpr std::uint64_t kInFlightMax = 4;
inline constexpr std::uint64_t kRecipientsMax = 1000;
inline constexpr std::uint64_t kDomainsMax = 1'000'000;
inline constexpr Bytes kMessageSizeMax{std::uint64_t{256} << 20};
// Bodies of generated mail that are kept ready: several, so that not every message is alike, but few enough
// for the cache.
inline constexpr std::size_t kBodiesMax = 8;
inline constexpr Bytes kBodiesBytesMax{std::uint64_t{64} << 20};
// A folder of real mail is read into memory whole.
inline constexpr std::size_t kCorpusFilesMax = 1'000'000;
inline constexpr Bytes kCorpusBytesMax{std::uint64_t{4} << 30};
// Between attempts to connect: doubles from the first to the second. A server that is restarted is found again at once.
inline constexpr Duration kBackOffMin = std::chrono::milliseconds{20};
inline constexpr Duration kBackOffMax = std::chrono::seconds{1};
// Refused messages that wait for their next attempt, on one core; beyond it a refusal is final.
inline constexpr std::size_t kRetriesMax = 1'000'000;
// When only a number of messages was asked for, the run still ends.
inline constexpr Duration kCountedRunMax = std::chrono::minutes{10};

// ---- sink ----
// A client that says nothing for so long is gone.
inline constexpr Duration kSinkIdle = std::chrono::minutes{10};
// Body bytes on their way from the session to the checksum; one buffer for each core.
inline constexpr std::size_t kScratchBytes = 64 * 1024;
// The first bytes of a header line are enough to know our fields.
inline constexpr std::size_t kFieldBytesMax = 256;
// (message, recipient) pairs that each core remembers to find duplicates: 256 MiB.
inline constexpr std::size_t kReceiptsMax = std::size_t{32} << 20;
// Domains for which connections and messages are counted.
inline constexpr std::size_t kDomainsCountedMax = 100'000;
// Domains that the report names, those with the most connections first.
inline constexpr std::size_t kDomainsShownMax = 20;

// ---- compare ----
inline constexpr std::size_t kLostShownMax = 10;

}  // namespace ringpost::loadgen
