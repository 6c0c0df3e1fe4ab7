#include "html_renderer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "ringpost/filter/view_limits.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "html_color.hpp"
#include "html_words.hpp"
#include "uri_reference.hpp"

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

std::string replace_all(std::string written, std::string_view what, std::string_view by) {
  if (!contains(written, what)) return written;
  std::string_view text = written;
  std::string out;
  for (;;) {
    const std::size_t found = text.find(what);
    out += text.substr(0, found);
    if (found == kNowhere) return out;
    out += by;
    text.remove_prefix(found + what.size());
  }
}

// "<br/>" is "<br>".
std::string without_empty_tags(std::string_view html) {
  std::string out;
  out.reserve(html.size());
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t tag = std::min(html.find('<', at), html.size());
    out += html.substr(at, tag - at);
    at = tag;
    std::size_t end = tag + 1;
    while (end < html.size() && is_word(html[end])) ++end;
    std::size_t slash = end;
    while (slash < html.size() && is_space(html[slash])) ++slash;
    if (end > tag + 1 && html.substr(slash).starts_with("/>")) {
      out += html.substr(tag, end - tag);
      out += '>';
      at = slash + 2;
    } else if (at < html.size()) {
      out += html[at++];
    }
  }
  return out;
}

std::string prepare(std::string_view html) {
  std::string text = without_empty_tags(replace_all(std::string(html), "&nbsp;", " "));
  text = replace_all(std::move(text), "\u201C", "\"");
  return replace_all(std::move(text), "\u201D", "\"");
}

}  // namespace

HtmlRenderer::HtmlRenderer(bool wide) : wide_(wide) {
  styles_.push_back({.tag = "default", .foreground = "#000000", .background = "#ffffff"});
}

RenderedHtml HtmlRenderer::render(std::string_view html, bool wide) {
  HtmlRenderer renderer(wide);
  const std::string text = prepare(html);
  HtmlScanner(text, renderer).run();
  return renderer.finish(html);
}

int HtmlRenderer::inside(std::string_view name) const {
  const auto found = facts_.inside.find(name);
  return found == facts_.inside.end() ? 0 : found->second;
}

bool HtmlRenderer::count_tag(const std::string& name, int step) {
  const bool foreign = is_office_tag(name);
  const bool known = is_html_element(name);
  const auto [place, first] = facts_.inside.try_emplace(name, 0);
  facts_.has_tags = true;
  ++facts_.tags;
  facts_.tags_seen += first ? 1U : 0U;
  if (known || foreign) {
    ++facts_.elements;
    facts_.elements_seen += first ? 1U : 0U;
  }
  place->second += step;
  if (place->second < 0) {
    place->second = 0;
    ++facts_.closed_extra;
  }
  return !foreign && (known || is_rendered_element(name));
}

void HtmlRenderer::start_tag(const std::string& name, const HtmlAttributes& attributes) {
  if (!count_tag(name, 1)) return;
  if (changes_style(name)) open_style(name, attributes);
  break_text(name);
  take_uris(name, attributes);
  test_tag(name, attributes);
}

void HtmlRenderer::end_tag(const std::string& name) {
  if (!count_tag(name, -1)) return;
  if (changes_style(name)) close_style(name == "th" ? "td" : name);
  break_text(name);
  facts_.closed_html |= name == "html";
  facts_.closed_body |= name == "body";
}

void HtmlRenderer::comment(std::string_view source) {
  facts_.comments.emplace_back(source);
}

void HtmlRenderer::declaration(std::string_view source) {
  if (!starts_nocase(source, "<!doctype")) return;
  facts_.has_tags = true;
  ++facts_.elements;
  ++facts_.tags;
  facts_.inside["!doctype"] = 0;
}

// --- styles ---

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
      apply_attribute(tag, attribute, style);
      if (style.size > facts_.max_size)
        facts_.max_size = style.size;
      else if (style.size < facts_.min_size)
        facts_.min_size = style.size;
    }
  }
  styles_.push_back(std::move(style));
}

