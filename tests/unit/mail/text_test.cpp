// Base64, xtext, dates, ids, trace fields: short forms each.
#include <gtest/gtest.h>

#include "ringpost/mail/base64.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/message_id.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/mail/xtext.hpp"

namespace ringpost::mail {
namespace {

constexpr WallTime at(std::int64_t seconds) {
  return {seconds * 1'000'000'000};
}

TEST(Base64, gives_the_vectors_of_rfc_4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64(plain), encoded);
    EXPECT_EQ(decode_base64(encoded), plain);
  }
}

TEST(Base64, refuses_what_is_none) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 8", "Zm8\n", "Zm-v"})
    EXPECT_FALSE(decode_base64(text)) << text;
}

TEST(Base64, breaks_lines_at_76) {
  std::string out;
  append_base64_lines(std::string(58, 'x'), out);
  EXPECT_EQ(out.find("\r\n"), 76U);
  EXPECT_TRUE(out.ends_with("\r\n"));
}

TEST(Xtext, encodes_what_rfc_3461_asks) {
  EXPECT_EQ(xtext("user+tag=x y@example.com"), "user+2Btag+3Dx+20y@example.com");
  EXPECT_EQ(decode_xtext("user+2Btag+3Dx+20y@example.com"), "user+tag=x y@example.com");
  for (const char* text : {"a b", "a+2", "a+", "a+xy", "\x80", "a\r"})
    EXPECT_FALSE(decode_xtext(text)) << text;
}

TEST(Xtext, reads_original_recipients) {
  EXPECT_EQ(parse_orcpt("RFC822;Bob+2Bx@Example.com")->address, "Bob+x@Example.com");
  EXPECT_EQ(parse_orcpt("rfc822;a@b")->type, "rfc822");
  EXPECT_EQ(parse_orcpt("utf-8;j\\x{F6}rg@x.example")->address, "j\xC3\xB6rg@x.example");
  EXPECT_EQ(parse_orcpt("utf-8;j\xC3\xB6rg@x.example")->address, "j\xC3\xB6rg@x.example");
  for (const char* value : {"", ";", "rfc822", "rfc822;", ";a@b", "rf c;a@b", "utf-8;\\x{D800}",
                            "utf-8;\\x{}", "utf-8;\\x{41", "utf-8;\xFF"})
    EXPECT_FALSE(parse_orcpt(value)) << value;
}

TEST(Xtext, makes_original_recipients_that_it_reads) {
  EXPECT_EQ(make_orcpt("a+b@x.example", false), "rfc822;a+2Bb@x.example");
  const std::string_view address = "j\xC3\xB6rg\xF0\x9F\x98\x80@x.example";
  EXPECT_EQ(make_orcpt(address, false), "utf-8;j\\x{F6}rg\\x{1F600}@x.example");
  for (const bool smtputf8 : {false, true})
    EXPECT_EQ(parse_orcpt(make_orcpt(address, smtputf8))->address, address);
}

