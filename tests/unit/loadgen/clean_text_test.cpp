// What a peer said, before it reaches a terminal, a file or a page.
#include "clean_text.hpp"

#include <gtest/gtest.h>

#include "ringpost/admin/json.hpp"

#include "limits.hpp"
#include "report.hpp"
#include "smtp_figures.hpp"

namespace ringpost::loadgen {
namespace {

TEST(CleanText, leaves_what_can_be_read) {
  EXPECT_EQ(clean_text("550 5.1.1 No such user"), "550 5.1.1 No such user");
  EXPECT_EQ(clean_text("550 gr\xC3\xBC\xC3\x9F"), "550 gr\xC3\xBC\xC3\x9F");
}

TEST(CleanText, writes_controls_and_bytes_that_are_no_text_in_other_words) {
  EXPECT_EQ(clean_text("550 caf\xE9"), "550 caf\xEF\xBF\xBD");
  EXPECT_EQ(clean_text("\x1B[2Jhidden"), "\\x1b[2Jhidden");
  EXPECT_EQ(clean_text("a\nb\x7F"), "a\\x0ab\\x7f");
  // CSI as one character, which some terminals obey.
  EXPECT_EQ(clean_text("\xC2\x9B"
                       "2J"),
            "\\x9b2J");
  EXPECT_EQ(clean_text(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(CleanText, has_an_end) {
  EXPECT_EQ(clean_text(std::string(kPeerTextMax, 'x')), std::string(kPeerTextMax, 'x'));
  EXPECT_EQ(clean_text(std::string(kPeerTextMax + 1, 'x')), std::string(kPeerTextMax, 'x') + "...");
}

TEST(Figures, keep_clean_what_peers_said) {
  SmtpFigures figures;
  figures.note_refusal({550, {5, 1, 1}, "caf\xE9"});
  figures.note_trouble("said \xFF\r");
  EXPECT_EQ(figures.examples.at(550), "550 5.1.1 caf\xEF\xBF\xBD");
  EXPECT_EQ(figures.troubles.begin()->first, "said \xEF\xBF\xBD\\x0d");
  Refusals refusals;
  refusals.note("N\x1BO", 2, "N\x1BO \xE9");
  EXPECT_EQ(refusals.by_code.at("N\\x1bO").example, "N\\x1bO \xEF\xBF\xBD");
}

TEST(JsonObject, is_json_whatever_is_put_into_it) {
  JsonObject object;
  object.add("caf\xE9", "\xFF\x01\"").add("none", 0.0 / 0.0).add("all", std::vector<std::string>{"\xC3"});
  const auto json = admin::parse_json(object.text());
  ASSERT_TRUE(json) << object.text();
  EXPECT_TRUE((*json)["none"].is_null());
}

}  // namespace
}  // namespace ringpost::loadgen
