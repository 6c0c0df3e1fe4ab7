// What an URI may be read as: percent codes and character references undone, odd hosts in plain form, what a redirector carries.
//
// Layer:   private to `filter`.
// Limits:  kUriRedirectionsMax.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/view_settings.hpp"

namespace ringpost::filter {

// The URI itself and its variants, without duplicates; only itself for what is none ("#top", "/", "").
std::vector<std::string> uri_variants(std::string_view uri, const ViewSettings& settings,
                                      patterns::Scratch& scratch);

bool has_percent_code(std::string_view uri);
// Codes of printable ASCII become characters; blanks, quotes, '<', '>' and bytes over 127 become codes.
std::string normalize_percent_codes(std::string_view uri);

}  // namespace ringpost::filter