TEST(Date, writes_and_reads_the_example_of_rfc_5322) {
  EXPECT_EQ(format_date(at(880127706), -360), "Fri, 21 Nov 1997 09:55:06 -0600");
  EXPECT_EQ(parse_date("Fri, 21 Nov 1997 09:55:06 -0600"), at(880127706));
  EXPECT_EQ(format_date(at(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_date(at(-1), 330), "Thu, 01 Jan 1970 05:29:59 +0530");
  EXPECT_EQ(format_mbox_date(at(880127706)), "Fri Nov 21 15:55:06 1997");
}

TEST(Date, reads_obsolete_and_odd_forms) {
  EXPECT_EQ(parse_date("21 Nov 97 09:55:06 GMT"), at(880106106));
  EXPECT_EQ(parse_date("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), at(880127706));
  EXPECT_EQ(parse_date("Fri, 21 Nov 1997 09:55:06 CST (Central)"), at(880127706));
  EXPECT_EQ(parse_date("21 Nov 1997 09:55 +0000"), at(880106100));
  EXPECT_EQ(parse_date("29 Feb 2024 00:00:00 +0000"), at(1709164800));
}

TEST(Date, refuses_what_is_none) {
  for (const char* text :
       {"", "Fri", "32 Nov 1997 09:55:06 +0000", "29 Feb 2023 00:00:00 +0000", "21 Foo 1997 09:55:06 +0000",
        "21 Nov 1997 24:00:00 +0000", "21 Nov 1997 09:61:00 +0000", "21 Nov 1997 09:55:06 +00",
        "21 Nov 1997 09:55:06 +0000 x", "21 Nov 99999 09:55:06 +0000", "(", "21 Nov 1"})
    EXPECT_FALSE(parse_date(text)) << text;
}

TEST(MessageId, has_the_time_the_queue_id_and_the_host) {
  const ringpost::MessageId id = ringpost::MessageId::make(1, 2, 3);
  const std::string text = make_message_id(at(880127706), id, "mx1.example.com");
  EXPECT_EQ(text, "<19971121T155506." + to_string(id) + "@mx1.example.com>");
  EXPECT_EQ(find_message_id(" " + text + "\r\n"), text);
  EXPECT_EQ(find_message_id("none"), "");
  EXPECT_EQ(find_message_id("<open"), "");
}

TEST(Received, names_the_protocol_as_rfc_3848_and_6531_do) {
  EXPECT_EQ(to_string(WithProtocol{.extended = false}), "SMTP");
  EXPECT_EQ(to_string(WithProtocol{}), "ESMTP");
  EXPECT_EQ(to_string(WithProtocol{.tls = true, .auth = true}), "ESMTPSA");
  EXPECT_EQ(to_string(WithProtocol{.auth = true}), "ESMTPA");
  EXPECT_EQ(to_string(WithProtocol{.lmtp = true, .tls = true}), "LMTPS");
  EXPECT_EQ(to_string(WithProtocol{.utf8 = true, .tls = true}), "UTF8SMTPS");
  EXPECT_EQ(to_string(WithProtocol{.lmtp = true, .utf8 = true}), "UTF8LMTP");
}

ReceivedFacts some_facts() {
  return {.helo = "mail.example.org",
          .peer_name = "mail.example.org",
          .peer_address = "192.0.2.1",
          .hostname = "mx1.example.com",
          .protocol = {.tls = true},
          .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
          .id = "0123456789ABC",
          .recipient = "bob@example.com",
          .arrival = at(880127706)};
}

TEST(Received, is_a_field_of_rfc_5321) {
  std::string out;
  append_received(some_facts(), out);
  EXPECT_EQ(out,
            "Received: from mail.example.org (mail.example.org [192.0.2.1])\r\n"
            "\tby mx1.example.com (Ringpost) with ESMTPS id 0123456789ABC\r\n"
            "\t(using TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            "\tfor <bob@example.com>;\r\n"
            "\tFri, 21 Nov 1997 15:55:06 +0000\r\n");
}

TEST(Received, takes_nothing_from_a_peer_that_could_forge) {
  ReceivedFacts facts = some_facts();
  facts.helo = "x\r\nBcc: y (z); \"";
  facts.peer_name = "";
  facts.peer_address = "2001:db8::1";
  facts.auth_user = "eve)\r\nX: y";
  std::string out;
  append_received(facts, out);
  HeaderReader reader(out);
  const auto field = reader.next();
  ASSERT_TRUE(field);
  EXPECT_EQ(field->size, out.size());
  EXPECT_EQ(std::ranges::count(out, ';'), 1);
  EXPECT_TRUE(out.contains("(unknown [IPv6:2001:db8::1])"));
  EXPECT_TRUE(out.contains("(authenticated as eve???X: y)"));
}

TEST(Received, of_a_local_submission_has_no_from) {
  std::string out;
  append_received({.hostname = "h", .protocol_override = "local", .id = "I"}, out);
  EXPECT_TRUE(out.starts_with("Received: by h (Ringpost) with local id I;\r\n")) << out;
}

TEST(Received, has_companions) {
  std::string out;
  append_return_path("", out);
  append_return_path("a@b.example", out);
  append_delivered_to("c@d.example\r\nX: y", out);
  append_original_to("e@f.example", out);
  EXPECT_EQ(out,
            "Return-Path: <>\r\nReturn-Path: <a@b.example>\r\nDelivered-To: c@d.exampleX: "
            "y\r\nX-Original-To: e@f.example\r\n");
}

}  // namespace
}  // namespace ringpost::mail
