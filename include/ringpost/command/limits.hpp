// The bounds of the commands, each with its reason.
//
// Layer: program.
#pragma once

#include <chrono>
#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::command {

// Cells of a table on a terminal are cut here, so that a row stays readable; --json has them whole.
inline constexpr std::size_t kCellWidthMax = 60;
// A password that somebody types or pipes in.
inline constexpr std::size_t kPasswordSizeMax = 1024;
// `stop` waits so much longer than the drain for the process to end.
inline constexpr Duration kStopGrace = std::chrono::seconds(30);
// Lines that describe broken aliases, and other findings about files that the configuration names.
inline constexpr std::size_t kFileFindingsMax = 100;
// A certificate, key or aliases file.
inline constexpr Bytes kNamedFileMax = 256_MiB;
// Messages for which one `queue list` asks the server at a time, and how many it shows unless told otherwise.
inline constexpr std::size_t kListDefault = 100;

}  // namespace ringpost::command
