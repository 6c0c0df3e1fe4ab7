#include "played_domains.hpp"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

PlayedDomains played(std::string_view zone = {}) {
  SinkOptions sink;
  DnsOptions& options = sink.dns;
  options.domains = {"example.org", "*.bulk.test"};
  options.addresses = {IpAddress::loopback(), IpAddress::loopback(IpVersion::ipv6)};
  options.ttl = 5;
  auto made = PlayedDomains::make(sink, zone);
  EXPECT_TRUE(made) << made.error().text;
  return std::move(*made);
}

dns::Message ask(const PlayedDomains& domains, std::string_view name, dns::Type type) {
  return domains.respond({.question = {.name = *dns::Name::parse(name), .type = type}});
}

TEST(PlayedDomains, each_domain_has_an_exchanger_of_its_own) {
  const PlayedDomains domains = played();
  for (const std::string name : {"example.org", "d1.bulk.test", "d2.bulk.test"}) {
    const dns::Message mx = ask(domains, name, dns::Type::mx);
    ASSERT_EQ(mx.answers.size(), 1U) << name;
    EXPECT_EQ(std::get<dns::Mx>(mx.answers[0].data).exchange.to_string(), "mx." + name);
    EXPECT_EQ(mx.answers[0].ttl, 5U);
    const dns::Message a = ask(domains, "mx." + name, dns::Type::a);
    ASSERT_EQ(a.answers.size(), 1U);
    EXPECT_EQ(std::get<IpAddress>(a.answers[0].data), IpAddress::loopback());
    EXPECT_EQ(ask(domains, "mx." + name, dns::Type::aaaa).answers.size(), 1U);
    EXPECT_EQ(ask(domains, name, dns::Type::txt).answers.size(), 1U);
  }
}

TEST(PlayedDomains, other_names_do_not_exist) {
  const PlayedDomains domains = played();
  for (const std::string_view name :
       {"example.com", "bulk.test", "a.b.bulk.test", "www.example.org", "mx.example.com", "."}) {
    const dns::Message answer = ask(domains, name, dns::Type::mx);
    EXPECT_EQ(answer.rcode, dns::Rcode::nxdomain) << name;
    EXPECT_TRUE(answer.answers.empty());
    EXPECT_FALSE(answer.authority.empty());
  }
}

TEST(PlayedDomains, a_name_without_that_type_has_no_data) {
  const dns::Message answer = ask(played(), "mx.example.org", dns::Type::txt);
  EXPECT_EQ(answer.rcode, dns::Rcode::ok);
  EXPECT_TRUE(answer.answers.empty());
  EXPECT_EQ(answer.authority.size(), 1U);
}

TEST(PlayedDomains, records_of_the_zone_file_go_first) {
  const PlayedDomains domains =
      played("; comment\n\nexample.org. 60 MX 5 other.test.\r\nother.test. A 192.0.2.7\n");
  const dns::Message mx = ask(domains, "example.org", dns::Type::mx);
  ASSERT_EQ(mx.answers.size(), 1U);
  EXPECT_EQ(std::get<dns::Mx>(mx.answers[0].data).exchange.to_string(), "other.test");
  EXPECT_EQ(ask(domains, "other.test", dns::Type::a).answers.size(), 1U);
}

TEST(PlayedDomains, a_bad_line_is_named) {
  const auto made = PlayedDomains::make({}, "a.test. A 192.0.2.1\nnonsense\n");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().text.find("line 2"), std::string::npos) << made.error().text;
  SinkOptions sink;
  DnsOptions& options = sink.dns;
  options.domains = {"a..b"};
  EXPECT_FALSE(PlayedDomains::make(sink, ""));
}

}  // namespace
}  // namespace ringpost::loadgen
