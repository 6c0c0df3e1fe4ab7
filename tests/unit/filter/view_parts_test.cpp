#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/filter/parts.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "filter/content_type.hpp"
#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

std::string types(const ViewOf& view) {
  std::string out;
  for (const MimePart& part : view->parts().parts)
    out += std::string(out.empty() ? "" : " ") + std::to_string(part.depth) + ":" + part.type;
  return out;
}

constexpr std::string_view kMultipart =
    "Content-Type: multipart/mixed; boundary=\"b\"\n\npreamble\n--b\nContent-Type: "
    "text/html\n\n<b>x</b>\n--b\n\nplain\n\n--b--\n";

TEST(ViewParts, takes_multiparts_apart) {
  const ViewOf view{std::string(kMultipart)};
  EXPECT_EQ(types(view), "0:multipart/mixed 1:text/html 1:text/plain");
  EXPECT_EQ(view->parts().parts[1].decoded(), "<b>x</b>");
  EXPECT_EQ(view->parts().parts[2].decoded(), "plain\n");
  EXPECT_FALSE(view->flags().mime_epilogue);
  EXPECT_TRUE(view->flags().missing_mime_headers);
  EXPECT_FALSE(view->parts().unbalanced_boundary);
}

TEST(ViewParts, notes_an_epilogue_and_a_missing_end) {
  EXPECT_TRUE(ViewOf(std::string(kMultipart) + "more\n")->flags().mime_epilogue);
  EXPECT_TRUE(ViewOf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n")->parts().unbalanced_boundary);
}

TEST(ViewParts, opens_messages_inside) {
  const ViewOf view(
      "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\nContent-Type: "
      "text/html\n\n<p>y\n--b--\n");
  EXPECT_EQ(types(view), "0:multipart/digest 1:message/rfc822 2:text/html");
  EXPECT_EQ(view->part_header(2, "subject", false), "in\n");
  EXPECT_EQ(view->part_header(0, "subject", false), std::nullopt);
  EXPECT_EQ(view->part_header(0, "subject", true), "");
}

TEST(ViewParts, knows_a_multipart_without_boundary_as_text) {
  EXPECT_EQ(types(ViewOf("Content-Type: multipart/mixed\n\nx\n")), "0:text/plain");
}

TEST(ViewParts, decodes_whatever_the_encoding_holds) {
  EXPECT_EQ(ViewOf("Content-Transfer-Encoding: BASE64\n\naGVs*bG8=\n")->parts().parts[0].decoded(), "hello");
  EXPECT_EQ(ViewOf("Content-Transfer-Encoding: quoted-printable\n\na=\nb=3D\n")->parts().parts[0].decoded(),
            "ab=\n");
  EXPECT_EQ(ViewOf("Content-Transfer-Encoding: none-such\n\na=\n")->parts().parts[0].decoded(), "a=\n");
}

TEST(ViewParts, stops_at_its_depth) {
  std::string mail = "Content-Type: multipart/mixed; boundary=b0\n\n";
  for (int i = 0; i < 40; ++i)
    mail += "--b" + std::to_string(i) + "\nContent-Type: multipart/mixed; boundary=b" +
            std::to_string(i + 1) + "\n\n";
  std::size_t deepest = 0;
  for (const MimePart& part : ViewOf(mail)->parts().parts) deepest = std::max(deepest, part.depth);
  EXPECT_EQ(deepest, kPartDepthMax);
}

std::string with_parts(std::size_t count) {
  std::string mail = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (std::size_t i = 0; i < count; ++i) mail += "--b\n\nx\n";
  return mail + "--b--\n";
}

TEST(ViewParts, stops_at_its_number) {
  const ViewOf fits(with_parts(kPartsMax - 1));
  EXPECT_EQ(fits->part_count(), kPartsMax);
  EXPECT_FALSE(fits->flags().part_limit_reached);
  const ViewOf over(with_parts(kPartsMax));
  EXPECT_EQ(over->part_count(), kPartsMax);
  EXPECT_TRUE(over->flags().part_limit_reached);
}

TEST(ViewParts, breaks_long_lines_of_parts) {
  const ViewOf view("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" +
                    std::string(kTextLineSizeMax + 1, 'x') + "\n--b--\n");
  EXPECT_EQ(view->parts().parts[1].encoded(), std::string(kTextLineSizeMax, 'x') + "\nx");
}

TEST(ViewParts, cuts_runs_of_blank_lines) {
  EXPECT_EQ(ViewOf("A: b\n\nx\n" + std::string(50, '\n') + "y\n")->parts().parts[0].encoded(),
            "x\n" + std::string(kBlankLinesMax, '\n') + "y\n");
}

TEST(ContentType, reads_what_people_send) {
  const ContentType html = parse_content_type("Text/HTML; charset='utf-8'; name=\"a b.html\"");
  EXPECT_EQ(html.type, "text/html");
  EXPECT_EQ(html.charset, "utf-8");
  EXPECT_EQ(html.name, "a b.html");
  EXPECT_EQ(parse_content_type("").charset, "us-ascii");
  EXPECT_TRUE(parse_content_type("").missing);
  EXPECT_EQ(parse_content_type("text/enriched").type, "text/plain");
  EXPECT_EQ(parse_content_type("multipart/mixed; boundary=\"=_a b\"").boundary, "=_a b");
  EXPECT_EQ(parse_content_type("multipart/mixed; boundary=abc; x=y").boundary, "abc");
  EXPECT_EQ(parse_content_type("a/b; filename*0=\"one\"; filename*1=\".exe\"").name, "one.exe");
}

}  // namespace
}  // namespace ringpost::filter
