// What is stored of a judged message, and its facts: they must be those of the bytes as stored.
#include "intake/layout.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "ringpost/scan/data_unstuffer.hpp"

namespace ringpost::intake {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

scan::BodyFacts facts_of(std::string_view text) {
  std::string copy(text);
  scan::BodyFactsPass pass;
  pass.step(bytes_of(text), std::as_writable_bytes(std::span(copy)).data());
  return pass.finish();
}

const std::string kReceived = "Received: from a by b;\r\n\tnow\r\n";

std::string assembled(std::string_view mail, const filter::Marks& marks) {
  std::vector<std::span<const std::byte>> pieces;
  append_without(bytes_of(mail), marks.cuts, pieces);
  std::string text = kReceived + marks.fields;
  for (const auto piece : pieces) text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  return text + marks.tail;
}

void expect_same(std::string_view mail, const filter::Marks& marks) {
  const scan::BodyFacts wanted = facts_of(assembled(mail, marks));
  const scan::BodyFacts found = stored_facts(facts_of(mail), kReceived.size(), marks);
  EXPECT_EQ(found.size, wanted.size);
  EXPECT_EQ(found.separator_offset, wanted.separator_offset);
  EXPECT_EQ(found.eight_bit, wanted.eight_bit);
  EXPECT_EQ(found.ends_with_crlf, wanted.ends_with_crlf);
  EXPECT_EQ(found.dots_overflow, wanted.dots_overflow);
  EXPECT_TRUE(std::ranges::equal(found.known_dots(), wanted.known_dots()));
  EXPECT_GE(found.longest_line, facts_of(mail).longest_line);
}

const std::string kMail =
    "X-Spam-Flag: NO\r\nSubject: a\r\nX-Spam-Level:\r\n\t**\r\nTo: b\r\n\r\n.one\r\ntwo\r\n..three\r\n";

filter::Marks::Cut cut_of(std::string_view field) {
  return {kMail.find(field), field.size()};
}

TEST(Layout, has_the_facts_of_a_mail_without_marks) {
  expect_same(kMail, {});
}

TEST(Layout, has_the_facts_of_a_mail_with_fields_and_cuts) {
  filter::Marks marks;
  marks.fields = "X-Spam-Flag: YES\r\n";
  marks.cuts = {cut_of("X-Spam-Flag: NO\r\n"), cut_of("X-Spam-Level:\r\n\t**\r\n")};
  expect_same(kMail, marks);
  EXPECT_EQ(assembled(kMail, marks),
            kReceived + "X-Spam-Flag: YES\r\nSubject: a\r\nTo: b\r\n\r\n.one\r\ntwo\r\n..three\r\n");
}

TEST(Layout, has_the_facts_of_a_report_whose_text_has_dots_of_its_own) {
  filter::Marks marks;
  const std::string header = "Subject: s\r\n";
  marks.fields = header + "\r\n.report\r\nw\xc3\xb6rds\r\n.\r\n\r\n";
  marks.separator = header.size();
  marks.tail = "\r\n--end--\r\n";
  expect_same(kMail, marks);
  expect_same(kMail + "no end of a line", marks);
}

TEST(Layout, has_the_facts_of_a_mail_that_is_header_alone) {
  filter::Marks marks;
  marks.fields = "X-Spam-Flag: YES\r\n";
  expect_same("Subject: a\r\nTo: b\r\n", marks);
}

TEST(Layout, counts_dots_up_to_what_the_facts_hold) {
  filter::Marks marks;
  marks.fields = "Subject: s\r\n\r\n.report\r\n\r\n";
  marks.separator = 12;
  for (const std::size_t dots : {scan::kDotOffsetsMax - 1, scan::kDotOffsetsMax, scan::kDotOffsetsMax + 1}) {
    std::string mail = "Subject: a\r\n\r\n";
    for (std::size_t i = 0; i < dots; ++i) mail += ".\r\n";
    expect_same(mail, marks);
  }
}

}  // namespace
}  // namespace ringpost::intake
