// Limits of the intake, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::intake {

// Mails up to this are judged on their core, in steps; taking larger ones apart would keep the others waiting too long.
inline constexpr std::size_t kScanOnCoreMax = 32 * 1024;
// After so long the others of the core have their turn.
inline constexpr Duration kScanSlice = std::chrono::microseconds{200};
// Memory of the expressions for scans in the offload pool, kept from one to the next: some 100 KiB each.
inline constexpr std::size_t kSpareScratchMax = 8;
// Names of rules in a line of the log.
inline constexpr std::size_t kTestsTextMax = 1000;

// How long all questions of a message to DNS lists may take together, unless rbl_timeout says otherwise, and at most: a
// client waits ten minutes for the reply to its final dot (RFC 5321 section 4.5.3.2.6), and should not be made to.
inline constexpr Duration kDnsFactsTimeout = std::chrono::seconds(5);
inline constexpr Duration kDnsFactsTimeoutMax = std::chrono::seconds(60);
// Lessons of one core that wait to be written: some seconds of mail that teaches, 3 KiB each.
inline constexpr std::size_t kLessonsMax = 1'000;
// How old what commands have learned may be in memory.
inline constexpr Duration kBayesRefresh = std::chrono::seconds(5);

}  // namespace ringpost::intake
