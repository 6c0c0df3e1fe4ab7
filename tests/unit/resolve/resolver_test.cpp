#include <gtest/gtest.h>

#include "ringpost/resolve/limits.hpp"

#include "resolve/cache.hpp"
#include "unit/resolve/harness.hpp"

namespace ringpost::resolve {
namespace {

using dns::Status;
using dns::Type;
using std::chrono::seconds;

TEST(Resolver, asks_once_and_keeps_the_answer_for_its_ttl) {
  ScriptedWorld world;
  world.upstream->add("a.x 60 A 192.0.2.1");
  const dns::Answer first = world.ask("a.x", Type::a);
  EXPECT_EQ(first.status, Status::ok);
  EXPECT_EQ(first.records, (std::vector<dns::Data>{IpAddress::ipv4(192, 0, 2, 1)}));
  EXPECT_EQ(first.ttl, seconds(60));
  world.pass(seconds(59));
  EXPECT_EQ(world.ask("A.X", Type::a).ttl, seconds(1));
  EXPECT_EQ(world.upstream->asked(), 1U);
  world.pass(seconds(1));
  EXPECT_EQ(world.ask("a.x", Type::a).ttl, seconds(60));
  EXPECT_EQ(world.upstream->asked(), 2U);
  EXPECT_EQ(world.figure("resolve_cache_hits"), 1U);
  EXPECT_EQ(world.figure("resolve_answers_found"), 2U);
}

TEST(Resolver, keeps_negative_answers_for_the_time_of_their_soa) {
  ScriptedWorld world;
  world.upstream->add("a.x 60 A 192.0.2.1");
  EXPECT_EQ(world.ask("gone.x", Type::mx).status, Status::nxdomain);
  EXPECT_EQ(world.ask("a.x", Type::mx).status, Status::nodata);
  world.pass(seconds(dns::Zone::kNegativeTtl - 1));
  EXPECT_EQ(world.ask("gone.x", Type::mx).status, Status::nxdomain);
  EXPECT_EQ(world.ask("a.x", Type::mx).status, Status::nodata);
  EXPECT_EQ(world.upstream->asked(), 2U);
  world.pass(seconds(1));
  EXPECT_EQ(world.ask("gone.x", Type::mx).status, Status::nxdomain);
  EXPECT_EQ(world.upstream->asked(), 3U);
  EXPECT_EQ(world.figure("resolve_answers_negative"), 3U);
}

TEST(Resolver, keeps_a_failure_for_seconds_only) {
  ScriptedWorld world;
  const dns::Question question{name("a.x"), Type::a};
  for (const Status status : {Status::servfail, Status::timeout, Status::refused}) {
    world.upstream->fail(question, status);
    const std::size_t before = world.upstream->asked();
    EXPECT_EQ(world.ask("a.x", Type::a).status, status);
    world.pass(kFailureTtl - std::chrono::milliseconds(1));
    EXPECT_EQ(world.ask("a.x", Type::a).status, status);
    EXPECT_EQ(world.upstream->asked(), before + 1);
    world.pass(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(world.figure("resolve_answers_failed"), 3U);
}

TEST(KeptFor, keeps_ttls_within_their_bounds) {
  const auto kept = [](Status status, Duration ttl) { return kept_for({.status = status, .ttl = ttl}); };
  EXPECT_EQ(kept(Status::ok, seconds(0)), kTtlMin);
  EXPECT_EQ(kept(Status::ok, kTtlMin + seconds(1)), kTtlMin + seconds(1));
  EXPECT_EQ(kept(Status::ok, kTtlMax), kTtlMax);
  EXPECT_EQ(kept(Status::ok, kTtlMax + seconds(1)), kTtlMax);
  EXPECT_EQ(kept(Status::nxdomain, seconds(0)), kTtlMin);
  EXPECT_EQ(kept(Status::nodata, kNegativeTtlMax + seconds(1)), kNegativeTtlMax);
  EXPECT_EQ(kept(Status::timeout, seconds(77)), kFailureTtl);
}

TEST(Resolver, sends_one_question_for_all_who_ask_it) {
  ScriptedWorld world;
  world.upstream->add("a.x 60 A 192.0.2.1");
  world.upstream->set_delay(seconds(1));
  std::vector<std::optional<dns::Answer>> answers(100);
  for (auto& answer : answers)
    world.core.spawn(store(world.resolver->ask({name("a.x"), Type::a}, world.soon()), &answer));
  EXPECT_EQ(world.upstream->asked(), 1U);
  EXPECT_EQ(world.figure("resolve_questions_in_flight"), 1U);
  world.pass(seconds(2));
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->records.size(), 1U);
  }
  EXPECT_EQ(world.upstream->asked(), 1U);
  EXPECT_EQ(world.figure("resolve_questions_shared"), 99U);
  EXPECT_EQ(world.figure("resolve_questions_in_flight"), 0U);
}

TEST(Resolver, ends_each_wait_at_its_own_deadline_and_keeps_the_late_answer) {
  ScriptedWorld world;
  world.upstream->add("a.x 60 A 192.0.2.1");
  world.upstream->set_delay(seconds(3));
  std::optional<dns::Answer> hasty;
  std::optional<dns::Answer> patient;
  world.core.spawn(store(world.resolver->ask({name("a.x"), Type::a}, world.soon(seconds(1))), &hasty));
  world.core.spawn(store(world.resolver->ask({name("a.x"), Type::a}, world.soon(seconds(9))), &patient));
  world.pass(seconds(2));
  ASSERT_TRUE(hasty.has_value());
  EXPECT_EQ(hasty->status, Status::timeout);
  EXPECT_FALSE(patient.has_value());
  world.pass(seconds(2));
  ASSERT_TRUE(patient.has_value());
  EXPECT_EQ(patient->status, Status::ok);
  EXPECT_EQ(world.ask("a.x", Type::a).status, Status::ok);
  EXPECT_EQ(world.upstream->asked(), 1U);
  EXPECT_EQ(world.figure("resolve_deadlines_passed"), 1U);
}

TEST(Resolver, answers_a_question_that_everybody_gave_up) {
  ScriptedWorld world({}, 1_B);  // a cache that keeps nothing: nobody holds the entry but the question itself
  world.upstream->add("a.x 60 A 192.0.2.1");
  world.upstream->set_delay(seconds(3));
  const auto answer = run(world.core, world.resolver->ask({name("a.x"), Type::a}, world.soon(seconds(1))));
  EXPECT_EQ(answer.status, Status::timeout);
  world.pass(seconds(3));
  EXPECT_EQ(world.figure("resolve_answers_found"), 1U);
  EXPECT_EQ(world.figure("resolve_cache_bytes"), 0U);
}

TEST(Resolver, calls_an_unreadable_response_a_server_failure) {
  ScriptedWorld world;
  world.upstream->answer_with({name("a.x"), Type::a}, {std::byte{1}, std::byte{2}});
  EXPECT_EQ(world.ask("a.x", Type::a).status, Status::servfail);
  const dns::Message other{.query = {.question = {name("b.x"), Type::a}}};
  world.upstream->answer_with({name("c.x"), Type::a}, other.encode(512));
  EXPECT_EQ(world.ask("c.x", Type::a).status, Status::servfail);
}

TEST(Resolver, drops_what_was_used_longest_ago_when_the_cache_is_full) {
  ScriptedWorld world({}, Bytes{2800});
  for (const char* line : {"a.x A 192.0.2.1", "b.x A 192.0.2.2", "c.x A 192.0.2.3", "*.w A 192.0.2.4"})
    world.upstream->add(line);
  world.ask("a.x", Type::a);
  const std::uint64_t one = world.figure("resolve_cache_bytes");
  ASSERT_LE(4 * one, 2800U) << "the test wants room for four";
  ASSERT_GT(8 * one, 2800U);
  const std::size_t room = 2800 / one;
  for (std::size_t i = 1; i < room; ++i)
    world.ask(std::string(1, static_cast<char>('0' + i)) + ".w", Type::a);
  EXPECT_EQ(world.figure("resolve_cache_evictions"), 0U);
  world.ask("a.x", Type::a);  // used again, so it stays
  const std::size_t asked = world.upstream->asked();
  world.ask("b.x", Type::a);
  EXPECT_EQ(world.figure("resolve_cache_evictions"), 1U);
  world.ask("a.x", Type::a);
  EXPECT_EQ(world.upstream->asked(), asked + 1) << "a.x was kept";
  world.ask("1.w", Type::a);
  EXPECT_EQ(world.upstream->asked(), asked + 2) << "1.w was dropped";
  EXPECT_LE(world.figure("resolve_cache_bytes"), 2800U);
}

TEST(Resolver, hands_on_an_answer_that_is_too_big_to_keep) {
  ScriptedWorld world({}, Bytes{900});
  world.upstream->add("a.x TXT " + std::string(250, 't'));
  world.upstream->add("a.x TXT " + std::string(249, 't'));
  world.upstream->add("a.x TXT " + std::string(248, 't'));
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(world.ask("a.x", Type::txt).records.size(), 3U);
    EXPECT_EQ(world.upstream->asked(), static_cast<std::size_t>(i));
  }
  EXPECT_EQ(world.figure("resolve_cache_bytes"), 0U);
}

TEST(Resolver, bounds_the_questions_under_way) {
  ScriptedWorld world({}, 64_MiB);
  world.upstream->add("*.x 60 A 192.0.2.1");
  world.upstream->set_delay(seconds(5));
  std::vector<std::optional<dns::Answer>> answers(kInFlightMax + 1);
  for (std::size_t i = 0; i < answers.size(); ++i)
    world.core.spawn(
        store(world.resolver->ask({name(std::to_string(i) + ".x"), Type::a}, world.soon()), &answers[i]));
  EXPECT_FALSE(answers[kInFlightMax - 1].has_value());
  ASSERT_TRUE(answers[kInFlightMax].has_value());
  EXPECT_EQ(answers[kInFlightMax]->status, Status::servfail);
  EXPECT_EQ(world.figure("resolve_questions_refused"), 1U);
  world.pass(seconds(6));
  EXPECT_EQ(answers[kInFlightMax - 1]->status, Status::ok);
  EXPECT_EQ(world.ask("late.x", Type::a).status, Status::ok);
}

TEST(Resolver, answers_hosts_and_localhost_without_a_question) {
  ScriptedWorld world({}, 1_MiB, "192.0.2.7 box box.lan\n2001:db8::7 box\n");
  EXPECT_EQ(world.ask("box.lan", Type::a).records, (std::vector<dns::Data>{IpAddress::ipv4(192, 0, 2, 7)}));
  EXPECT_EQ(world.ask("box.lan", Type::aaaa).status, Status::nodata);
  EXPECT_EQ(world.ask("BOX", Type::aaaa).records, (std::vector<dns::Data>{*parse_address("2001:db8::7")}));
  EXPECT_EQ(world.ask("localhost", Type::a).records, (std::vector<dns::Data>{IpAddress::loopback()}));
  EXPECT_EQ(world.upstream->asked(), 0U);
  EXPECT_EQ(world.ask("box", Type::txt).status, Status::nxdomain) << "other types are for DNS";
}

TEST(Resolver, ends_every_wait_when_it_stops) {
  ScriptedWorld world;
  world.upstream->stay_silent({name("a.x"), Type::a});
  std::optional<dns::Answer> waiting;
  world.core.spawn(store(world.resolver->ask({name("a.x"), Type::a}, Instant::never()), &waiting));
  run(world.core, world.resolver->stop());
  world.core.turn(world.core.now());
  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(waiting->status, Status::servfail);
  EXPECT_EQ(world.ask("b.x", Type::a).status, Status::servfail);
  EXPECT_EQ(world.upstream->asked({name("b.x"), Type::a}), 0U);
}

TEST(Resolver, ends_every_wait_at_once_when_it_is_aborted) {
  ScriptedWorld world;
  world.upstream->stay_silent({name("a.x"), Type::a});
  std::optional<dns::Answer> waiting;
  world.core.spawn(store(world.resolver->ask({name("a.x"), Type::a}, Instant::never()), &waiting));
  world.resolver->abort();
  world.core.turn(world.core.now());
  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(waiting->status, Status::servfail);
  EXPECT_EQ(world.ask("b.x", Type::a).status, Status::servfail);
  run(world.core, world.resolver->stop());
}

TEST(Hosts, skips_comments_and_what_it_cannot_read) {
  const Hosts hosts = Hosts::parse(
      "# 192.0.2.9 never\n"
      "\n"
      "192.0.2.1\tone  two # three\r\n"
      "192.0.2.2 one\n"
      "192.0.2.1 one\n"
      "300.0.2.1 bad\n"
      "192.0.2.3\n"
      "192.0.2.4 \xff\xfe good\n"
      "192.0.2.5 last");
  EXPECT_EQ(hosts.find(name("one"), IpVersion::ipv4).records,
            (std::vector<dns::Data>{IpAddress::ipv4(192, 0, 2, 1), IpAddress::ipv4(192, 0, 2, 2)}));
  EXPECT_TRUE(hosts.knows(name("two")));
  EXPECT_TRUE(hosts.knows(name("good")));
  EXPECT_TRUE(hosts.knows(name("last")));
  for (const std::string_view unknown : {"never", "three", "bad"}) EXPECT_FALSE(hosts.knows(name(unknown)));
}

TEST(Hosts, knows_localhost_and_what_lies_below_but_lets_the_file_decide) {
  const Hosts none = Hosts::parse("");
  EXPECT_EQ(none.find(name("a.LOCALHOST"), IpVersion::ipv6).records,
            (std::vector<dns::Data>{IpAddress::loopback(IpVersion::ipv6)}));
  EXPECT_FALSE(none.knows(name("notlocalhost")));
  EXPECT_FALSE(none.knows(name("localhost.example.com")));
  const Hosts file = Hosts::parse("127.0.0.5 localhost\n");
  EXPECT_EQ(file.find(name("localhost"), IpVersion::ipv4).records,
            (std::vector<dns::Data>{IpAddress::ipv4(127, 0, 0, 5)}));
}

TEST(Hosts, keeps_its_bounds_on_names_and_addresses) {
  std::string text;
  for (std::size_t i = 0; i <= kHostsNamesMax; ++i) text += "192.0.2.1 n" + std::to_string(i) + "\n";
  for (std::size_t i = 0; i <= kHostAddressesMax; ++i) text += "192.0.3." + std::to_string(i) + " n0\n";
  const Hosts hosts = Hosts::parse(text);
  EXPECT_TRUE(hosts.knows(name("n" + std::to_string(kHostsNamesMax - 1))));
  EXPECT_FALSE(hosts.knows(name("n" + std::to_string(kHostsNamesMax))));
  EXPECT_EQ(hosts.find(name("n0"), IpVersion::ipv4).records.size(), kHostAddressesMax);
}

}  // namespace
}  // namespace ringpost::resolve
