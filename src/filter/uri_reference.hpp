// An URI reference made absolute.
//
// Layer:   private to `filter`.
// RFCs:    3986 section 5.2, in its lenient form: a reference with the scheme of its base may be relative.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::filter {

// Without a base: a reference that begins with "//www." gets a scheme.
std::string resolve_uri(std::string_view base, std::string_view reference);

}  // namespace ringpost::filter
