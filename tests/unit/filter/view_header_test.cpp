#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/filter/view_limits.hpp"

#include "filter/field_addresses.hpp"
#include "filter/header_fields.hpp"
#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ViewHeader, unfolds_and_decodes) {
  const ViewOf view(
      "Subject: =?utf-8?q?J=C3=B6?=\n =?utf-8?q?rg?= and\n\tmore  \n"
      "subject: second\n\nbody\n");
  EXPECT_EQ(view.header("Subject"), "J\u00F6rg and more\nsecond\n");
  EXPECT_EQ(view.header("SUBJECT:first"), "J\u00F6rg and more\n");
  EXPECT_EQ(view.header("subject:last"), "second\n");
  EXPECT_EQ(view.header("X-None"), "(none)");
}

TEST(ViewHeader, keeps_the_raw_form_apart) {
  const ViewOf view("Subject: =?utf-8?q?J=C3=B6?=\n rg\n\n");
  EXPECT_EQ(view.header("Subject:raw"), " =?utf-8?q?J=C3=B6?=\n rg\n");
}

TEST(ViewHeader, joins_a_character_that_was_split_between_words) {
  const ViewOf view("Subject: =?utf-8?q?J=C3?= =?UTF-8?q?=B6rg?=\n\n");
  EXPECT_EQ(view.header("Subject"), "J\u00F6rg\n");
}

TEST(ViewHeader, believes_bytes_rather_than_nothing) {
  EXPECT_EQ(ViewOf("Subject: J\xC3\xB6rg\n\n").header("Subject"), "J\u00F6rg\n");
  EXPECT_EQ(ViewOf("Subject: J\xF6rg\n\n").header("Subject"), "J\u00F6rg\n");
  EXPECT_EQ(ViewOf("Subject: =?x-none?q?caf=E9?=\n\n").header("Subject"), "caf\u00E9\n");
}

TEST(ViewHeader, leaves_fields_without_words_alone) {
  EXPECT_EQ(ViewOf("Message-Id: <=?utf-8?q?a?=@b>\n\n").header("Message-Id"), "<=?utf-8?q?a?=@b>\n");
}

TEST(ViewHeader, knows_addresses_and_names) {
  const ViewOf view(
      "From: \"Doe, Jane\" <jane@example.com>, bob@example.org (Bob)\nTo: list: a@example.net, B "
      "<b@example.net>;\n\n");
  EXPECT_EQ(view.header("From:addr"), "jane@example.com\nbob@example.org");
  EXPECT_EQ(view.header("From:name"), "Doe, Jane\nBob");
  EXPECT_EQ(view.header("To:addr"), "a@example.net\nb@example.net");
  EXPECT_EQ(view.header("From:addr:host"), "example.com\nexample.org");
  EXPECT_EQ(ViewOf("From: a@www.example.co.uk\n\n").header("From:addr:domain"), "example.co.uk");
}

TEST(ViewHeader, finds_addresses_of_networks) {
  const ViewOf view("X-Ip: from [192.0.2.7] and\nX-Six: 2001:db8::1\n\n");
  EXPECT_EQ(view.header("X-Ip:ip"), "192.0.2.7");
  EXPECT_EQ(view.header("X-Ip:revip"), "7.2.0.192");
  EXPECT_EQ(view.header("X-Six:ip"), "2001:db8::1");
}

TEST(ViewHeader, has_pseudo_fields) {
  const ViewOf view(
      "To: a@example.com\nCc: b@example.com\nResent-Message-Id: <1@x>\nMessage-Id: <2@x>\nReturn-Path: "
      "<me@example.org>\n\n");
  EXPECT_EQ(view.header("ToCc"), "a@example.com\nb@example.com\n");
  EXPECT_EQ(view.header("MESSAGEID"), "<1@x>\n<2@x>\n");
  EXPECT_EQ(view.header("EnvelopeFrom"), "me@example.org");
  EXPECT_EQ(view.header("ALL"),
            "To: a@example.com\nCc: b@example.com\nResent-Message-Id: <1@x>\nMessage-Id: <2@x>\nReturn-Path: "
            "<me@example.org>\n");
}

