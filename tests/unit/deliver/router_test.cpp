#include "ringpost/deliver/router.hpp"

#include <gtest/gtest.h>

namespace ringpost::deliver {
namespace {

Router make(const Named<RouteOptions>& routes) {
  auto router = Router::make(routes, {}, [](std::string_view domain) { return domain == "home.test"; });
  EXPECT_TRUE(router) << router.error().text;
  return std::move(*router);
}

RouteOptions to(std::string domain, std::string via) {
  return {.match = {std::move(domain)}, .via = std::move(via)};
}

TEST(RouterTest, the_most_specific_match_wins) {
  const Router router = make({{"a", to("*", "smtp:any.test")},
                              {"b", to(".example.com", "smtp:below.test")},
                              {"c", to(".deep.example.com", "smtp:deep.test")},
                              {"d", to("mail.deep.example.com", "smtp:exact.test")}});
  EXPECT_EQ(router.find("mail.deep.example.com").host, "exact.test");
  EXPECT_EQ(router.find("other.deep.example.com").host, "deep.test");
  EXPECT_EQ(router.find("www.example.com").host, "below.test");
  EXPECT_EQ(router.find("example.com").host, "any.test");
  EXPECT_EQ(router.find("notexample.com").host, "any.test");
}

TEST(RouterTest, local_domains_go_to_mailboxes_unless_a_route_names_them) {
  EXPECT_EQ(make({{"a", to("*", "smtp:any.test")}}).find("home.test").via, Via::mailbox);
  EXPECT_EQ(make({{"a", to("home.test", "lmtp:box.test:24")}}).find("home.test").via, Via::lmtp);
  EXPECT_EQ(make({}).find("").via, Via::mailbox);
}

TEST(RouterTest, without_any_route_mail_goes_by_mx) {
  const Router router = make({});
  EXPECT_EQ(router.find("example.com").via, Via::mx);
  EXPECT_EQ(router.find("example.com").key("example.com"), "example.com");
}

TEST(RouterTest, servers_are_read_with_their_ports) {
  EXPECT_EQ(parse_via("smtp:relay.test")->key(""), "smtp:relay.test:25");
  EXPECT_EQ(parse_via("smtp:relay.test:587")->port, 587);
  EXPECT_EQ(parse_via("smtp:[2001:db8::1]:2525")->host, "2001:db8::1");
  EXPECT_EQ(parse_via("smtp:[2001:db8::1]:2525")->port, 2525);
  EXPECT_EQ(parse_via("smtp:[2001:db8::1]")->port, 25);
  EXPECT_EQ(parse_via("lmtp:127.0.0.1:24")->via, Via::lmtp);
}

TEST(RouterTest, what_is_no_way_is_refused) {
  for (const char* via : {"", "mx ", "smtp:", "smtp:2001:db8::1", "smtp:host:0", "smtp:host:65536",
                          "smtp:host:x", "smtp:[::1", "smtp:[::1]x", "lmtp:host", "uucp:host"})
    EXPECT_FALSE(parse_via(via)) << via;
}

TEST(RouterTest, two_routes_for_the_same_domain_are_a_conflict) {
  const Named<RouteOptions> routes{{"one", to("Example.com", "mx")}, {"two", to("example.COM", "discard")}};
  const auto conflicts = find_conflicts(routes);
  ASSERT_EQ(conflicts.size(), 1U);
  EXPECT_EQ(conflicts[0].first, "one");
  EXPECT_EQ(conflicts[0].second, "two");
  EXPECT_FALSE(Router::make(routes, {}, {}));
}

TEST(RouterTest, matches_are_domains_suffixes_or_a_star) {
  EXPECT_TRUE(check_match("example.com"));
  EXPECT_TRUE(check_match(".example.com"));
  EXPECT_TRUE(check_match("*"));
  EXPECT_TRUE(check_match("bücher.example"));
  EXPECT_FALSE(check_match("*.example.com"));
  EXPECT_FALSE(check_match(""));
  EXPECT_FALSE(check_match("exa mple"));
}

}  // namespace
}  // namespace ringpost::deliver
