#include "ringpost/mail/reply.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

std::string format(int code, EnhancedStatus status, std::string_view text) {
  std::string out;
  append_reply(code, status, text, out);
  return out;
}

TEST(EnhancedStatus, reads_what_rfc_3463_writes) {
  EXPECT_EQ(parse_enhanced_status("5.1.1"), (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(parse_enhanced_status("4.7.650"), (EnhancedStatus{4, 7, 650}));
  for (const char* text :
       {"", "5", "5.1", "3.1.1", "5.1.1.1", "5.01.1", "5.1.1000", "5..1", "5.1.", "5.1.1 ", "x5.1.1"})
    EXPECT_FALSE(parse_enhanced_status(text)) << text;
}

TEST(Reply, writes_one_line_and_many) {
  EXPECT_EQ(format(250, {2, 1, 5}, "Ok"), "250 2.1.5 Ok\r\n");
  EXPECT_EQ(format(354, {}, "Go ahead"), "354 Go ahead\r\n");
  EXPECT_EQ(format(250, {}, "mx.example\nPIPELINING\n8BITMIME"),
            "250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
  EXPECT_EQ(format(550, {5, 1, 1}, "a\nb"), "550-5.1.1 a\r\n550 5.1.1 b\r\n");
}

TEST(Reply, writes_no_line_over_512_and_no_control_character) {
  const std::string text = std::string(600, 'x') + " " + std::string(600, 'y') + "\r\n250 fake\x01";
  const std::string out = format(550, {5, 0, 0}, text);
  std::size_t begin = 0;
  std::size_t lines = 0;
  while (begin < out.size()) {
    const std::size_t end = out.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end + 2 - begin, kReplyLineSizeMax);
    EXPECT_EQ(out.substr(begin, 3), "550");
    EXPECT_EQ(out.substr(begin, end - begin).find_first_of(std::string("\r\n\x01")), std::string::npos);
    begin = end + 2;
    ++lines;
  }
  EXPECT_EQ(lines, 5U);
}

TEST(Reply, fills_a_line_of_exactly_512_octets) {
  const std::size_t room = kReplyLineSizeMax - std::string_view("250 \r\n").size();
  EXPECT_EQ(format(250, {}, std::string(room, 'x')).size(), kReplyLineSizeMax);
  EXPECT_TRUE(format(250, {}, std::string(room + 1, 'x')).starts_with("250-"));
}

TEST(Reply, reads_what_it_writes) {
  for (const Reply& reply : {Reply{250, {2, 0, 0}, "Ok"}, Reply{550, {5, 7, 1}, "one\ntwo\nthree"},
                             Reply{421, {}, ""}, Reply{354, {}, "go"}}) {
    std::string out;
    append_reply(reply, out);
    const auto read = parse_reply(out);
    ASSERT_TRUE(read) << out;
    EXPECT_EQ(*read, reply) << out;
  }
}

TEST(Reply, takes_lines_without_text_and_without_the_last_end) {
  EXPECT_EQ(parse_reply("250")->code, 250);
  EXPECT_EQ(parse_reply("250-a\n250")->text, "a\n");
  EXPECT_EQ(parse_reply("421 4.3.2 later\r\n")->status, (EnhancedStatus{4, 3, 2}));
  EXPECT_EQ(parse_reply("250 2.1 is not a status")->text, "2.1 is not a status");
  EXPECT_EQ(parse_reply("354 5.0.0 text")->text, "5.0.0 text");
}

TEST(Reply, refuses_what_is_no_reply) {
  for (const char* text : {"", "25", "abc", "250-a", "250-a\r\n251 b", "199 x", "600 x", "250+x",
                           "250 a\r\n250 b", "2500 x", " 250 x"})
    EXPECT_FALSE(parse_reply(text)) << text;
}

TEST(Reply, is_read_into_the_memory_of_the_one_before) {
  ReplyParser parser;
  Reply reply;
  const auto read = [&](std::string_view line) {
    ASSERT_EQ(parser.feed(line), ReplyParser::Progress::complete);
    parser.take(reply);
  };
  const std::string text(200, 'x');
  read("250 2.1.5 " + text);
  EXPECT_EQ(reply, (Reply{250, {2, 1, 5}, text}));
  read("354 " + text);
  EXPECT_EQ(reply, (Reply{354, {}, text}));
  const char* const one = reply.text.data();
  read("250 2.0.0 Ok");
  EXPECT_EQ(reply, (Reply{250, {2, 0, 0}, "Ok"}));
  const char* const other = reply.text.data();
  EXPECT_NE(one, other);
  read("550 no");
  EXPECT_EQ(reply, (Reply{550, {}, "no"}));
  EXPECT_EQ(reply.text.data(), one);
}

TEST(Reply, stops_at_too_many_lines_and_cuts_too_much_text) {
  ReplyParser parser;
  for (std::size_t i = 0; i + 1 < kReplyLinesMax; ++i)
    ASSERT_EQ(parser.feed("250-x"), ReplyParser::Progress::more);
  EXPECT_EQ(parser.feed("250 x"), ReplyParser::Progress::complete);
  parser.take();
  for (std::size_t i = 0; i < kReplyLinesMax; ++i)
    ASSERT_EQ(parser.feed("250-x"), ReplyParser::Progress::more);
  EXPECT_EQ(parser.feed("250 x"), ReplyParser::Progress::malformed);
  parser.reset();
  parser.feed("250-" + std::string(kReplyTextSizeMax, 'x'));
  parser.feed("250 more");
  EXPECT_EQ(parser.take().text.size(), kReplyTextSizeMax);
}

TEST(Reply, is_temporary_or_permanent_by_its_code) {
  EXPECT_TRUE((Reply{450}.temporary()));
  EXPECT_TRUE((Reply{550}.permanent()));
  EXPECT_TRUE((Reply{354}.positive()));
  EXPECT_FALSE((Reply{354}.completed()));
  EXPECT_EQ(effective_status(Reply{450}), (EnhancedStatus{4, 0, 0}));
  EXPECT_EQ(effective_status(Reply{550, {5, 1, 1}}), (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(effective_status(Reply{550, {4, 1, 1}}), (EnhancedStatus{5, 0, 0}));
  EXPECT_EQ(to_string(Reply{550, {5, 1, 1}, "No\nuser"}), "550 5.1.1 No user");
}

}  // namespace
}  // namespace ringpost::mail
