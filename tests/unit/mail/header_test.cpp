#include "ringpost/mail/header.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

TEST(HeaderReader, gives_each_field_with_its_place) {
  const std::string_view message = "From: a@b\r\nSubject: one\r\n two\r\nX:y\r\n\r\nBody: no field\r\n";
  HeaderReader reader(message);
  auto field = reader.next();
  EXPECT_EQ(field->name, "From");
  EXPECT_EQ(field->value, " a@b");
  field = reader.next();
  EXPECT_EQ(field->name, "Subject");
  EXPECT_EQ(unfold(field->value), "one two");
  EXPECT_EQ(message.substr(field->offset, field->size), "Subject: one\r\n two\r\n");
  EXPECT_EQ(reader.next()->value, "y");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(message.substr(reader.end_offset()), "\r\nBody: no field\r\n");
  EXPECT_EQ(message.substr(reader.body_offset()), "Body: no field\r\n");
  EXPECT_FALSE(reader.saw_malformed());
}

TEST(HeaderReader, reads_lf_lines_and_a_header_without_end) {
  EXPECT_EQ(unfold(find_field("A: 1\nB: 2\n\nx", "b")->value), "2");
  EXPECT_EQ(unfold(find_field("A: 1\r\nB: 2", "B")->value), "2");
  EXPECT_FALSE(find_field("", "B"));
  EXPECT_FALSE(find_field("\r\nB: 2\r\n", "B"));
}

TEST(HeaderReader, skips_what_is_no_field_and_says_so) {
  HeaderReader reader(
      "From x Mon Jan 1 00:00:00 2024\r\n continued\r\nA : 1\r\nbad name: 2\r\n: 3\r\nB: 4\r\n");
  EXPECT_EQ(reader.next()->name, "A");
  EXPECT_EQ(reader.next()->name, "B");
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.saw_malformed());
}

TEST(HeaderReader, takes_a_line_without_colon_for_the_body) {
  const std::string_view message = "A: 1\r\nhello there\r\nB: 2\r\n";
  HeaderReader reader(message);
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(message.substr(reader.body_offset()), "hello there\r\nB: 2\r\n");
  EXPECT_TRUE(reader.saw_malformed());
}

TEST(HeaderReader, stops_after_so_many_fields) {
  std::string message;
  for (std::size_t i = 0; i < kHeaderFieldsMax; ++i) message += "A:\r\n";
  EXPECT_EQ(count_fields(message, "a"), kHeaderFieldsMax);
  HeaderReader reader(message);
  while (reader.next()) {
  }
  EXPECT_FALSE(reader.saw_malformed());
  EXPECT_EQ(count_fields(message + "A:\r\n", "a"), kHeaderFieldsMax);
}

TEST(Header, counts_hops_and_knows_where_a_message_has_been) {
  const std::string_view message =
      "Received: x\r\n\tby y\r\nDelivered-To: Bob@example.com\r\nreceived: z\r\n\r\nReceived: in the "
      "body\r\n";
  EXPECT_EQ(count_hops(message).received, 2U);
  EXPECT_EQ(count_hops(message).delivered_to, 1U);
  EXPECT_TRUE(delivered_to_before(message, "bob@example.com"));
  EXPECT_FALSE(delivered_to_before(message, "rob@example.com"));
}

}  // namespace
}  // namespace ringpost::mail
