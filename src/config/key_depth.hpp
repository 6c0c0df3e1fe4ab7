// How deep the dotted keys of a TOML text nest. The TOML library makes one table for each segment and
// recurses over them, with a bound for values but none for keys, so this is asked before it is.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringpost::config {

// The first line with a key of more than `max` segments, or 0. Strings and comments are skipped; where the
// text is malformed the answer may be wrong, but only behind the place at which the library stops too.
std::uint32_t line_of_deep_key(std::string_view text, std::size_t max);

}  // namespace ringpost::config
