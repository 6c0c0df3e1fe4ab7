#include "migrate/imap_reply.hpp"

#include <gtest/gtest.h>

#include "ringpost/migrate/imap.hpp"

namespace ringpost::migrate {
namespace {

TEST(ImapReply, a_status_has_a_code_and_words) {
  const auto reply = parse_imap_reply("a1 OK [UIDVALIDITY 77] all is well\r\n");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->tag, "a1");
  EXPECT_EQ(reply->word, "OK");
  EXPECT_EQ(reply->code, "UIDVALIDITY 77");
  EXPECT_EQ(reply->text, "all is well");
  EXPECT_EQ(reply->code_number("uidvalidity"), 77U);
  EXPECT_EQ(reply->code_number("UIDNEXT"), std::nullopt);
}

TEST(ImapReply, a_fetch_with_literals_and_brackets) {
  const auto reply = parse_imap_reply(
      "* 3 FETCH (UID 9 FLAGS (\\Seen $x) BODY[HEADER.FIELDS (MESSAGE-ID)] {7}\r\na(b)\r\n\"c\" BODY[] "
      "NIL)\r\n");
  ASSERT_FALSE(reply.has_value()) << "the literal has 7 bytes, and a quote follows it without a blank";
  const auto good = parse_imap_reply(
      "* 3 FETCH (UID 9 FLAGS (\\Seen $x) BODY[HEADER.FIELDS (MESSAGE-ID)] {6}\r\na(b)\r\n INTERNALDATE "
      "\"x\\\"y\")\r\n");
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->number, 3U);
  EXPECT_EQ(good->item("UID")->text, "9");
  EXPECT_EQ(good->item("FLAGS")->items[1].text, "$x");
  EXPECT_EQ(good->item("BODY[")->text, "a(b)\r\n");
  EXPECT_EQ(good->item("internaldate")->text, "x\"y");
  EXPECT_EQ(good->item("ENVELOPE"), nullptr);
}

TEST(ImapReply, a_list_with_nil_and_a_quoted_name) {
  const auto reply = parse_imap_reply("* LIST (\\HasNoChildren \\Sent) NIL \"a b\"\r\n");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->values[0].items[1].text, "\\Sent");
  EXPECT_EQ(reply->values[1].kind, ImapValue::Kind::nil);
  EXPECT_EQ(reply->values[2].text, "a b");
}

TEST(ImapReply, what_is_no_imap_is_an_error) {
  for (const char* raw : {"* 1 FETCH (UID 1\r\n", "* LIST \"\r\n", "* 1 FETCH (BODY[] {99}\r\nx)\r\n"})
    EXPECT_FALSE(parse_imap_reply(raw).has_value()) << raw;
  const std::string deep = "* X " + std::string(33, '(') + std::string(33, ')') + "\r\n";
  EXPECT_FALSE(parse_imap_reply(deep).has_value());
  const std::string less = "* X " + std::string(32, '(') + std::string(32, ')') + "\r\n";
  EXPECT_TRUE(parse_imap_reply(less).has_value());
}

TEST(ImapReply, literals_at_the_end_of_a_line) {
  EXPECT_EQ(literal_at_end("x {12}"), 12U);
  EXPECT_EQ(literal_at_end("x ~{12+}"), 12U);
  EXPECT_EQ(literal_at_end("x {12"), std::nullopt);
  EXPECT_EQ(literal_at_end("x {}"), std::nullopt);
  EXPECT_EQ(literal_at_end("x {1 2}"), std::nullopt);
}

TEST(ImapAddress, hosts_and_ports) {
  const auto address = parse_imap_address("imaps://mail.example.com");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->host, "mail.example.com");
  EXPECT_EQ(address->port, "993");
  EXPECT_TRUE(address->implicit_tls);
  EXPECT_EQ(parse_imap_address("imap://[::1]:1143/")->host, "::1");
  EXPECT_EQ(parse_imap_address("imap://[::1]:1143/")->port, "1143");
  EXPECT_EQ(parse_imap_address("imap://h")->port, "143");
  for (const char* wrong : {"http://h", "imap://", "imap://h:0", "imap://h:65536", "imap://a@h", "/var/mail"})
    EXPECT_FALSE(parse_imap_address(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace ringpost::migrate
