#include <gtest/gtest.h>

#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

// What a line is read as; "skipped", "fetched" or "?" when it is no relay.
std::string read(std::string_view line) {
  const ReceivedLine parsed = parse_received(line);
  switch (parsed.kind) {
    case ReceivedKind::skipped:
      return "skipped";
    case ReceivedKind::fetched:
      return "fetched";
    case ReceivedKind::unreadable:
      return "?";
    case ReceivedKind::relay:
      break;
  }
  const Relay& relay = parsed.relay;
  return "ip=" + relay.ip + " rdns=" + relay.rdns + " helo=" + relay.helo + " by=" + relay.by +
         " auth=" + relay.auth;
}

constexpr std::string_view kDate = "; Thu, 22 Aug 2002 07:36:16 -0400";

TEST(Received, reads_what_servers_write) {
  const auto expect = [](std::string_view line, std::string_view relay) {
    EXPECT_EQ(read(std::string(line) + std::string(kDate)), relay) << line;
  };
  // Postfix, and Ringpost's own.
  expect("from a.example (b.example [192.0.2.1]) by c.example (Postfix) with ESMTP id X1234",
         "ip=192.0.2.1 rdns=b.example helo=a.example by=c.example auth=");
  expect("from a.example (unknown [192.0.2.1]) by c.example (Postfix) with ESMTPSA id X1234",
         "ip=192.0.2.1 rdns= helo=a.example by=c.example auth=ESMTPSA");
  // Sendmail.
  expect("from a.example (IDENT:root@b.example [192.0.2.1]) by c.example (8.11.6/8.11.6) with ESMTP id g7MB",
         "ip=192.0.2.1 rdns=b.example helo=a.example by=c.example auth=");
  expect("from a.example ([192.0.2.1]) by c.example (8.11.6/8.11.6) with SMTP id g7MB",
         "ip=192.0.2.1 rdns= helo=a.example by=c.example auth=");
  // Exim.
  expect("from [192.0.2.1] (helo=a.example) by c.example with esmtp (Exim 3.35 #1) id 17lf",
         "ip=192.0.2.1 rdns= helo=a.example by=c.example auth=");
  expect("from b.example ([192.0.2.1] helo=a.example ident=me) by c.example with esmtp (Exim 4.10) id 17lf",
         "ip=192.0.2.1 rdns=b.example helo=a.example by=c.example auth=");
  // qmail.
  expect("from unknown (HELO a.example) (192.0.2.1) by c.example with SMTP",
         "ip=192.0.2.1 rdns= helo=a.example by=c.example auth=");
  expect("from b.example (me@192.0.2.1) by c.example with SMTP",
         "ip=192.0.2.1 rdns=b.example helo=b.example by=c.example auth=");
  // Exchange, and IPv6.
  expect("from a.example ([192.0.2.1]) by c.example with Microsoft SMTPSVC(5.0.2195.4905)",
         "ip=192.0.2.1 rdns= helo=a.example by=c.example auth=");
  expect("from a.example (b.example [IPv6:2001:db8::1]) by c.example (Postfix) with ESMTP id X1234",
         "ip=2001:db8::1 rdns=b.example helo=a.example by=c.example auth=");
  // Web mail.
  expect("from 192.0.2.1 by lw1.law1.hotmail.msn.com with HTTP",
         "ip=192.0.2.1 rdns= helo= by=lw1.law1.hotmail.msn.com auth=HTTP");
  // An unknown server with an address in brackets.
  expect("from a.example strange [192.0.2.1] words by c.example somehow",
         "ip=192.0.2.1 rdns= helo=a.example by=c.example auth=");
}

TEST(Received, skips_what_is_no_hand_over) {
  for (const std::string_view line :
       {"by c.example (Postfix, from userid 500) id X", "(qmail 71045 invoked from network)",
        "from mail pickup service by hotmail.com with Microsoft SMTPSVC",
        "from me by c.example with local (Exim 3.35 #1) id 17lf",
        "from a.example by b.example with local for me",
        "FROM a.example BY b ; Wed Aug 28 10:45:49 2002 +0100"})
    EXPECT_EQ(read(line), "skipped") << line;
  EXPECT_EQ(read("from mail.example [192.0.2.1] by localhost with IMAP (fetchmail-5.9.0) for me"), "fetched");
  EXPECT_EQ(read("from somewhere strange"), "?");
}

TEST(Received, takes_the_envelope_from) {
  EXPECT_EQ(
      parse_received("from a.example ([192.0.2.1]) by c.example (envelope-from <me@x.example>) with SMTP")
          .relay.envelope_from,
      "me@x.example");
}

