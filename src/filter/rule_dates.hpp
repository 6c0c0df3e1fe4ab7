// Dates of header fields in the way rules were written for: nearly anything with a day, a month and a year is one.
//
// Layer:   private to `filter`. mail::parse_date keeps to RFC 5322.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ringpost::filter {

// Seconds since 1970, from 1970 to 2037; a day that the month has not is the first of the next.
std::optional<std::int64_t> parse_rule_date(std::string_view text);

}  // namespace ringpost::filter
