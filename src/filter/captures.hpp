// Rules that hand texts to others: (?<NAME>...) gives, %{NAME} takes.
//
// Layer:   private to `filter`.
// Limits:  kCapturesMax values of a name.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/patterns/pattern.hpp"

namespace ringpost::filter {

std::vector<std::string> names_given(std::string_view expression);
std::vector<std::string> names_taken(std::string_view expression);
// The expression of a rule that takes, with a text in the place of each name.
std::string with_captures(std::string_view expression,
                          const std::function<std::string(std::string_view name)>& value);

// What was taken out of one mail.
using Captured = std::map<std::string, std::vector<std::string>, std::less<>>;
// With the values of each name, any of which may stand there. Nothing: one has none.
std::optional<patterns::Pattern> with_captured(patterns::Pattern pattern, const Captured& captured);

}  // namespace ringpost::filter
