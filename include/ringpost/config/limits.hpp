// Bounds of reading a configuration. It is read at start and on reload, by people and generators; these are
// far above what either writes, and keep any bytes at all from costing more than a moment and a few MiB.
#pragma once

#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::config {

// One file. A list of 30,000 networks fits.
inline constexpr Bytes kFileSizeMax = 1_MiB;
// The main file and all that it includes.
inline constexpr std::size_t kFilesMax = 256;
// Lists and inline tables within each other; the schema needs 3. Also the bound of our recursion.
inline constexpr std::size_t kValueDepthMax = 16;
// Segments of one dotted key; the schema needs 5. The TOML library recurses over them without a bound of its own.
inline constexpr std::size_t kKeyDepthMax = 32;
// Lines of one file that are set aside as broken to look at the rest; each costs another pass over the file.
inline constexpr std::size_t kSyntaxErrorsMax = 20;
// How far a value may run on over lines when the place of a syntax error is searched.
inline constexpr std::size_t kStatementLinesMax = 200;
// The name of a repeating table, which logs and metrics carry.
inline constexpr std::size_t kNameSizeMax = 64;

}  // namespace ringpost::config
