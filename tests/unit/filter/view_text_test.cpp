#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/filter/html_facts.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "filter/body_text.hpp"
#include "filter/html_color.hpp"
#include "filter/html_entities.hpp"
#include "filter/html_renderer.hpp"
#include "filter/html_scanner.hpp"
#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

using ::testing::ElementsAre;

std::string html_mail(std::string_view html, std::string_view charset = "utf-8") {
  return "Subject: s\nContent-Type: text/html; charset=" + std::string(charset) + "\n\n" + std::string(html);
}

TEST(ViewText, has_the_subject_first_and_paragraphs_in_lines) {
  const ViewOf view("Subject: hello\n\none  two\nthree\n \n\nfour\n");
  EXPECT_THAT(view->body(), ElementsAre("hello\n", "one two three\n", "four "));
  EXPECT_THAT(ViewOf("A: b\n\nx\n")->body(), ElementsAre("\n", "x "));
}

TEST(ViewText, splits_long_lines_at_blanks) {
  const std::string words(kTextLineSizeMax - 3, 'x');
  EXPECT_THAT(ViewOf("Subject: s\n\n" + words + " yy zz\n")->body(),
              ElementsAre("s\n", words + " yy ", "zz "));
  const std::string solid(kTextLineSizeMax + 5, 'x');
  EXPECT_THAT(ViewOf("Subject: s\n\n" + solid)->body(), ElementsAre("s\n", solid.substr(5), "xxxxx"));
}

TEST(ViewText, cuts_large_parts) {
  std::string text(kBodyPartSizeMax, 'x');
  for (std::size_t i = 50; i < text.size(); i += 50) text[i] = ' ';
  const ViewOf view("Subject: s\n\n" + text + "yyy " + std::string(3000, 'z'));
  EXPECT_TRUE(view->body().back().ends_with("yyy "));
}

TEST(ViewText, makes_raw_chunks) {
  const std::string line = std::string(99, 'x') + "\n";
  std::string text;
  for (int i = 0; i < 50; ++i) text += line;
  const ViewOf view("Subject: s\n\n" + text);
  ASSERT_EQ(view->rawbody().size(), 2U);
  EXPECT_EQ(view->rawbody()[0].size(), 2100U);
  EXPECT_EQ(view->rawbody()[0] + view->rawbody()[1], text);
}

TEST(ViewText, reads_valid_utf8_as_such_and_other_bytes_as_declared) {
  EXPECT_EQ(ViewOf("Content-Type: text/plain; charset=iso-8859-1\n\nJ\xC3\xB6rg")->body()[1], "J\u00F6rg");
  EXPECT_EQ(ViewOf("Content-Type: text/plain; charset=koi8-r\n\n\xF0\xD2\xC9")->body()[1],
            "\u041F\u0440\u0438");
  EXPECT_EQ(ViewOf("Content-Type: text/plain; charset=x-none\n\nJ\xF6rg")->body()[1], "J\u00F6rg");
  EXPECT_EQ(ViewOf("A: b\n\na\xC2\xA0\xE3\x80\x80z")->body()[1], "a z");
}

TEST(ViewText, renders_html) {
  const ViewOf view(html_mail(
      "<html><head><title>T</title><style>p {}</style></head><body><p>one<br>two</p><td>a</td><td>b</td>"));
  EXPECT_THAT(view->body(), ElementsAre("s\n", "\n", "T\n", "one two\n", " a b "));
  EXPECT_EQ(view->html().size(), 1U);
}

TEST(ViewText, keeps_what_html_hides_apart) {
  const ViewOf view(
      html_mail("seen <font color=#ffffff>white</font><span style=\"display: none\">gone</span><font "
                "size=1>tiny</font> end"));
  EXPECT_THAT(view->visible_body(), ElementsAre("s\n", "seen end"));
  EXPECT_THAT(view->invisible_body(), ElementsAre("whitegonetiny"));
  EXPECT_THAT(view->body(), ElementsAre("s\n", "seen whitegonetiny end"));
  EXPECT_TRUE(view->html()[0]->low_contrast);
}

// Characters of entities are one byte where none beyond U+00FF is there.
TEST(ViewText, has_entities_in_latin1_or_utf8) {
  EXPECT_EQ(ViewOf(html_mail("caf&eacute;"))->body()[1], "caf\xE9");
  EXPECT_EQ(ViewOf(html_mail("caf&eacute; &euro;"))->body()[1], "caf\u00E9 \u20AC");
  EXPECT_EQ(ViewOf(html_mail("caf&eacute; J\xC3\xB6rg"))->body()[1], "caf\u00E9 J\u00F6rg");
}

