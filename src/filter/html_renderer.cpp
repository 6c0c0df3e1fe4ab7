#include "html_renderer.hpp"

#include <algorithm>

#include "ringpost/filter/view_limits.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "html_words.hpp"

namespace ringpost::filter {

namespace {

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
  collapsed.reserve(text.size());
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