TEST(ViewHeader, takes_the_envelope_from_the_facts_when_it_is_known) {
  Facts facts;
  facts.envelope_from = "real@example.com";
  EXPECT_EQ(ViewOf("Return-Path: <other@example.org>\n\n", {}, facts).header("EnvelopeFrom"),
            "real@example.com");
}

TEST(ViewHeader, does_not_believe_a_return_path_below_received) {
  EXPECT_EQ(ViewOf("Received: by a with x\nReturn-Path: <x@example.org>\n\n").header("EnvelopeFrom"),
            "(none)");
}

TEST(ViewHeader, hides_what_another_filter_added) {
  const ViewOf view("X-Spam-Status: Yes\nSubject: x\n\n");
  EXPECT_EQ(view.header("X-Spam-Status"), "(none)");
  EXPECT_EQ(view.header("ALL"), "Subject: x\n");
}

TEST(ViewHeader, reads_crlf_as_lf) {
  const ViewOf view("From x Mon Jan 1 00:00:00 2024\r\nSubject: a\r\n b\r\n\r\nbody\r\n");
  EXPECT_EQ(view.header("Subject"), "a b\n");
  EXPECT_EQ(view->full(), "Subject: a\n b\n\nbody\n");
}

TEST(ViewHeader, bears_lines_that_are_no_fields) {
  const ViewOf view("Subject: a\nno field\nTo: b\n\nbody\n");
  EXPECT_EQ(view.header("To"), "b\n");
  EXPECT_EQ(view->body_block(), "body\n");
  const MessageText many = split_message("A: 1\nx\ny\nz\nw\nB: 2\n\nbody\n");
  EXPECT_TRUE(many.missing_separator);
  EXPECT_EQ(many.body, "w\nB: 2\n\nbody\n");
}

TEST(ViewHeader, cuts_what_is_too_long) {
  const std::string value(kFieldValueSizeMax, 'x');
  const MessageText fits = split_message("A:" + value.substr(1) + "\n\n");
  EXPECT_FALSE(fits.truncated);
  const MessageText cut = split_message("A:" + value + "\n\n");
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.fields.last("A")->raw().size(), kFieldValueSizeMax);
}

TEST(ViewHeader, limits_all_fields_together) {
  std::string mail;
  for (int i = 0; i < 20; ++i) mail += "F" + std::to_string(i) + ": " + std::string(4000, 'x') + "\n";
  EXPECT_EQ(ViewOf(mail + "\n").values("ALL").size(), kAllFieldsSizeMax / 4006);
}

std::vector<std::string> addresses(std::string_view value) {
  std::vector<std::string> list;
  for (const FieldAddress& one : parse_field_addresses(value))
    list.push_back(one.phrase.value_or("-") + "|" + one.address.value_or("-"));
  return list;
}

TEST(FieldAddresses, reads_what_people_send) {
  EXPECT_THAT(addresses("a@b.com"), ElementsAre("-|a@b.com"));
  EXPECT_THAT(addresses("Foo Bar <a@b.com>"), ElementsAre("Foo Bar |a@b.com"));
  EXPECT_THAT(addresses("\"Foo \\\"B\\\"\" <a@b.com> (c)"), ElementsAre("Foo \"B\" |a@b.com"));
  EXPECT_THAT(addresses("<a@b.com> <a@b.com>, c@d.org"), ElementsAre("-|a@b.com", "-|c@d.org"));
  EXPECT_THAT(addresses("a@b.com (Foo Blah)"), ElementsAre("Foo Blah|a@b.com"));
  EXPECT_THAT(addresses("Undisclosed"), ElementsAre("Undisclosed|-"));
  EXPECT_THAT(addresses("\"\" <>"), ElementsAre(" |-"));
  EXPECT_THAT(addresses("  "), IsEmpty());
  EXPECT_THAT(addresses("x y <z@w.com"), IsEmpty());
  EXPECT_THAT(addresses("(((( <q@w.com>> stray <e@r.com> \""), ElementsAre("-|q@w.com", "-|e@r.com"));
}

TEST(FieldAddresses, stops_at_its_limit) {
  std::string value;
  for (std::size_t i = 0; i <= kFieldAddressesMax; ++i) value += "a@b.c,";
  EXPECT_EQ(parse_field_addresses(value).size(), kFieldAddressesMax);
}

}  // namespace
}  // namespace ringpost::filter