TEST(Received, lets_nothing_forge_a_field) {
  const Relay relay =
      parse_received("from a]b[c (d<e>f [192.0.2.1]) by c.example (Postfix) with ESMTP id X1234").relay;
  EXPECT_EQ(relay.helo, "a!b!c");
  EXPECT_EQ(relay.rdns, "d!e!f");
}

TEST(Received, gives_up_on_lines_made_to_be_slow) {
  std::string line = "from ";
  for (int i = 0; i < 4'000; ++i) line += "(a [1.2.3.4] ";
  EXPECT_NE(read(line + " by b"), "");
}

constexpr std::string_view kMail =
    "Received: from in.example (in.example [10.0.0.1]) by mx.example (Postfix) with ESMTP id A1234; Thu, 22 "
    "Aug 2002 07:36:16 -0400\n"
    "Received: from edge.example (edge.example [192.0.2.1]) by in.example (Postfix) with ESMTP id B1234; "
    "Thu, 22 Aug 2002 07:36:15 -0400\n"
    "Received: from far.example (far.example [198.51.100.1]) by edge.example (Postfix) with ESMTP id C1234; "
    "Thu, 22 Aug 2002 07:36:14 -0400\n"
    "Subject: x\n\n";

std::string ips(const std::vector<Relay>& relays) {
  std::string out;
  for (const Relay& relay : relays) out += (out.empty() ? "" : " ") + relay.ip;
  return out;
}

TEST(Relays, are_trusted_while_private_when_nothing_is_set) {
  const ViewOf view{std::string(kMail)};
  EXPECT_EQ(ips(view->relays().trusted), "10.0.0.1");
  EXPECT_EQ(ips(view->relays().untrusted), "192.0.2.1 198.51.100.1");
  EXPECT_EQ(view.header("X-Spam-Relays-Trusted"),
            "[ ip=10.0.0.1 rdns=in.example helo=in.example by=mx.example ident= envfrom= intl=1 id=A1234 "
            "auth= msa=0 ]");
}

TEST(Relays, are_trusted_by_networks) {
  const ViewOf view(std::string(kMail), "trusted_networks 10/8 192.0.2.1\ninternal_networks 10/8\n");
  EXPECT_EQ(ips(view->relays().trusted), "10.0.0.1 192.0.2.1");
  EXPECT_EQ(ips(view->relays().internal), "10.0.0.1");
  EXPECT_EQ(ips(view->relays().external), "192.0.2.1 198.51.100.1");
  EXPECT_EQ(view->relays().last_trusted_index, 1);
  EXPECT_EQ(view.values("ALL-TRUSTED").size(), 3U);
  EXPECT_EQ(view.values("ALL-UNTRUSTED").size(), 2U);
  const ViewOf only(std::string(kMail), "internal_networks 10/8\n");
  EXPECT_EQ(ips(only->relays().trusted), "10.0.0.1");
}

TEST(Relays, trust_what_an_msa_took_in) {
  const ViewOf view(std::string(kMail), "trusted_networks 10/8 192.0.2.1\nmsa_networks 192.0.2.1\n");
  EXPECT_EQ(ips(view->relays().untrusted), "");
  EXPECT_TRUE(view->relays().trusted[1].msa);
}

TEST(Relays, come_from_originating_address_fields_too) {
  const ViewOf view(std::string(kMail).insert(0, "X-Originating-IP: [203.0.113.9]\n"),
                    "originating_ip_headers X-Originating-IP\n");
  EXPECT_EQ(view->relays().untrusted.back().ip, "203.0.113.9");
}

TEST(Relays, are_counted_up_to_their_limit) {
  std::string mail;
  for (std::size_t i = 0; i <= kRelaysMax; ++i)
    mail += "Received: from a (b.c [192.0.2.1]) by d (Postfix) with SMTP id E1234\n";
  EXPECT_EQ(ViewOf(mail + "\n")->relays().untrusted.size(), kRelaysMax);
}

TEST(PrivateIp, is_told) {
  for (const std::string_view ip :
       {"10.1.2.3", "127.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "::1", "fe80::1"})
    EXPECT_TRUE(is_private_ip(ip)) << ip;
  for (const std::string_view ip : {"172.32.0.1", "100.128.0.1", "192.0.2.1", "2001:db8::1", "x"})
    EXPECT_FALSE(is_private_ip(ip)) << ip;
}

}  // namespace
}  // namespace ringpost::filter
