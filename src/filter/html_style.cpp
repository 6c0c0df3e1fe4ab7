// What open elements say about the looks of text, and whether a reader sees it.
#include <algorithm>

#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"
#include "html_color.hpp"
#include "html_renderer.hpp"
#include "html_words.hpp"

namespace ringpost::filter {

namespace {

// The number at the front, with a sign or not; nullopt when there is none.
struct SizeText {
  double value = 0;
  bool is_signed = false;
};
std::optional<SizeText> read_size(std::string_view text) {
  text = trim_front(text);
  const bool is_signed = text.starts_with('+') || text.starts_with('-');
  const bool negative = text.starts_with('-');
  if (is_signed) text.remove_prefix(1);
  double value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits]) && digits < 15)
    value = value * 10 + (text[digits++] - '0');
  if (digits == 0) return std::nullopt;
  return SizeText{negative ? -value : value, is_signed};
}

}  // namespace

void HtmlRenderer::open_style(const std::string& name, const HtmlAttributes& attributes) {
  const std::string tag = name == "th" ? "td" : name;
  if (tag == "basefont") {
    const std::string* size = attributes.find("size");
    const auto number = size == nullptr ? std::nullopt : read_size(*size);
    if (number && !number->is_signed) {
      base_font_ = number->value;
      return;
    }
  }
  if (tag == "td" || tag == "tr") close_cells(tag);
  if (styles_.size() >= kStyleDepthMax) return;
  Style style = styles_.back();
  style.tag = tag;
  if (tag == "big" || tag == "small") {
    style.size += tag == "big" ? 1 : -1;
  } else {
    for (const HtmlAttribute& attribute : attributes.all()) {
      if (!is_style_attribute(tag, attribute.name)) continue;
      apply_attribute(attribute, style);
      if (style.size > facts_.max_size)
        facts_.max_size = style.size;
      else if (style.size < facts_.min_size)
        facts_.min_size = style.size;
    }
  }
  styles_.push_back(std::move(style));
}

void HtmlRenderer::apply_attribute(const HtmlAttribute& attribute, Style& style) const {
  if (attribute.name == "text" || attribute.name == "color") {
    style.foreground = parse_color(attribute.value);
  } else if (attribute.name == "size") {
    if (const auto number = read_size(attribute.value))
      style.size = number->is_signed ? base_font_ + number->value : number->value;
  } else if (attribute.name == "style") {
    apply_css(attribute.value, style);
  }
}

void HtmlRenderer::apply_css(std::string_view css, Style& style) const {
  while (!css.empty()) {
    const std::size_t end = std::min(css.find(';'), css.size());
    const std::string_view property = trim(css.substr(0, end));
    css.remove_prefix(std::min(end + 1, css.size()));
    const std::size_t colon = property.find(':');
    if (colon == kNowhere) continue;
    const std::string name = lower(trim_back(property.substr(0, colon)));
    std::string value = lower(trim(property.substr(colon + 1)));
    if (value.empty()) continue;
    if (name == "color" || name == "background-color") {
      if (value.ends_with("important"))
        value = trim_back(std::string_view(value).substr(0, value.rfind('!')));
      std::string& target = name == "color" ? style.foreground : style.background;
      if (value == "transparent")
        target = value;
      else if (value != "inherit")
        target = parse_css_color(value);
    } else if (name == "background") {
      if (std::string color = background_color(value); !color.empty()) style.background = std::move(color);
    } else if (name == "display") {
      style.not_displayed = value == "none";
    } else if (name == "visibility") {
      style.hidden = value == "hidden";
    }
  }
  if (style.background == "transparent") style.background = styles_.back().background;
  if (style.foreground == "transparent") style.foreground = style.background;
}

void HtmlRenderer::close_style(const std::string& name) {
  if (name == "body") return;
  const auto open =
      std::find_if(styles_.rbegin(), styles_.rend(), [&](const Style& style) { return style.tag == name; });
  if (open == styles_.rend()) return;
  styles_.erase(open.base() - 1, styles_.end());
}

// A cell or row ends those that were left open.
void HtmlRenderer::close_cells(const std::string& name) {
  if (std::ranges::find(styles_, name, &Style::tag) == styles_.end()) return;
  const auto ends = [&](const std::string& top) {
    return top == "font" || top == "td" || (name == "tr" && top == "tr");
  };
  while (ends(styles_.back().tag)) styles_.pop_back();
}

bool HtmlRenderer::is_invisible() {
  const Style& style = styles_.back();
  if (is_low_contrast(style.foreground, style.background)) {
    facts_.low_contrast = true;
    return true;
  }
  if (style.foreground == kInvalidColor || style.background == kInvalidColor) {
    facts_.invalid_color = true;
    return true;
  }
  return style.size <= 1 || style.not_displayed || style.hidden;
}

}  // namespace ringpost::filter
