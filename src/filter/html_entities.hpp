// Character references of HTML.
//
// Layer:   private to `filter`.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::filter {

enum class EntityNames : unsigned char {
  whole,    // of attributes: "&copyx" is no reference
  prefixes  // of text: "&copyx" is the sign and an x
};
// Appends `text` with its references as characters, in UTF-8.
void append_html_decoded(std::string_view text, EntityNames names, std::string& out);

}  // namespace ringpost::filter
