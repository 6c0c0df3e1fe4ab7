#include "ringpost/dns/mx.hpp"

#include <set>

#include <gtest/gtest.h>

#include "ringpost/dns/limits.hpp"

namespace ringpost::dns {
namespace {

Name name(std::string_view text) {
  return *Name::parse(text);
}
const Name kDomain = name("example.com");

Answer mx_answer(std::initializer_list<std::pair<std::uint16_t, std::string_view>> hosts) {
  Answer answer{.status = Status::ok, .canonical = kDomain};
  for (const auto& [preference, host] : hosts) answer.records.emplace_back(Mx{preference, name(host)});
  return answer;
}

std::vector<std::string> names(const std::expected<std::vector<MxHost>, MxRefusal>& hosts) {
  std::vector<std::string> result;
  if (hosts)
    for (const MxHost& host : *hosts) result.push_back(host.name.to_string());
  return result;
}

using Names = std::vector<std::string>;

TEST(OrderMx, puts_the_least_preference_first) {
  const auto hosts =
      order_mx(kDomain, mx_answer({{20, "c.x"}, {0, "a.x"}, {65535, "d.x"}, {10, "b.x"}}), {}, 1);
  EXPECT_EQ(names(hosts), (Names{"a.x", "b.x", "c.x", "d.x"}));
  EXPECT_EQ((*hosts)[1].preference, 10);
  EXPECT_FALSE((*hosts)[0].implicit);
}

TEST(OrderMx, shuffles_equals_by_the_random_number_and_never_across_preferences) {
  std::set<Names> orders;
  for (std::uint64_t random = 0; random < 200; ++random) {
    const auto order =
        names(order_mx(kDomain, mx_answer({{5, "a.x"}, {5, "b.x"}, {5, "c.x"}, {9, "z.x"}}), {}, random));
    ASSERT_EQ(order.size(), 4U);
    EXPECT_EQ(order.back(), "z.x");
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6U);
  const auto again = [] {
    return names(order_mx(kDomain, mx_answer({{5, "a.x"}, {5, "b.x"}, {5, "c.x"}}), {}, 7));
  };
  EXPECT_EQ(again(), again());
}

TEST(OrderMx, takes_the_domain_itself_when_it_has_no_mx) {
  const auto hosts = order_mx(kDomain, {.status = Status::nodata}, {}, 1);
  ASSERT_TRUE(hosts);
  EXPECT_EQ(*hosts, (std::vector<MxHost>{{.name = kDomain, .preference = 0, .implicit = true}}));
}

TEST(OrderMx, refuses_a_null_mx_for_good) {
  const auto hosts = order_mx(kDomain, mx_answer({{0, "."}}), {}, 1);
  ASSERT_FALSE(hosts);
  EXPECT_EQ(hosts.error().kind, ErrorKind::permanent);
  EXPECT_EQ(hosts.error().status, "5.1.10");
  EXPECT_EQ(hosts.error().text, "the domain example.com accepts no mail (null MX)");
}

TEST(OrderMx, ignores_a_dot_beside_real_exchangers) {
  EXPECT_EQ(names(order_mx(kDomain, mx_answer({{0, "."}, {10, "a.x"}}), {}, 1)), (Names{"a.x"}));
}

TEST(OrderMx, refuses_a_domain_that_does_not_exist_for_good) {
  const auto hosts = order_mx(kDomain, {.status = Status::nxdomain}, {}, 1);
  ASSERT_FALSE(hosts);
  EXPECT_EQ(hosts.error().kind, ErrorKind::permanent);
  EXPECT_EQ(hosts.error().status, "5.1.2");
}

TEST(OrderMx, defers_while_dns_fails) {
  for (const Status status : {Status::servfail, Status::timeout, Status::refused}) {
    const auto hosts = order_mx(kDomain, Answer::failure(status), {}, 1);
    ASSERT_FALSE(hosts);
    EXPECT_EQ(hosts.error().kind, ErrorKind::temporary);
    EXPECT_EQ(hosts.error().status, "4.4.3");
  }
}

TEST(OrderMx, leaves_out_ourselves_and_all_that_are_not_more_preferred) {
  const std::vector<Name> own = {name("me.x")};
  const auto hosts = order_mx(
      kDomain, mx_answer({{10, "a.x"}, {20, "ME.x"}, {20, "b.x"}, {30, "c.x"}, {19, "d.x"}}), own, 1);
  EXPECT_EQ(names(hosts), (Names{"a.x", "d.x"}));
}

TEST(OrderMx, reports_a_loop_when_we_are_most_preferred) {
  const std::vector<Name> own = {name("other.x"), name("me.x")};
  const auto hosts = order_mx(kDomain, mx_answer({{10, "me.x"}, {10, "a.x"}, {20, "b.x"}}), own, 1);
  ASSERT_FALSE(hosts);
  EXPECT_EQ(hosts.error().kind, ErrorKind::permanent);
  EXPECT_EQ(hosts.error().status, "5.4.6");
  EXPECT_EQ(hosts.error().text, "mail for example.com loops back to myself");
  const std::vector<Name> domain_itself = {kDomain};
  EXPECT_FALSE(order_mx(kDomain, {.status = Status::nodata}, domain_itself, 1))
      << "an implicit MX loops as well";
}

TEST(OrderMx, counts_the_better_place_of_a_host_listed_twice) {
  const auto hosts = order_mx(kDomain, mx_answer({{20, "a.x"}, {10, "b.x"}, {5, "a.x"}}), {}, 1);
  EXPECT_EQ(names(hosts), (Names{"a.x", "b.x"}));
  EXPECT_EQ((*hosts)[0].preference, 5);
}

TEST(OrderMx, keeps_the_most_preferred_of_too_many) {
  for (const std::size_t count : {kMxHostsMax, kMxHostsMax + 1}) {
    Answer answer{.status = Status::ok, .canonical = kDomain};
    for (std::size_t i = count; i-- > 0;)
      answer.records.emplace_back(Mx{static_cast<std::uint16_t>(i), name("h" + std::to_string(i) + ".x")});
    const auto hosts = order_mx(kDomain, answer, {}, 1);
    ASSERT_TRUE(hosts);
    EXPECT_EQ(hosts->size(), kMxHostsMax);
    EXPECT_EQ(hosts->front().name, name("h0.x"));
    EXPECT_EQ(hosts->back().preference, kMxHostsMax - 1);
  }
}

TEST(CutFrom, keeps_only_what_is_more_preferred) {
  std::vector<MxHost> hosts = {{name("a.x"), 1}, {name("b.x"), 2}, {name("c.x"), 2}, {name("d.x"), 3}};
  cut_from(hosts, 2);
  ASSERT_EQ(hosts.size(), 1U);
  EXPECT_EQ(hosts[0].name, name("a.x"));
}

}  // namespace
}  // namespace ringpost::dns
