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

}  // namespace ringpost::intake
