#include "ringpost/admin/json.hpp"

#include "ringpost/admin/limits.hpp"

namespace ringpost::admin {
namespace {

TEST(Json, keeps_the_order_of_fields_and_reads_back_what_it_wrote) {
  const Json json = Json().set("z", 1).set("a", "text").set("list", Json::List{true, Json(), -3, 1.5});
  EXPECT_EQ(to_string(json), R"({"z":1,"a":"text","list":[true,null,-3,1.5]})");
  EXPECT_EQ(parse_json(to_string(json)), json);
}

TEST(Json, text_that_is_no_utf8_is_written_so_that_it_can_be_read) {
  const std::string written = to_string(Json("a\xFF\n\"\\\x01\x7F\xC3\xB6"));
  EXPECT_EQ(written, "\"a\xEF\xBF\xBD\\u000a\\\"\\\\\\u0001\\u007f\xC3\xB6\"");
  EXPECT_TRUE(parse_json(written));
}

TEST(Json, what_is_not_there_reads_as_nothing) {
  const Json json = Json().set("a", 1);
  EXPECT_TRUE(json["b"].is_null());
  EXPECT_EQ(json["b"]["c"].text(), "");
  EXPECT_EQ(json["a"].list().size(), 0U);
  EXPECT_EQ(json["a"].text(), "1");
  EXPECT_EQ(Json("x").number(), 0);
}

TEST(Json, infinity_does_not_break_the_text) {
  EXPECT_TRUE(parse_json(to_string(Json(std::numeric_limits<double>::infinity()))));
}

TEST(Json, refuses_what_is_no_json) {
  for (const char* text : {"", "{", "{\"a\":}", "nul", "{\"a\":1} x", "\"\xFF\"", "[1,]"})
    EXPECT_FALSE(parse_json(text)) << text;
}

TEST(Json, is_as_deep_as_the_limit_and_no_deeper) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(kJsonDepthMax)));
  EXPECT_FALSE(parse_json(nested(kJsonDepthMax + 1)));
}

}  // namespace
}  // namespace ringpost::admin