class Log final : public HtmlEvents {
 public:
  std::string text_;
  void start_tag(const std::string& name, const HtmlAttributes& attributes) override {
    text_ += "S" + name;
    for (const HtmlAttribute& one : attributes.all()) text_ += " " + one.name + "=" + one.value;
    text_ += ";";
  }
  void end_tag(const std::string& name) override { text_ += "E" + name + ";"; }
  void text(const std::string& decoded) override { text_ += "T" + decoded + ";"; }
  void comment(std::string_view source) override { text_ += "C" + std::string(source) + ";"; }
  void declaration(std::string_view source) override { text_ += "D" + std::string(source) + ";"; }
};

std::string scanned(std::string_view html) {
  Log log;
  HtmlScanner(html, log).run();
  return log.text_;
}

// What the parser that rules were written against makes of the same.
TEST(HtmlScanner, is_as_lenient_as_the_parser_of_the_rules) {
  EXPECT_EQ(scanned("a<!-->b-->c"), "Ta;C<!-->b-->;Tc;");
  EXPECT_EQ(scanned("<a x=1 x=2 y>z</a>"), "Sa x=1 y=y;Tz;Ea;");
  EXPECT_EQ(scanned("<a href=\"x&copyy=1&amp;z=2&lt\">q"), "Sa href=x&copyy=1&z=2<;Tq;");
  EXPECT_EQ(scanned("<_x>a<-z>c"), "S_x;Ta;T<-z>c;");
  EXPECT_EQ(scanned("a < b <"), "Ta ;T< b ;C<;");
  EXPECT_EQ(scanned("a <b c=\"d"), "Ta ;C<b c=\"d;");
  EXPECT_EQ(scanned("</ foo>x"), "C</ foo>;Tx;");
  EXPECT_EQ(scanned("<![CDATA[a<b>]]>c"), "Ta<b>;Tc;");
  EXPECT_EQ(scanned("<![if !x]>y<![endif]>z"), "C<![if !x]>;Ty;C<![endif]>;Tz;");
  EXPECT_EQ(scanned("<![ignore[a<b>c]]>d"), "Td;");
  EXPECT_EQ(scanned("<!doctype html>"), "D<!doctype html>;");
  EXPECT_EQ(scanned("<script>a<b</scriptx></script >c"), "Sscript;Ta<b</scriptx>;Escript;Tc;");
  EXPECT_EQ(scanned("<title>a<b>&amp;c</title>d"), "Stitle;Ta<b>&c;Etitle;Td;");
  EXPECT_EQ(scanned("<a b c = d e=\"f>g\">h"), "Sa b=b c=d e=f>g;Th;");
  EXPECT_EQ(scanned("one two three"), "Tone two;T three;");
  EXPECT_EQ(scanned("a<!-- x > b <i>c</i>"), "Ta;C<!-- x >;T b ;Si;Tc;Ei;");
  EXPECT_EQ(scanned("<?php a > b"), "T b;");
  EXPECT_EQ(scanned("a<1"), "Ta;T<1;");
}

