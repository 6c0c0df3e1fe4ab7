#include "publish/format.hpp"

namespace ringpost::publish {
namespace {

using observe::EventKey;
using observe::EventType;

// 2026-11-22T08:00:00.123Z
constexpr WallTime kTime{1'795'334'400'123'456'789};

Event delivered() {
  return {.type = EventType::delivered,
          .time = kTime,
          .fields = {{EventKey::queue_id, "00000000000A1"},
                     {EventKey::recipient, "anna@example.com"},
                     {EventKey::sender, ""},
                     {EventKey::remote, "192.0.2.1:25"},
                     {EventKey::delay, "0.250"},
                     {EventKey::code, "250"},
                     {EventKey::text, "2.0.0 ok: queued"}}};
}
std::string message_of(const Event& event) {
  std::string text;
  append_message(event, text);
  return text;
}
std::string json_of(const Event& event) {
  std::string text;
  append_json(event, "mx1", text);
  return text;
}
Event with_text(std::string_view value, EventKey key = EventKey::text) {
  return {.type = EventType::rejected, .time = kTime, .fields = {{key, value}}};
}

TEST(Maillog, names_the_queue_id_first_and_paths_in_brackets) {
  EXPECT_EQ(message_of(delivered()),
            "00000000000A1: delivered to=<anna@example.com> from=<> remote=192.0.2.1:25 delay=0.250 code=250 "
            "text=\"2.0.0 ok: queued\"");
}

TEST(Maillog, an_event_without_a_queue_id_begins_with_its_type) {
  EXPECT_EQ(message_of(with_text("no")), "rejected text=no");
}

TEST(Maillog, a_line_break_of_a_peer_does_not_end_the_line) {
  EXPECT_EQ(message_of(with_text("a\r\nNov 22 08:00:00 mx1 ringpost[1]: forged")),
            "rejected text=\"a\\x0D\\x0ANov 22 08:00:00 mx1 ringpost[1]: forged\"");
}

TEST(Maillog, a_quote_or_bracket_of_a_peer_does_not_end_the_value) {
  EXPECT_EQ(message_of(with_text("x\" to=<b@c>")), "rejected text=\"x\\x22 to=<b@c>\"");
  EXPECT_EQ(message_of(with_text("\"a> to=<b\"@c", EventKey::sender)),
            "rejected from=<\"a\\x3E to=\\x3Cb\"@c>");
  EXPECT_EQ(message_of(with_text("a=b", EventKey::helo)), "rejected helo=\"a=b\"");
  EXPECT_EQ(message_of(with_text("", EventKey::helo)), "rejected helo=\"\"");
}

TEST(Maillog, a_backslash_is_escaped_so_that_escapes_can_be_undone) {
  EXPECT_EQ(message_of(with_text("\\x0A")), "rejected text=\"\\x5Cx0A\"");
}

TEST(Maillog, utf8_stays_and_other_bytes_are_escaped) {
  EXPECT_EQ(message_of(with_text("J\xC3\xB6rg")), "rejected text=\"J\xC3\xB6rg\"");
  EXPECT_EQ(message_of(with_text("\xC3")), "rejected text=\"\\xC3\"");
  EXPECT_EQ(message_of(with_text("\xE2\x80\xA8")), "rejected text=\"\\xE2\\x80\\xA8\"");
  EXPECT_EQ(message_of(with_text("\xC2\x9B")), "rejected text=\"\\xC2\\x9B\"");
}

TEST(Json, is_one_object_with_numbers_as_numbers) {
  EXPECT_EQ(json_of(delivered()),
            "{\"time\":\"2026-11-22T08:00:00.123Z\",\"host\":\"mx1\",\"type\":\"delivered\",\"queue_id\":"
            "\"00000000000A1\",\"recipient\":\"anna@example.com\",\"sender\":\"\",\"remote\":\"192.0.2.1:"
            "25\",\"delay\":"
            "0.250,\"code\":250,\"text\":\"2.0.0 ok: queued\"}");
}

std::string json_text(std::string_view value, EventKey key = EventKey::text) {
  const std::string whole = json_of(with_text(value, key));
  const std::size_t at = whole.rfind("\":") + 2;
  return whole.substr(at, whole.size() - at - 1);
}

TEST(Json, escapes_what_json_cannot_hold) {
  EXPECT_EQ(json_text("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\"");
  EXPECT_EQ(json_text(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(json_text("\xE2\x80\xA8\xE2\x80\xA9"), "\"\\u2028\\u2029\"");
  EXPECT_EQ(json_text("\xC2\x85"), "\"\\u0085\"");
}

TEST(Json, a_byte_that_is_no_utf8_becomes_the_replacement_character) {
  EXPECT_EQ(json_text("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_text("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a surrogate
  EXPECT_EQ(json_text("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                  // overlong
  EXPECT_EQ(json_text("\xF0\x9F\x93\xAE"), "\"\xF0\x9F\x93\xAE\"");
}

TEST(Json, a_number_key_with_another_text_is_a_string) {
  EXPECT_EQ(json_text("12", EventKey::size), "12");
  EXPECT_EQ(json_text("012", EventKey::size), "\"012\"");
  EXPECT_EQ(json_text("1.", EventKey::size), "\"1.\"");
  EXPECT_EQ(json_text("", EventKey::code), "\"\"");
}

TEST(Json, a_key_that_comes_twice_stands_once) {
  Event event = with_text("first");
  event.fields.emplace_back(EventKey::text, "second");
  EXPECT_THAT(json_of(event), testing::Not(testing::HasSubstr("second")));
}

TEST(Severity, follows_the_severity_field) {
  EXPECT_EQ(severity_of(with_text("error", EventKey::severity)), 3);
  EXPECT_EQ(severity_of(with_text("warning", EventKey::severity)), 4);
  EXPECT_EQ(severity_of(delivered()), 6);
}

}  // namespace
}  // namespace ringpost::publish
