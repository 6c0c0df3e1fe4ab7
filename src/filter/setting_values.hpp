// How values are written in .cf files: the one reading of them, for the check when a line is read and for whoever asks later.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace ringpost::filter {

// The words between blanks; valid as long as the text is.
std::vector<std::string_view> words_of(std::string_view text);
// "5", "-1.5", "+.5": decimal, without an exponent, at most kSettingNumberMax either way. What is written as infinite or as no
// number would make every comparison with a score false.
std::optional<double> decimal_number(std::string_view text);
// 1 or yes, 0 or no, in any case: what SpamAssassin takes, and nothing else.
std::optional<bool> truth_value(std::string_view text);
// "15", "2.5", "30s", "5m", "1h", "1d", "1w": in seconds.
std::optional<double> seconds_of(std::string_view text);

}  // namespace ringpost::filter
