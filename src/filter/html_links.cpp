// Tags that say something by themselves, and where they lead.
#include <algorithm>

#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"
#include "html_renderer.hpp"
#include "html_words.hpp"
#include "uri_reference.hpp"

namespace ringpost::filter {

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

}  // namespace ringpost::filter
