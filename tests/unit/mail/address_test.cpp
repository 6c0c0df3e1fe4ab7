#include "ringpost/mail/address.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

constexpr PathRules kUtf8Rules{.smtputf8 = true};

AddressFault fault_of(std::string_view path, PathRules rules = kForwardPathRules) {
  const auto parsed = parse_path(path, rules);
  EXPECT_FALSE(parsed) << path;
  return parsed ? AddressFault{99} : parsed.error();
}

std::string canonical_of(std::string_view path, PathRules rules = kForwardPathRules) {
  const auto parsed = parse_path(path, rules);
  std::string out;
  if (!parsed || !append_canonical(*parsed, out)) return "refused";
  return out;
}

TEST(Address, reads_the_paths_of_rfc_5321) {
  EXPECT_EQ(canonical_of("<Smith@bar.com>"), "Smith@bar.com");
  EXPECT_EQ(canonical_of("<userx@y.foo.org>"), "userx@y.foo.org");
  EXPECT_EQ(canonical_of("<\"first last\"@example.com>"), "\"first last\"@example.com");
  const auto route = parse_path("<@hosta.int,@jkl.org:userc@d.bar.org>", kForwardPathRules);
  ASSERT_TRUE(route);
  EXPECT_TRUE(route->source_route);
  EXPECT_EQ(route->local_part, "userc");
  EXPECT_EQ(route->domain, "d.bar.org");
}

TEST(Address, leaves_what_follows_the_path) {
  const std::string_view text = "<a@b.example> SIZE=100";
  const auto path = parse_path(text, kReversePathRules);
  ASSERT_TRUE(path);
  EXPECT_EQ(text.substr(path->size), " SIZE=100");
}

TEST(Address, takes_the_null_path_of_a_sender_only) {
  const auto path = parse_path("<> RET=HDRS", kReversePathRules);
  ASSERT_TRUE(path);
  EXPECT_TRUE(path->null_path);
  EXPECT_EQ(path->size, 2U);
  EXPECT_EQ(fault_of("<>"), AddressFault::syntax);
}

TEST(Address, takes_a_bare_postmaster_of_a_recipient_only) {
  EXPECT_EQ(canonical_of("<PostMaster>"), "PostMaster");
  EXPECT_EQ(fault_of("<root>"), AddressFault::bare_local_part);
  EXPECT_EQ(fault_of("<postmaster>", kReversePathRules), AddressFault::bare_local_part);
  EXPECT_EQ(canonical_of("<root>", {.allow_bare_local_part = true}), "root");
}

TEST(Address, refuses_what_is_no_path) {
  for (const char* path :
       {"", "<", ">", "a@b.c", "<a@b.c", "<a@@b.c>", "<@b.c>", "<a b@c.d>", "<a@b.c d>", "<a@>", "<a@b.c>>",
        "<<a@b.c>>", "<\"a@b.c>", "<a\"b\"@c.d>", "<a\r\n@b.c>", "<@x:>", "<@x,y:a@b.c>", "<a@b.c,d@e.f>"}) {
    const auto parsed = parse_path(path, kForwardPathRules);
    // "<a@b.c>>" is a path; what follows is for the command to refuse.
    if (std::string_view(path) == "<a@b.c>>") {
      ASSERT_TRUE(parsed);
      EXPECT_EQ(parsed->size, 7U);
      continue;
    }
    EXPECT_FALSE(parsed) << path;
  }
}

TEST(Address, refuses_domains_that_dns_has_not) {
  for (const char* path : {"<a@-b.c>", "<a@b-.c>", "<a@b..c>", "<a@.b>", "<a@1.2.3.4>", "<a@[1.2.3]>",
                           "<a@[1.2.3.400]>", "<a@[IPv6:xyz]>", "<a@[]>", "<a@[x]>"})
    EXPECT_EQ(fault_of(path), AddressFault::bad_domain) << path;
  EXPECT_EQ(canonical_of("<a@B.Example.>"), "a@b.example");
  EXPECT_EQ(canonical_of("<a@under_score.example>"), "a@under_score.example");
}

TEST(Address, reads_address_literals) {
  EXPECT_EQ(parse_path("<a@[192.0.2.1]>", kForwardPathRules)->domain_kind, DomainKind::ipv4_literal);
  EXPECT_EQ(parse_path("<a@[IPv6:2001:db8::1]>", kForwardPathRules)->domain_kind, DomainKind::ipv6_literal);
  EXPECT_EQ(parse_path("<a@[x400:c=de]>", kForwardPathRules)->domain_kind, DomainKind::other_literal);
  EXPECT_EQ(canonical_of("<a@[ipv6:2001:DB8::1]>"), "a@[IPv6:2001:db8::1]");
}

