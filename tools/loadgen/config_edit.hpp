// Sets one value in the text of a TOML configuration, and leaves all else as its author wrote it.
//
// Layer: tool, pure. Knows plain tables "[cores]" and keys on lines of their own; that is how configurations are written.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::loadgen {

// `key` is dotted: the last part within the table that the others name. `comment` goes behind the value, when there is one.
// A value of several lines is refused.
Result<std::string> with_value(std::string_view text, std::string_view key, std::string_view value,
                               std::string_view comment);
// As TOML wants it: numbers, flags and lists as they are, text quoted.
std::string toml_value(std::string_view text);

}  // namespace ringpost::loadgen
