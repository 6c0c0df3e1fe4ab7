#include "ringpost/mail/submission.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/header.hpp"
#include "ringpost/mail/header_address.hpp"

namespace ringpost::mail {
namespace {

SubmissionFacts some_facts() {
  return {.now = {880127706'000'000'000},
          .id = MessageId::make(1, 0, 1),
          .hostname = "mx.example.com",
          .from = "j@example.com",
          .from_name = "J\xC3\xB6rg"};
}

TEST(Submission, finds_what_is_missing) {
  EXPECT_TRUE(find_missing_fields("").any());
  const MissingFields missing = find_missing_fields("from: a@b\r\nSubject: x\r\n\r\nDate: in the body\r\n");
  EXPECT_FALSE(missing.from);
  EXPECT_TRUE(missing.date && missing.message_id);
  EXPECT_FALSE(find_missing_fields("DATE: x\r\nFrom: y\r\nmessage-id: z\r\n\r\n").any());
}

TEST(Submission, adds_what_is_missing_and_no_more) {
  EXPECT_EQ(make_missing_fields({}, some_facts()), "");
  EXPECT_EQ(make_missing_fields({.date = true}, some_facts()), "Date: Fri, 21 Nov 1997 15:55:06 +0000\r\n");
  const std::string all = make_missing_fields({.date = true, .message_id = true, .from = true}, some_facts());
  EXPECT_FALSE(find_missing_fields(all).any());
  const auto from = parse_address_list(find_field(all, "From")->value).addresses.at(0);
  EXPECT_EQ(from.address, "j@example.com");
  EXPECT_EQ(from.display_name, "J\xC3\xB6rg");
}

}  // namespace
}  // namespace ringpost::mail