TEST(Address, refuses_a_literal_with_a_zero_byte) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(parse_path("<a@[192.0.2.1\0x]>"sv, kForwardPathRules));
  EXPECT_FALSE(parse_path("<a@[IPv6:2001:db8::\0001]>"sv, kForwardPathRules));
}

TEST(Address, quotes_a_local_part_only_where_it_must) {
  EXPECT_EQ(canonical_of("<\"plain\"@x.example>"), "plain@x.example");
  EXPECT_EQ(canonical_of("<\"pl\\ain\"@x.example>"), "plain@x.example");
  EXPECT_EQ(canonical_of("<\"a\\\"b\\\\c\"@x.example>"), "\"a\\\"b\\\\c\"@x.example");
  EXPECT_EQ(canonical_of("<a..b.@x.example>"), "\"a..b.\"@x.example");
  EXPECT_EQ(canonical_of("<\"\"@x.example>"), "\"\"@x.example");
}

TEST(Address, takes_utf8_only_with_smtputf8) {
  EXPECT_EQ(fault_of("<j\xC3\xB6rg@x.example>"), AddressFault::needs_smtputf8);
  EXPECT_EQ(fault_of("<a@b\xC3\xBC"
                     "cher.example>"),
            AddressFault::needs_smtputf8);
  EXPECT_EQ(fault_of("<j\xF6rg@x.example>", kUtf8Rules), AddressFault::bad_utf8);
  EXPECT_EQ(canonical_of("<j\xC3\xB6rg@B\xC3\xBC"
                         "cher.example>",
                         kUtf8Rules),
            "j\xC3\xB6rg@xn--bcher-kva.example");
  EXPECT_EQ(unicode_domain("xn--bcher-kva.example"),
            "b\xC3\xBC"
            "cher.example");
  EXPECT_EQ(unicode_domain("x.example"), "x.example");
}

TEST(Address, keeps_what_it_appends_to_when_idna_refuses) {
  const auto path = parse_path("<a@\xE2\x82\xAC\xCC\x81\xF0\x9F\x98\x80-.example>", kUtf8Rules);
  std::string out = "before";
  if (path) {
    EXPECT_FALSE(append_canonical(*path, out));
  }
  EXPECT_EQ(out, "before");
}

TEST(Address, holds_the_limits_at_n_and_not_at_n_and_one) {
  const std::string local(kLocalPartSizeMax, 'a');
  EXPECT_TRUE(parse_path("<" + local + "@b.example>", kForwardPathRules));
  EXPECT_EQ(fault_of("<a" + local + "@b.example>"), AddressFault::local_part_too_long);

  const std::string label(kLabelSizeMax, 'b');
  EXPECT_TRUE(parse_path("<a@" + label + ".example>", kForwardPathRules));
  EXPECT_EQ(fault_of("<a@b" + label + ".example>"), AddressFault::bad_domain);

  // A path of exactly 256: two brackets, "aa@", and a domain of 251.
  std::string domain = label + "." + label + "." + label + ".";
  domain += std::string(kPathSizeMax - 5 - domain.size(), 'c');
  EXPECT_TRUE(parse_path("<aa@" + domain + ">", kForwardPathRules));
  EXPECT_EQ(fault_of("<aaa@" + domain + ">"), AddressFault::path_too_long);

  const std::string long_domain = domain + "." + label;
  EXPECT_EQ(fault_of("<a@" + long_domain + ">"), AddressFault::domain_too_long);
}

TEST(Address, splits_a_canonical_address_at_its_last_at) {
  EXPECT_EQ(split_address("a@b.example").local_part, "a");
  EXPECT_EQ(split_address("\"x@y\"@b.example").domain, "b.example");
  EXPECT_EQ(split_address("\"x@y\"").domain, "");
  EXPECT_EQ(split_address("root").local_part, "root");
}

TEST(Address, splits_an_extension_at_the_first_delimiter) {
  const LocalPartExtension split = split_extension("user+news-x", "+-");
  EXPECT_EQ(split.user, "user");
  EXPECT_EQ(split.extension, "news-x");
  EXPECT_EQ(split.delimiter, '+');
  EXPECT_EQ(split_extension("+user", "+").user, "+user");
  EXPECT_EQ(split_extension("user", "+").delimiter, 0);
  EXPECT_EQ(split_extension("user+x", "").user, "user+x");
}

TEST(Address, knows_a_request_to_route_on) {
  for (const char* local : {"user%host", "host!user", "\"user@host\"", "\"user%host\"", "a%b%c"})
    EXPECT_TRUE(looks_like_relay_route(local)) << local;
  for (const char* local : {"user", "user+tag", "first.last", "\"first last\""})
    EXPECT_FALSE(looks_like_relay_route(local)) << local;
}

TEST(Address, knows_utf8) {
  for (const char* text : {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text :
       {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace ringpost::mail
