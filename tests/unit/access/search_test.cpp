#include "access/search.hpp"

#include <gtest/gtest.h>

#include "access/preview.hpp"

namespace ringpost::access {
namespace {

TEST(Needle, is_found_in_any_case) {
  EXPECT_TRUE(Needle("hello").in("Say HeLLo"));
  EXPECT_TRUE(Needle("LLO").in("hello"));
  EXPECT_FALSE(Needle("hello").in("hell o"));
  EXPECT_TRUE(Needle("").in("anything"));
  EXPECT_FALSE(Needle("x").in(""));
  EXPECT_TRUE(Needle("-1").in("a-1"));
}

TEST(Needle, knows_the_case_of_other_alphabets) {
  EXPECT_TRUE(Needle("GRÜSSE").in("viele grüsse"));
  EXPECT_TRUE(Needle("москва").in("МОСКВА"));
  EXPECT_FALSE(Needle("москва").in("МОСКВ"));
}

TEST(HeaderFields, are_given_as_they_stand) {
  const std::string_view header = "From: a\r\nSubject: long\r\n folded\r\nTO: b\r\n\r\n";
  EXPECT_EQ(MessageParts::header_fields(header, {"subject", "to"}, false),
            "Subject: long\r\n folded\r\nTO: b\r\n\r\n");
  EXPECT_EQ(MessageParts::header_fields(header, {"subject", "to"}, true), "From: a\r\n\r\n");
  EXPECT_EQ(MessageParts::header_fields(header, {"x"}, false), "\r\n");
}

TEST(Sections, name_their_bytes) {
  const std::string text =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n";
  const std::string record = mail::make_mime_record(text);
  const auto structure = mail::MimeStructure::read(record);
  ASSERT_TRUE(structure);
  using Text = imap::Section::Text;
  const auto bytes = [&](std::vector<std::uint32_t> part, Text what) -> std::string {
    const auto range = MessageParts::range_of({.part = std::move(part), .text = what, .fields = {}},
                                              *structure, text.size());
    return range ? text.substr(range->offset, range->size) : "none";
  };
  EXPECT_EQ(bytes({}, Text::whole), text);
  EXPECT_EQ(bytes({}, Text::header), "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
  EXPECT_EQ(bytes({1}, Text::whole), "first");
  EXPECT_EQ(bytes({1}, Text::mime), "Content-Type: text/plain\r\n\r\n");
  EXPECT_EQ(bytes({1}, Text::header), "none");
  EXPECT_EQ(bytes({2}, Text::whole), "Subject: inner\r\n\r\ninside");
  EXPECT_EQ(bytes({2}, Text::header), "Subject: inner\r\n\r\n");
  EXPECT_EQ(bytes({2}, Text::text), "inside");
  EXPECT_EQ(bytes({2, 1}, Text::whole), "inside");
  EXPECT_EQ(bytes({3}, Text::whole), "none");
}

TEST(Preview, leaves_markup_out) {
  EXPECT_EQ(without_markup("<p>Hello <b>you</b></p>"), " Hello  you  ");
  EXPECT_EQ(without_markup("a<style>p { x }</style>b"), "a b");
  EXPECT_EQ(without_markup("a<script"), "a ");
}

}  // namespace
}  // namespace ringpost::access
