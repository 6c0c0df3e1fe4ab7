// HTML as a reader sees it, in text, and what it hides.
//
// Layer:   private to `filter`.
// Limits:  kStyleDepthMax, kAnchorTextsMax, kUriSizeMax.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/html_facts.hpp"

#include "html_scanner.hpp"

namespace ringpost::filter {

struct RenderedHtml {
  std::string text;  // all, hidden too, in the order of the source
  std::string visible;
  std::string invisible;
  HtmlFacts facts;
};

class HtmlRenderer : private HtmlEvents {
 public:
  // `html` in UTF-8; `wide`: see DecodedText.
  static RenderedHtml render(std::string_view html, bool wide);

 private:
  // What the open elements say about text.
  struct Style {
    std::string tag;
    std::string foreground;
    std::string background;
    double size = 3;
    bool not_displayed = false;
    bool hidden = false;
  };
  struct Piece {
    std::string text;
    bool whitespace = false;  // came from an element
    bool invisible = false;
  };

  explicit HtmlRenderer(bool wide);

  void start_tag(const std::string& name, const HtmlAttributes& attributes) override;
  void end_tag(const std::string& name) override;
  void text(const std::string& decoded) override;
  void comment(std::string_view source) override;
  void declaration(std::string_view source) override;

  // False when the tag is not to be rendered.
  bool count_tag(const std::string& name, int step);
  int inside(std::string_view name) const;
  void open_style(const std::string& name, const HtmlAttributes& attributes);
  void apply_attribute(const HtmlAttribute& attribute, Style& style) const;
  void apply_css(std::string_view css, Style& style) const;
  void close_style(const std::string& name);
  void close_cells(const std::string& name);
  void break_text(const std::string& name);
  void show(std::string text, bool invisible);
  void show_blank(std::string_view text);
  bool is_invisible();
  void note_split_words(std::string_view text);
  void test_tag(const std::string& name, const HtmlAttributes& attributes);
  void test_image(const HtmlAttributes& attributes);
  void take_uris(const std::string& name, const HtmlAttributes& attributes);
  void take_base(std::string_view href);
  void push_uri(const std::string& type, std::string_view uri);
  std::string clean_uri(std::string_view uri);
  void add_anchor_text(std::string_view text);
  RenderedHtml finish(std::string_view html);

  bool wide_;
  HtmlFacts facts_;
  std::vector<Style> styles_;
  std::vector<Piece> pieces_;
  std::set<std::pair<std::size_t, std::size_t>> backhair_;
  double base_font_ = 3;
  std::string base_href_;
  std::string anchor_;
  std::size_t anchors_ = 0;
};

}  // namespace ringpost::filter