void HtmlRenderer::apply_attribute(const std::string& tag, const HtmlAttribute& attribute,
                                   Style& style) const {
  (void)tag;
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

// --- text ---

void HtmlRenderer::break_text(const std::string& name) {
  switch (break_of(name)) {
    case TextBreak::none:
      return;
    case TextBreak::blank:
      show_blank(" ");
      return;
    case TextBreak::line:
      show_blank("\n");
      return;
    case TextBreak::paragraph:
      show_blank("\n\n");
      return;
  }
}

void HtmlRenderer::show_blank(std::string_view text) {
  if (!pieces_.empty()) {
    Piece& last = pieces_.back();
    if (!last.whitespace && !last.invisible && last.text.ends_with(' ')) last.text.pop_back();
  }
  pieces_.push_back({std::string(text), true, false});
}

void HtmlRenderer::show(std::string text, bool invisible) {
  std::string collapsed;
  for (const char c : text) {
    if (!is_space(c))
      collapsed += c;
    else if (collapsed.empty() || collapsed.back() != ' ')
      collapsed += ' ';
  }
  if (!pieces_.empty() && !invisible && pieces_.back().whitespace && collapsed.starts_with(' '))
    collapsed.erase(0, 1);
  pieces_.push_back({std::move(collapsed), false, invisible});
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

void HtmlRenderer::add_anchor_text(std::string_view text) {
  HtmlUri& uri = facts_.uris[anchor_];
  if (uri.anchor_texts.empty() || facts_.anchors.empty()) return;
  uri.anchor_texts.back() += text;
  facts_.anchors.back() += text;
}

void HtmlRenderer::text(const std::string& decoded) {
  if (inside("script") > 0) {
    facts_.scripts.push_back(decoded);
    return;
  }
  if (inside("style") > 0) return;
  if (inside("a") > 0) add_anchor_text(decoded);
  if (inside("title") > 0 && !facts_.titles.empty()) facts_.titles.back() += decoded;
  const bool invisible = !is_blank_line(decoded) && is_invisible();
  note_split_words(decoded);
  show(decoded, invisible);
}

namespace {

std::size_t character_before(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

constexpr std::size_t kShortWordMax = 7;

// The characters of a text by their kinds. In a text that is not wide, what is beyond ASCII is neither blank nor letter.
class Kinds {
 public:
  Kinds(std::string_view text, bool wide) : text_(text), wide_(wide) {}

  // No blank and no ASCII punctuation.
  bool is_solid(std::size_t at) const {
    const char c = text_[at];
    if (is_eight_bit(c)) return !wide_ || blank_size_at(text_, at) == 0;
    return is_alnum(c) || (!is_space(c) && (static_cast<unsigned char>(c) < ' ' || c == '\x7F'));
  }
  bool is_letter_at(std::size_t at) const {
    return is_word(text_[at]) || (is_eight_bit(text_[at]) && wide_ && is_solid(at));
  }
  // A word begins or ends between the characters at `before` and `at`; either may be kNowhere, the edge of the text.
  bool is_edge(std::size_t before, std::size_t at) const {
    return (before != kNowhere && is_letter_at(before)) != (at != kNowhere && is_letter_at(at));
  }
  std::size_t before(std::size_t at) const { return at == 0 ? kNowhere : character_before(text_, at); }
  std::size_t size() const { return text_.size(); }

  // Characters of the longest short run of solid ones at the end that begins at an edge; 0 when there is none.
  std::size_t short_word_at_end() const {
    std::size_t found = 0;
    std::size_t at = before(size());
    for (std::size_t count = 1; count <= kShortWordMax && at != kNowhere && is_solid(at);
         ++count, at = before(at))
      if (is_edge(before(at), at)) found = count;
    return found;
  }
  std::size_t short_word_at_front() const {
    std::size_t found = 0;
    std::size_t at = 0;
    for (std::size_t count = 1; count <= kShortWordMax && at < size() && is_solid(at); ++count) {
      const std::size_t next = at + mail::utf8_at(text_, at).size;
      if (is_edge(at, next < size() ? next : kNowhere)) found = count;
      at = next;
    }
    return found;
  }

 private:
  std::string_view text_;
  bool wide_;
};

}  // namespace

// Words that a tag cuts in two.
void HtmlRenderer::note_split_words(std::string_view text) {
  if (pieces_.empty() || text.empty()) return;
  const Kinds left(pieces_.back().text, wide_);
  const Kinds right(text, wide_);
  if (left.size() == 0 || !right.is_solid(0) || !left.is_solid(left.before(left.size()))) return;
  ++facts_.obfuscation;
  const std::size_t left_size = left.short_word_at_end();
  const std::size_t right_size = right.short_word_at_front();
  if (left_size > 0 && right_size > 0) backhair_.emplace(left_size, right_size);
}

// --- tags that say something ---

void HtmlRenderer::test_tag(const std::string& name, const HtmlAttributes& attributes) {
  const auto value = [&](std::string_view attribute) { return attributes.find(attribute); };
  if (name == "font") {
    if (const std::string* face = value("face")) facts_.bad_face |= !is_plain_font_face(*face);
  } else if (name == "img") {
    if (inside("a") > 0) add_anchor_text("<img>\n");
    test_image(attributes);
  } else if (name == "form") {
    if (const std::string* action = value("action"))
      facts_.mailto_form |= contains_nocase(*action, "mailto:");
  } else if (name == "object" || name == "embed") {
    facts_.embeds = true;
  } else if (name == "a") {
    const std::string* href = value("href");
    anchor_ = href == nullptr ? std::string{} : clean_uri(*href);
    if (++anchors_ > kAnchorTextsMax) return;
    facts_.uris[anchor_].anchor_texts.emplace_back();
    facts_.anchors.emplace_back();
  } else if (name == "title") {
    facts_.titles.emplace_back();
  } else if (name == "meta") {
    const std::string* kind = value("http-equiv");
    const std::string* content = value("content");
    if (kind == nullptr || content == nullptr || !contains_nocase(*kind, "content-type")) return;
    if (const std::string charset = meta_charset(*content); !charset.empty())
      facts_.charsets += (facts_.charsets.empty() ? "" : " ") + charset;
  }
}

namespace {

// "100", or "50%" of a window of that many pixels per cent; 200 for what is no number or zero.
double image_extent(std::string_view text, double per_cent) {
  double value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits]) && digits < 15)
    value = value * 10 + (text[digits++] - '0');
  const std::string_view rest = text.substr(digits);
  if (digits == 0 || (!rest.empty() && rest != "%")) return 200;
  if (rest == "%") value *= per_cent;
  return value > 0 ? value : 200;
}

}  // namespace

