#include "ringpost/mail/header_address.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

std::vector<std::string> addresses_of(std::string_view value) {
  std::vector<std::string> addresses;
  for (const HeaderAddress& entry : parse_address_list(value).addresses) addresses.push_back(entry.address);
  return addresses;
}

using testing::ElementsAre;

TEST(HeaderAddress, reads_the_examples_of_rfc_5322) {
  EXPECT_THAT(addresses_of("John Doe <jdoe@machine.example>"), ElementsAre("jdoe@machine.example"));
  const auto list = parse_address_list(
      "\"Joe Q. Public\" <john.q.public@example.com>, Mary Smith <mary@x.test>,\r\n jdoe@example.org, Who? "
      "<one@y.test>");
  ASSERT_EQ(list.addresses.size(), 4U);
  EXPECT_EQ(list.addresses[0].display_name, "Joe Q. Public");
  EXPECT_EQ(list.addresses[3].display_name, "Who?");
  EXPECT_EQ(list.addresses[3].address, "one@y.test");
  EXPECT_THAT(addresses_of("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
              ElementsAre("boss@nil.test", "sysservices@example.net"));
}

TEST(HeaderAddress, reads_groups) {
  const auto list =
      parse_address_list("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>; , x@y.example");
  ASSERT_EQ(list.addresses.size(), 4U);
  EXPECT_EQ(list.addresses[1].group, "A Group");
  EXPECT_EQ(list.addresses[3].group, "");
  const auto empty = parse_address_list("Undisclosed recipients:;");
  EXPECT_TRUE(empty.addresses.empty());
  EXPECT_EQ(empty.refused, 0U);
}

TEST(HeaderAddress, reads_comments_and_obsolete_blanks) {
  EXPECT_THAT(addresses_of("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
              ElementsAre("pete@silly.test"));
  EXPECT_THAT(addresses_of("\"a (b)  c\"@d.example"), ElementsAre("\"a (b)  c\"@d.example"));
  EXPECT_THAT(addresses_of("pete@silly.test (Pete (the great))"), ElementsAre("pete@silly.test"));
  EXPECT_EQ(parse_address_list("pete@silly.test (Pete)").addresses[0].display_name, "Pete");
  EXPECT_THAT(addresses_of("john . doe @ example . com"), ElementsAre("john.doe@example.com"));
  EXPECT_THAT(addresses_of("<@a,@b:user@c.example>"), ElementsAre("user@c.example"));
}

TEST(HeaderAddress, counts_what_is_no_address) {
  const auto list = parse_address_list("John Doe, a@b.example, x@@y, Nobody <>, root,,");
  EXPECT_THAT(addresses_of("John Doe, a@b.example, x@@y, Nobody <>, root,,"),
              ElementsAre("a@b.example", "root"));
  EXPECT_EQ(list.refused, 3U);
}

TEST(HeaderAddress, survives_what_is_not_closed) {
  for (const char* value : {"\"abc", "(abc", "<abc", "[abc", "a@[1.2", "\"a\\", "(a\\", "((((((((", "a <\"b",
                            ":", ";", ":;:;", "<", "a:<b>:c;"})
    EXPECT_LE(parse_address_list(value).addresses.size(), 1U) << value;
}

TEST(HeaderAddress, stops_at_its_limit) {
  std::string value;
  for (std::size_t i = 0; i < kHeaderAddressesMax; ++i) value += "a@b.example,";
  EXPECT_FALSE(parse_address_list(value).truncated);
  const auto more = parse_address_list(value + "a@b.example");
  EXPECT_TRUE(more.truncated);
  EXPECT_EQ(more.addresses.size(), kHeaderAddressesMax);
}

TEST(EncodedWord, decodes_the_examples_of_rfc_2047) {
  EXPECT_EQ(decode_encoded_words("=?US-ASCII?Q?Keith_Moore?= <moore@cs>"), "Keith Moore <moore@cs>");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?="), "Keld J\xC3\xB8rn Simonsen");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= b"), "a b");
  EXPECT_EQ(decode_encoded_words("=?utf-8*en?B?w6k=?="), "\xC3\xA9");
  EXPECT_EQ(decode_encoded_words("=?koi8-r?B?8NLJ18XU?="), "\u041f\u0440\u0438\u0432\u0435\u0442");
  EXPECT_EQ(decode_encoded_words("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="), "\u65e5\u672c");
  // A character split over two words.
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=A9?="), "\xC3\xA9");
}

TEST(EncodedWord, leaves_what_it_cannot_decode) {
  for (const char* text : {"=?no-such?B?8NLJ18XU?=", "=?iso-2022-jp?Q?=1B=24?=", "=?utf-8?X?a?=",
                           "=?utf-8?B?!?=", "=?utf-8?Q?=FF?=", "=?utf-8?Q?abc", "=?", "a =?= b", "=?utf-8?Q"})
    EXPECT_EQ(decode_encoded_words(text), text);
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?a=0D=0ABcc:_x?="), "a  Bcc: x");
}

TEST(EncodedWord, decodes_each_by_itself_where_a_run_is_no_text) {
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?a?= =?utf-8?Q?=FF?= =?utf-8?Q?b?=\r\n =?utf-8?Q?c?= d"),
            "a =?utf-8?Q?=FF?= bc d");
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?a?b?= =?utf-8?Q?c?="), "=?utf-8?Q?a?b?= c")
      << "no \"?\" in a text";
}

// Each of these took a time that grew with the square of its length.
TEST(EncodedWord, takes_no_longer_for_a_field_that_is_built_to_be_slow) {
  for (const std::string_view word : {"=?utf-8?Q?=FF?= ", "=?utf-8?Q?a", "=?utf-8?B?AAAA", "=?", "=?a?q?",
                                      "=?iso-8859-1?Q?=E9?= =?utf-8?Q?=FF?="}) {
    std::string text;
    while (text.size() < 2'000'000) text += word;
    EXPECT_LE(decode_encoded_words(text).size(), text.size()) << word;
  }
}

TEST(EncodedWord, encodes_a_name_so_that_it_comes_back) {
  EXPECT_EQ(encode_display_name("John Doe"), "John Doe");
  EXPECT_EQ(encode_display_name("Doe, John \"JD\""), "\"Doe, John \\\"JD\\\"\"");
  std::string name;
  for (int i = 0; i < 40; ++i) name += "\xC3\xA9\xE2\x82\xAC";
  EXPECT_EQ(decode_encoded_words(encode_display_name(name)), name);
  EXPECT_EQ(parse_address_list(encode_display_name(name) + " <a@b.example>").addresses[0].display_name, name);
}

}  // namespace
}  // namespace ringpost::mail