TEST(HtmlScanner, takes_linear_time_on_comments_without_end) {
  std::string html;
  for (int i = 0; i < 50'000; ++i) html += "<!-- >";
  Log log;
  HtmlScanner(html, log).run();
  EXPECT_EQ(log.text_.size(), html.size() + 50'000);
}

// Each looks as if it went on to the end, where it turns out to be none.
TEST(HtmlScanner, reads_declarations_up_to_a_limit) {
  const std::string words(kDeclarationSizeMax - 20, 'x');
  EXPECT_TRUE(scanned("<!doctype " + words + " \">\" x>").starts_with("D"));
  EXPECT_TRUE(scanned("<!doctype " + words + std::string(40, 'x') + " \">\" x>").starts_with("C"));
  std::string html;
  for (int i = 0; i < 30'000; ++i) html += "<!doctype \">\" ";
  EXPECT_EQ(std::ranges::count(scanned(html + "-x"), 'C'), 30'000);
}

TEST(HtmlScanner, keeps_only_so_many_attributes) {
  const auto with = [](std::size_t count) {
    std::string html = "<a";
    for (std::size_t i = 0; i < count; ++i) html += " x" + std::to_string(i);
    return std::ranges::count(scanned(html + ">"), '=');
  };
  EXPECT_EQ(with(kHtmlAttributesMax), static_cast<std::ptrdiff_t>(kHtmlAttributesMax));
  EXPECT_EQ(with(kHtmlAttributesMax + 1), static_cast<std::ptrdiff_t>(kHtmlAttributesMax));
}

std::string decoded(std::string_view text, EntityNames names = EntityNames::prefixes) {
  std::string out;
  append_html_decoded(text, names, out);
  return out;
}

TEST(HtmlEntities, are_decoded) {
  EXPECT_EQ(decoded("&amp;&lt&copyx &hellip; &hellip &foo; x&#65 &#x42;c"),
            "&<\u00A9x \u2026 &hellip &foo; xA Bc");
  EXPECT_EQ(decoded("&copyx", EntityNames::whole), "&copyx");
  EXPECT_EQ(decoded("&#55357;&#56832;&#0;&#65534;"), "\U0001F600&#0;&#65534;");
  EXPECT_EQ(decoded("&"), "&");
  EXPECT_EQ(decoded("&#"), "&#");
  EXPECT_EQ(decoded("&#99999999999;"), "&#99999999999;");
}

TEST(HtmlColor, is_read_in_every_form) {
  EXPECT_EQ(parse_color("White"), "#ffffff");
  EXPECT_EQ(parse_color(" #abc "), "#aabbcc");
  EXPECT_EQ(parse_color("rgb(1, 2,3)"), "#010203");
  EXPECT_EQ(parse_color("#ab"), "#aabb00");
  EXPECT_EQ(parse_color("no color"), kInvalidColor);
  EXPECT_EQ(parse_color("abcdef"), kInvalidColor);
  EXPECT_EQ(parse_css_color("rgba(255,300,0)"), "#ffff00");
  EXPECT_EQ(background_color("url(a.gif) no-repeat red, blue"), "#0000ff");
  EXPECT_EQ(background_color("none"), "");
  EXPECT_TRUE(is_low_contrast("#ffffff", "#fefefe"));
  EXPECT_FALSE(is_low_contrast("#000000", "#ffffff"));
}

TEST(HtmlFacts, count_what_rules_ask) {
  const HtmlFacts facts = HtmlRenderer::render(
                              "<html><body><foo><a href=x>l<img src=i width=10 height=20></a><font "
                              "size=7>B</font></b></body></html>",
                              false)
                              .facts;
  EXPECT_EQ(facts.number("image_area").value, 200);
  EXPECT_EQ(facts.number("max_size").value, 7);
  EXPECT_EQ(facts.tags, 11U);
  EXPECT_EQ(facts.elements, 10U);
  EXPECT_EQ(facts.closed_extra, 1U);
  EXPECT_TRUE(facts.closed_html && facts.closed_body);
  EXPECT_EQ(facts.inside.at("foo"), 1);
  EXPECT_EQ(facts.anchors, std::vector<std::string>{"l<img>\n"});
  EXPECT_EQ(facts.number("backhair_count").value, 1);
  EXPECT_FALSE(HtmlRenderer::render("<p>x", false).facts.number("backhair_count").known);
}

TEST(HtmlFacts, note_words_cut_by_tags) {
  const HtmlFacts facts = HtmlRenderer::render("Via<b></b>gra and ci<i></i>alis", false).facts;
  EXPECT_EQ(facts.obfuscation, 2U);
  EXPECT_EQ(facts.backhair, 2U);
}

TEST(HtmlRenderer, stops_at_its_depth) {
  std::string html;
  for (std::size_t i = 0; i < 3 * kStyleDepthMax; ++i) html += "<font color=red>";
  EXPECT_EQ(HtmlRenderer::render(html + "x", false).text, "x");
}

TEST(HtmlRenderer, collects_uris) {
  const auto uris = HtmlRenderer::render(
                        "<base href=\"http://e.com/dir/f.html\"><a href=\"a/../b\">t</a><img "
                        "src=\"//www.f.com/i\"><form action=mailto:x@y.com>"
                        "<meta http-equiv=refresh content=\"5; url=http://g.com/\"><body background=bg.gif>",
                        false)
                        .facts.uris;
  for (const std::string_view uri : {"http://e.com/dir/b", "http://www.f.com/i", "mailto:x@y.com",
                                     "http://g.com/", "http://e.com/dir/bg.gif"})
    EXPECT_TRUE(uris.contains(uri)) << uri;
  EXPECT_EQ(uris.find("a/../b")->second.anchor_texts, std::vector<std::string>{"t"});
}

}  // namespace
}  // namespace ringpost::filter