void HtmlRenderer::test_image(const HtmlAttributes& attributes) {
  const std::string* width = attributes.find("width");
  const std::string* height = attributes.find("height");
  if (width != nullptr && height != nullptr)
    facts_.image_area += image_extent(*width, 8) * image_extent(*height, 6);
}

std::string HtmlRenderer::clean_uri(std::string_view uri) {
  while (!uri.empty() && blank_size_at(uri, 0) > 0) uri.remove_prefix(blank_size_at(uri, 0));
  while (!uri.empty()) {
    const std::size_t last = character_before(uri, uri.size());
    if (blank_size_at(uri, last) == 0) break;
    uri = uri.substr(0, last);
  }
  facts_.uris_truncated |= uri.size() > kUriSizeMax;
  return std::string(uri.substr(0, kUriSizeMax));
}

void HtmlRenderer::push_uri(const std::string& type, std::string_view text) {
  std::string uri = clean_uri(text);
  if (uri.empty() || facts_.uris.size() >= kUrisMax) return;
  if (!is_self_contained_uri(uri)) uri = resolve_uri(base_href_, uri);
  if (uri.empty()) return;
  auto& types = facts_.uris[uri].types;
  if (std::ranges::find(types, type) == types.end()) types.push_back(type);
}

void HtmlRenderer::take_base(std::string_view href) {
  std::string uri = clean_uri(href);
  push_uri("base", uri);
  if (!starts_nocase(uri, "http:") && !starts_nocase(uri, "https:") && !starts_nocase(uri, "ftp:")) return;
  // "http://host/folder/index.html": the file's name is no part of the base.
  const std::size_t slash = uri.rfind('/');
  const std::string_view file =
      std::string_view(uri).substr(slash == std::string::npos ? uri.size() : slash + 1);
  const std::size_t host = uri.find_first_not_of('/', uri.find(':') + 1);
  const std::size_t dot = file.rfind('.');
  if (dot != kNowhere && dot > 0 && file.find('.') == dot && file.size() - dot > 2 && file.size() - dot < 6 &&
      slash > host)
    uri.resize(slash + 1);
  if (!uri.ends_with('/')) uri += '/';
  base_href_ = std::move(uri);
}

void HtmlRenderer::take_uris(const std::string& name, const HtmlAttributes& attributes) {
  const std::string_view source = uri_attribute(name);
  if (source.empty()) return;
  const std::string* value = attributes.find(source);
  // "x/href" is read as href too: that is how some hide it.
  if (source == "href" || source == "src")
    for (const HtmlAttribute& attribute : attributes.all()) {
      const std::size_t slash = attribute.name.find("/" + std::string(source));
      if (name != "base" && slash != std::string::npos && slash > 0 && is_word(attribute.name[slash - 1]))
        value = &attribute.value;
    }
  if (value != nullptr && name == "base") {
    if (!value->empty()) take_base(*value);
  } else if (value != nullptr && name == "meta") {
    const std::string* kind = attributes.find("http-equiv");
    if (kind != nullptr && contains_nocase(*kind, "refresh"))
      if (const std::string uri = refresh_uri(*value); !uri.empty()) push_uri(name, uri);
  } else if (value != nullptr) {
    push_uri(name, source == "href" ? replace_all(*value, "\uFEFF", "") : *value);
  }
  if (source == "href" && name != "base")
    if (const std::string* safe = attributes.find("data-saferedirecturl")) push_uri(name, *safe);
}

RenderedHtml HtmlRenderer::finish(std::string_view html) {
  RenderedHtml done;
  for (const Piece& piece : pieces_) {
    done.text += piece.text;
    (piece.invisible ? done.invisible : done.visible) += piece.text;
  }
  facts_.backhair = backhair_.size();
  facts_.source_size = mail::count_characters(html);
  done.facts = std::move(facts_);
  return done;
}

}  // namespace ringpost::filter
