// Colours of HTML and CSS, "#rrggbb" in lower case.
//
// Layer:   private to `filter`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

inline constexpr std::string_view kInvalidColor = "invalid";

// By name, "#abc", "#aabbcc" or "rgb(1,2,3)"; kInvalidColor when it is none.
std::string parse_color(std::string_view text);
// The value of a style property `color` or `background-color`, in lower case: as above, with rgb() in any wording.
std::string parse_css_color(std::string_view value);
// The first colour in the last layer of a `background` property; empty for none.
std::string background_color(std::string_view value);
// No reader could tell text of the one from a ground of the other.
bool is_low_contrast(std::string_view foreground, std::string_view background);

}  // namespace ringpost::filter
