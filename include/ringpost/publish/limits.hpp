// The bounds of writing logs, each with its reason.
//
// Layer: services.
#pragma once

#include <chrono>
#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::publish {

// How long an event may wait in its ring. A core at 100,000 events a second fills its ring of 1 MiB in 40 ms.
inline constexpr Duration kDrainPeriod = std::chrono::milliseconds(20);
// Lines that are gathered before they are written; more only cost memory.
inline constexpr std::size_t kBatchBytesMax = 256 * 1024;
// A pipe takes at least this without blocking once poll() has called it writable (PIPE_BUF of Linux).
inline constexpr std::size_t kPipeChunkBytes = 4096;
// How long one batch may wait for a reader that is slow. Then its lines are lost, and counted.
inline constexpr Duration kSinkPatience = std::chrono::seconds(1);
// rsyslog cuts at 8 KiB by default; longer datagrams may be refused whole.
inline constexpr std::size_t kSyslogBytesMax = 8 * 1024;
// The journal takes more in a datagram only when its socket's buffer is raised; beyond it only MESSAGE is sent.
inline constexpr std::size_t kJournalBytesMax = 128 * 1024;
// Notices of the server itself that wait for the thread; the oldest go first.
inline constexpr std::size_t kNoticesMax = 1000;
inline constexpr std::size_t kNoticeBytesMax = 4096;

// Scrapers of the metrics page at a time: a pair of Prometheus servers and a person with curl need three. Beyond it who has
// said nothing for longest makes way for who comes, so that idle connections cannot keep a scraper out.
inline constexpr std::size_t kPageClientsMax = 16;
// Without descriptors or memory accepting pauses for so long.
inline constexpr std::chrono::milliseconds kPagePause{100};
// How long such a client may be silent, or not read.
inline constexpr Duration kPagePatience = std::chrono::seconds(10);

}  // namespace ringpost::publish
