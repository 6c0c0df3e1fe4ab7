#include "html_words.hpp"

#include <algorithm>
#include <array>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

template <std::size_t n>
constexpr bool has(const std::array<std::string_view, n>& sorted, std::string_view word) {
  return std::ranges::binary_search(sorted, word);
}

// clang-format off
constexpr auto kElements = std::to_array<std::string_view>({
    "a", "abbr", "acronym", "address", "applet", "area", "b", "base", "basefont", "bdo", "big", "blockquote", "body", "br", "button",
    "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "dir", "div", "dl", "dt", "em", "fieldset", "font", "form",
    "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "html", "i", "iframe", "img", "input", "ins", "isindex", "kbd",
    "label", "legend", "li", "link", "map", "menu", "meta", "nobr", "noframes", "noscript", "object", "ol", "optgroup", "option", "p",
    "param", "pre", "q", "s", "samp", "script", "select", "small", "span", "strike", "strong", "style", "sub", "sup", "table", "tbody",
    "td", "textarea", "tfoot", "th", "thead", "title", "tr", "tt", "u", "ul", "var", "x-sigsep", "x-tab"});
constexpr auto kRendered = std::to_array<std::string_view>({"bgsound", "embed", "listing", "plaintext", "xmp"});
constexpr auto kStyled = std::to_array<std::string_view>({
    "a", "basefont", "big", "body", "div", "font", "marquee", "p", "small", "span", "table", "td", "th", "tr"});
// clang-format on
static_assert(std::ranges::is_sorted(kElements) && std::ranges::is_sorted(kRendered) &&
              std::ranges::is_sorted(kStyled));

}  // namespace

bool is_html_element(std::string_view tag) {
  return has(kElements, tag);
}
bool is_rendered_element(std::string_view tag) {
  return has(kRendered, tag);
}
bool changes_style(std::string_view tag) {
  return has(kStyled, tag);
}

bool is_office_tag(std::string_view tag) {
  if (tag.starts_with("o:"))
    tag.remove_prefix(2);
  else if (tag.starts_with("st") && tag.size() > 4 && is_digit(tag[2]) && tag[3] == ':')
    tag.remove_prefix(4);
  else
    return false;
  if (tag.ends_with('/')) tag.remove_suffix(1);
  return !tag.empty() && std::ranges::all_of(tag, [](char c) { return is_word(c) || c == '-'; });
}

bool is_style_attribute(std::string_view tag, std::string_view attribute) {
  if (tag == "font" || tag == "basefont") return attribute == "color" || attribute == "size";
  if (tag == "body") return attribute == "text";
  if (tag == "table" || tag == "td" || tag == "tr" || tag == "span" || tag == "p" || tag == "div" ||
      tag == "a")
    return attribute == "style";
  return false;
}

TextBreak break_of(std::string_view tag) {
  if (tag == "br" || tag == "div") return TextBreak::line;
  for (const std::string_view one :
       {"li", "th", "td", "dt", "dd", "embed", "h1", "h2", "h3", "h4", "h5", "h6"})
    if (tag == one) return TextBreak::blank;
  for (const std::string_view one : {"p", "hr", "blockquote", "pre", "listing", "plaintext", "xmp", "title"})
    if (tag == one) return TextBreak::paragraph;
  return TextBreak::none;
}

std::string_view uri_attribute(std::string_view tag) {
  for (const std::string_view one : {"a", "area", "link", "base"})
    if (tag == one) return "href";
  for (const std::string_view one : {"img", "frame", "iframe", "embed", "script", "bgsound"})
    if (tag == one) return "src";
  for (const std::string_view one : {"body", "table", "tr", "td"})
    if (tag == one) return "background";
  if (tag == "form") return "action";
  return tag == "meta" ? "content" : "";
}

bool is_self_contained_uri(std::string_view uri) {
  for (const std::string_view scheme : {"data:", "mailto:", "file:", "cid:", "tel:"})
    if (starts_nocase(uri, scheme)) return true;
  return false;
}

namespace {

// Behind the last "word =", or kNowhere.
std::size_t after_last_assignment(std::string_view text, std::string_view word) {
  std::size_t found = kNowhere;
  for (std::size_t at = find_nocase(text, word); at != kNowhere; at = find_nocase(text, word, at + 1)) {
    if (at > 0 && is_word(text[at - 1])) continue;
    std::size_t next = at + word.size();
    while (next < text.size() && is_space(text[next])) ++next;
    if (next >= text.size() || text[next] != '=') continue;
    ++next;
    while (next < text.size() && is_space(text[next])) ++next;
    found = next;
  }
  return found;
}

}  // namespace

std::string refresh_uri(std::string_view content) {
  const std::size_t at = after_last_assignment(content, "url");
  if (at == kNowhere) return {};
  const std::string_view uri = content.substr(at);
  const std::size_t end = uri.find(';');
  return std::string(end == kNowhere ? uri : trim_back(uri.substr(0, end)));
}

std::string meta_charset(std::string_view content) {
  const std::size_t at = after_last_assignment(content, "charset");
  if (at == kNowhere) return {};
  std::string_view value = content.substr(at);
  if (value.starts_with('"') || value.starts_with('\'')) value.remove_prefix(1);
  return std::string(value.substr(0, value.find_first_of("\"'")));
}

namespace {

bool is_plain_font_name(std::string_view name) {
  const auto is_quote = [](char c) { return c == '"' || c == '\''; };
  name = trim_front(name);
  if (!name.empty() && is_quote(name.front())) name.remove_prefix(1);
  if (!name.empty() && is_quote(name.back())) name.remove_suffix(1);
  if (name.size() > 2 && is_digit(name.back())) name.remove_suffix(1);
  if (name.size() < 2 || !is_letter(name.back())) return false;
  return std::ranges::all_of(name, [](char c) { return is_letter(c) || c == ' ' || c == '-'; }) &&
         name.front() != '-';
}

}  // namespace

bool is_plain_font_face(std::string_view face) {
  if (face.ends_with(';')) face.remove_suffix(1);
  face = trim_front(face);
  if (face.starts_with('.')) face.remove_prefix(1);
  for (;;) {
    const std::size_t comma = face.find(',');
    if (!is_plain_font_name(face.substr(0, comma))) return false;
    if (comma == kNowhere) return true;
    face.remove_prefix(comma + 1);
  }
}

}  // namespace ringpost::filter
