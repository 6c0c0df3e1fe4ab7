// What the elements and attributes of HTML mean to the renderer.
//
// Layer:   private to `filter`.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::filter {

bool is_html_element(std::string_view tag);  // of HTML 4.01 or XHTML 1.0, and few that mail programs write
bool is_rendered_element(std::string_view tag);  // beyond those: not valid, but shown
bool is_office_tag(std::string_view tag);        // "o:p", "st1:place"
bool changes_style(std::string_view tag);
bool is_style_attribute(std::string_view tag, std::string_view attribute);

enum class TextBreak : unsigned char { none, blank, line, paragraph };
TextBreak break_of(std::string_view tag);

// The attribute that holds an URI; empty when the element has none.
std::string_view uri_attribute(std::string_view tag);
bool is_self_contained_uri(std::string_view uri);  // data:, mailto: and the like have no base
// "5; url=x" is "x"; empty when there is no url.
std::string refresh_uri(std::string_view content);
// "text/html; charset=x" is "x".
std::string meta_charset(std::string_view content);
// Names of letters, separated by commas.
bool is_plain_font_face(std::string_view face);

}  // namespace ringpost::filter
