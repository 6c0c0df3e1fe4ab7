// How values are written in .cf files: the one reading of them, for the check when a line is read and for whoever asks later.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::filter {

// What is the matter with a line.
inline std::unexpected<Error> wrong(std::string text) {
  return fail(ErrorKind::permanent, std::move(text));
}
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
