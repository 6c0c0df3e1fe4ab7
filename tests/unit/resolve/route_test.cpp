#include <gtest/gtest.h>

#include "ringpost/resolve/limits.hpp"

#include "unit/resolve/harness.hpp"

namespace ringpost::resolve {
namespace {

using dns::Status;
using dns::Type;

Endpoint at(std::string_view address, std::uint16_t port = 25) {
  return {*parse_address(address), port};
}

void expect_refused(const Route& route, ErrorKind kind, std::string_view status) {
  EXPECT_TRUE(route.hosts.empty());
  ASSERT_TRUE(route.refusal.has_value());
  EXPECT_EQ(route.refusal->kind, kind) << route.refusal->text;
  EXPECT_EQ(route.refusal->status, status) << route.refusal->text;
}

std::vector<std::string> host_names(ScriptedWorld& world, Route& route) {
  std::vector<std::string> names;
  for (std::size_t i = 0; const MailHost* host = world.host(route, i); ++i) names.push_back(host->name);
  return names;
}

using Names = std::vector<std::string>;

TEST(ResolveMx, gives_hosts_in_order_with_the_addresses_of_both_versions) {
  ScriptedWorld world;
  for (const char* line : {"x MX 20 b.x", "x MX 10 a.x", "a.x A 192.0.2.1", "a.x A 192.0.2.2",
                           "a.x AAAA 2001:db8::1", "b.x A 192.0.2.3"})
    world.upstream->add(line);
  Route route = world.resolve_mx("X");
  EXPECT_FALSE(route.refusal.has_value());
  ASSERT_EQ(route.hosts.size(), 1U);
  EXPECT_EQ(route.hosts[0].name, "a.x");
  EXPECT_EQ(route.hosts[0].preference, 10);
  EXPECT_FALSE(route.hosts[0].implicit);
  EXPECT_EQ(route.hosts[0].endpoints, (std::vector{at("192.0.2.1"), at("192.0.2.2"), at("2001:db8::1")}));
  const MailHost* next = world.host(route, 1);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->endpoints, (std::vector{at("192.0.2.3")}));
  EXPECT_EQ(world.host(route, 2), nullptr);
  EXPECT_FALSE(route.refusal.has_value());
}

TEST(ResolveMx, looks_up_later_hosts_only_when_they_are_wanted) {
  ScriptedWorld world;
  for (const char* line : {"x MX 10 a.x", "x MX 20 b.x", "a.x A 192.0.2.1", "b.x A 192.0.2.2"})
    world.upstream->add(line);
  Route route = world.resolve_mx("x");
  EXPECT_EQ(world.upstream->asked({name("b.x"), Type::a}), 0U);
  world.host(route, 0);
  EXPECT_EQ(world.upstream->asked({name("b.x"), Type::a}), 0U);
  world.host(route, 1);
  EXPECT_EQ(world.upstream->asked({name("b.x"), Type::a}), 1U);
}

TEST(ResolveMx, asks_for_all_addresses_of_a_group_at_once) {
  ScriptedWorld world;
  for (const char* line : {"x MX 10 a.x", "x MX 10 b.x", "a.x A 192.0.2.1", "b.x A 192.0.2.2"})
    world.upstream->add(line);
  world.upstream->set_delay(std::chrono::seconds(1));
  const Instant before = world.core.now();
  Route route = world.resolve_mx("x");
  EXPECT_EQ(route.hosts.size(), 2U);
  EXPECT_LT(world.core.now() - before, std::chrono::milliseconds(2100))
      << "one wait for MX, one for four addresses";
}

TEST(ResolveMx, tries_the_versions_in_the_order_of_the_options) {
  ScriptedWorld world({.versions = {IpVersion::ipv6, IpVersion::ipv4}});
  for (const char* line : {"x MX 10 a.x", "a.x A 192.0.2.1", "a.x AAAA 2001:db8::1"})
    world.upstream->add(line);
  EXPECT_EQ(world.resolve_mx("x").hosts.at(0).endpoints, (std::vector{at("2001:db8::1"), at("192.0.2.1")}));
  ScriptedWorld only4({.versions = {IpVersion::ipv4}});
  for (const char* line : {"x MX 10 a.x", "a.x A 192.0.2.1", "a.x AAAA 2001:db8::1"})
    only4.upstream->add(line);
  EXPECT_EQ(only4.resolve_mx("x").hosts.at(0).endpoints, (std::vector{at("192.0.2.1")}));
  EXPECT_EQ(only4.upstream->asked({name("a.x"), Type::aaaa}), 0U);
}

TEST(ResolveMx, takes_the_domain_itself_when_it_has_no_mx) {
  ScriptedWorld world;
  world.upstream->add("x A 192.0.2.1");
  const Route route = run(world.core, world.resolver->resolve_mx("x", world.soon(), 2525));
  ASSERT_EQ(route.hosts.size(), 1U);
  EXPECT_EQ(route.hosts[0].name, "x");
  EXPECT_TRUE(route.hosts[0].implicit);
  EXPECT_EQ(route.hosts[0].endpoints, (std::vector{at("192.0.2.1", 2525)}));
}

TEST(ResolveMx, tolerates_an_exchanger_that_is_an_alias) {
  ScriptedWorld world;
  for (const char* line : {"x MX 10 a.x", "a.x CNAME b.x", "b.x A 192.0.2.1"}) world.upstream->add(line);
  EXPECT_EQ(world.resolve_mx("x").hosts.at(0).endpoints, (std::vector{at("192.0.2.1")}));
}

TEST(ResolveMx, bounces_what_can_never_arrive) {
  ScriptedWorld world;
  for (const char* line : {"null.x MX 0 .", "bare.x TXT t", "lame.x MX 10 gone.x"}) world.upstream->add(line);
  expect_refused(world.resolve_mx("null.x"), ErrorKind::permanent, "5.1.10");
  expect_refused(world.resolve_mx("gone.x"), ErrorKind::permanent, "5.1.2");
  expect_refused(world.resolve_mx("bare.x"), ErrorKind::permanent, "5.4.4");
  expect_refused(world.resolve_mx("lame.x"), ErrorKind::permanent, "5.4.4");
  for (const char* domain : {"", ".", "a..b", "[", "[]", "[192.0.2]", "[IPv6:x]"})
    expect_refused(world.resolve_mx(domain), ErrorKind::permanent, "5.1.2");
}

TEST(ResolveMx, defers_while_dns_fails) {
  ScriptedWorld world;
  for (const Status status : {Status::servfail, Status::timeout, Status::refused}) {
    world.upstream->fail({name("x"), Type::mx}, status);
    expect_refused(world.resolve_mx("x"), ErrorKind::temporary, "4.4.3");
    world.pass(kFailureTtl);
  }
  world.upstream->stay_silent({name("y"), Type::mx});
  expect_refused(world.resolve_mx("y"), ErrorKind::temporary, "4.4.3");
}

TEST(ResolveMx, defers_when_the_addresses_of_its_only_hosts_fail) {
  ScriptedWorld world;
  for (const char* line : {"x MX 10 a.x", "x MX 20 b.x"}) world.upstream->add(line);
  world.upstream->fail({name("a.x"), Type::a}, Status::servfail);
  // b.x does not exist, which alone would be for good.
  expect_refused(world.resolve_mx("x"), ErrorKind::temporary, "4.4.3");
}

TEST(ResolveMx, goes_on_to_the_next_host_when_one_has_no_address) {
  ScriptedWorld world;
  for (const char* line : {"x MX 10 gone.x", "x MX 20 b.x", "b.x A 192.0.2.2"}) world.upstream->add(line);
  Route route = world.resolve_mx("x");
  EXPECT_EQ(host_names(world, route), (Names{"b.x"}));
  EXPECT_FALSE(route.refusal.has_value());
}

TEST(ResolveMx, takes_address_literals) {
  ScriptedWorld world;
  EXPECT_EQ(world.resolve_mx("[192.0.2.1]").hosts.at(0).endpoints, (std::vector{at("192.0.2.1")}));
  EXPECT_EQ(world.resolve_mx("[IPv6:2001:db8::1]").hosts.at(0).endpoints, (std::vector{at("2001:db8::1")}));
  EXPECT_EQ(world.resolve_mx("[2001:db8::1]").hosts.at(0).name, "[2001:db8::1]");
  EXPECT_EQ(world.upstream->asked(), 0U);
  ScriptedWorld only4({.endpoints = {at("192.0.2.9")}, .versions = {IpVersion::ipv4}});
  expect_refused(only4.resolve_mx("[IPv6:2001:db8::1]"), ErrorKind::permanent, "5.4.4");
  expect_refused(only4.resolve_mx("[192.0.2.9]"), ErrorKind::permanent, "5.4.6");
}

TEST(ResolveMx, sees_its_own_name_in_the_list) {
  ScriptedWorld world({.names = {name("me.x")}});
  for (const char* line : {"x MX 10 a.x", "x MX 20 me.x", "x MX 30 c.x", "a.x A 192.0.2.1", "c.x A 192.0.2.3",
                           "y MX 5 me.x", "y MX 9 a.x"})
    world.upstream->add(line);
  Route route = world.resolve_mx("x");
  EXPECT_EQ(host_names(world, route), (Names{"a.x"}));
  expect_refused(world.resolve_mx("y"), ErrorKind::permanent, "5.4.6");
}

TEST(ResolveMx, sees_its_own_address_behind_another_name) {
  ScriptedWorld world({.endpoints = {at("192.0.2.9")}});
  for (const char* line :
       {"x MX 10 a.x", "x MX 20 b.x", "x MX 20 us.x", "x MX 30 c.x", "a.x A 192.0.2.1", "b.x A 192.0.2.2",
        "us.x A 192.0.2.9", "c.x A 192.0.2.3", "y MX 1 us.x", "y MX 2 c.x"})
    world.upstream->add(line);
  Route route = world.resolve_mx("x");
  EXPECT_EQ(host_names(world, route), (Names{"a.x"})) << "not b.x, which is no more preferred than we are";
  EXPECT_FALSE(route.refusal.has_value());
  expect_refused(world.resolve_mx("y"), ErrorKind::permanent, "5.4.6");
  // The same address with another port is another server.
  EXPECT_EQ(run(world.core, world.resolver->resolve_mx("y", world.soon(), 2525)).hosts.size(), 1U);
}

TEST(ResolveMx, takes_a_host_of_the_hosts_file_as_a_domain) {
  ScriptedWorld world({}, 1_MiB, "192.0.2.7 box.lan\n");
  EXPECT_EQ(world.resolve_mx("box.lan").hosts.at(0).endpoints, (std::vector{at("192.0.2.7")}));
  EXPECT_EQ(world.resolve_mx("localhost").hosts.at(0).endpoints, (std::vector{at("127.0.0.1"), at("::1")}));
}

TEST(ResolveMx, keeps_sixteen_addresses_of_a_host_and_version) {
  ScriptedWorld world;
  world.upstream->add("x MX 10 a.x");
  world.upstream->add("x MX 20 b.x");
  for (std::size_t i = 0; i <= kHostAddressesMax; ++i) {
    if (i < kHostAddressesMax) world.upstream->add("a.x A 192.0.2." + std::to_string(i));
    world.upstream->add("b.x A 192.0.2." + std::to_string(i));
  }
  world.upstream->add("b.x AAAA 2001:db8::1");
  Route route = world.resolve_mx("x");
  EXPECT_EQ(route.hosts.at(0).endpoints.size(), kHostAddressesMax);
  EXPECT_EQ(world.host(route, 1)->endpoints.size(), kHostAddressesMax + 1) << "with its one IPv6 address";
}

TEST(ResolveMx, says_what_a_validating_server_vouched_for) {
  ScriptedWorld world({.versions = {IpVersion::ipv4}});
  const auto vouch = [&](std::string_view owner, Type type, dns::Data data) {
    const dns::Message message{.query = {.question = {name(owner), type}},
                               .authentic = true,
                               .answers = {{name(owner), type, 60, std::move(data)}}};
    world.upstream->answer_with({name(owner), type}, message.encode(512));
  };
  vouch("x", Type::mx, dns::Mx{10, name("a.x")});
  vouch("a.x", Type::a, IpAddress::ipv4(192, 0, 2, 1));
  const Route route = world.resolve_mx("x");
  EXPECT_TRUE(route.authentic);
  EXPECT_TRUE(route.hosts.at(0).authentic);
  world.upstream->add("y MX 10 a.y");
  world.upstream->add("a.y A 192.0.2.1");
  const Route plain = world.resolve_mx("y");
  EXPECT_FALSE(plain.authentic);
  EXPECT_FALSE(plain.hosts.at(0).authentic);
}

TEST(ResolveHost, takes_the_addresses_without_an_mx) {
  ScriptedWorld world;
  for (const char* line : {"relay.x MX 10 a.x", "relay.x A 192.0.2.5"}) world.upstream->add(line);
  const Route route = run(world.core, world.resolver->resolve_host("relay.x", world.soon(), 587));
  EXPECT_EQ(route.hosts.at(0).endpoints, (std::vector{at("192.0.2.5", 587)}));
  EXPECT_EQ(world.upstream->asked({name("relay.x"), Type::mx}), 0U);
  const Route literal = run(world.core, world.resolver->resolve_host("[127.0.0.1]", world.soon(), 2525));
  EXPECT_EQ(literal.hosts.at(0).endpoints, (std::vector{at("127.0.0.1", 2525)}));
}

TEST(ResolveHost, defers_when_the_operators_host_cannot_be_found) {
  ScriptedWorld world;
  const auto resolve = [&](std::string host) {
    return run(world.core, world.resolver->resolve_host(std::move(host), world.soon()));
  };
  expect_refused(resolve("gone.x"), ErrorKind::temporary, "4.3.5");
  expect_refused(resolve("a..b"), ErrorKind::temporary, "4.3.5");
  expect_refused(resolve("[300.1.1.1]"), ErrorKind::temporary, "4.3.5");
  world.upstream->fail({name("down.x"), Type::a}, Status::servfail);
  expect_refused(resolve("down.x"), ErrorKind::temporary, "4.4.3");
}

}  // namespace
}  // namespace ringpost::resolve
