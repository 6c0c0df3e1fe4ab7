#include "ringpost/dns/zone.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace ringpost::dns {
namespace {

using std::chrono::seconds;

Name name(std::string_view text) {
  return *Name::parse(text);
}

Answer ask(const Zone& zone, std::string_view owner, Type type) {
  const Question question{name(owner), type};
  const auto message = zone.respond({.id = 1, .question = question}).encode(kMessageBytesMax);
  const auto answer = parse_message(message, question);
  EXPECT_TRUE(answer.has_value());
  return answer ? *answer : Answer{};
}

Zone zone_of(std::initializer_list<std::string_view> lines) {
  Zone zone;
  for (const std::string_view line : lines) EXPECT_TRUE(zone.add(line)) << line;
  return zone;
}

TEST(ParseRecord, reads_each_type_that_we_know) {
  EXPECT_EQ(*parse_record("Example.com. 300 IN MX 10 MX.example.com."),
            (Record{name("example.com"), Type::mx, 300, Mx{10, name("mx.example.com")}}));
  EXPECT_EQ(*parse_record("example.com A 192.0.2.1"),
            (Record{name("example.com"), Type::a, 3600, IpAddress::ipv4(192, 0, 2, 1)}));
  EXPECT_EQ(parse_record("x 5 AAAA 2001:db8::1")->data, Data(*parse_address("2001:db8::1")));
  EXPECT_EQ(parse_record("x 5 TXT \"v=spf1 \" \"-all\"")->data, Data(Txt{"v=spf1 -all"}));
  EXPECT_EQ(parse_record("x 5 CNAME y")->data, Data(Target{name("y")}));
  EXPECT_EQ(parse_record("x 5 MX 0 .")->data, Data(Mx{0, Name()}));
}

TEST(ParseRecord, refuses_what_is_none) {
  for (const std::string_view line : {"", "x", "x MX", "x 5 A 192.0.2", "x 5 HINFO a b", "x 5 A"}) {
    const auto record = parse_record(line);
    ASSERT_FALSE(record) << line;
    EXPECT_EQ(record.error().kind, ErrorKind::permanent);
  }
}

TEST(Zone, answers_with_all_records_of_the_type) {
  const Zone zone = zone_of({"x 300 MX 10 a.x", "x 100 MX 20 b.x", "x 5 TXT other"});
  const Answer answer = ask(zone, "x", Type::mx);
  EXPECT_EQ(answer.records, (std::vector<Data>{Mx{10, name("a.x")}, Mx{20, name("b.x")}}));
  EXPECT_EQ(answer.ttl, seconds(100));
}

TEST(Zone, follows_aliases_and_reports_where_they_end) {
  const Zone zone =
      zone_of({"www.x 9 CNAME b.x", "b.x 5 A 192.0.2.1", "lost.x CNAME gone.x", "a.x CNAME a.x"});
  EXPECT_EQ(ask(zone, "www.x", Type::a).canonical, name("b.x"));
  EXPECT_EQ(ask(zone, "www.x", Type::aaaa).status, Status::nodata);
  EXPECT_EQ(ask(zone, "lost.x", Type::a).status, Status::nxdomain);
  EXPECT_EQ(ask(zone, "a.x", Type::a).status, Status::servfail);
}

TEST(Zone, tells_a_name_without_the_type_from_one_that_does_not_exist) {
  const Zone zone = zone_of({"mx.deep.x 9 A 192.0.2.1"});
  EXPECT_EQ(ask(zone, "mx.deep.x", Type::mx).status, Status::nodata);
  EXPECT_EQ(ask(zone, "deep.x", Type::a).status, Status::nodata) << "there is something below it";
  const Answer missing = ask(zone, "other.x", Type::a);
  EXPECT_EQ(missing.status, Status::nxdomain);
  EXPECT_EQ(missing.ttl, seconds(Zone::kNegativeTtl));
}

TEST(Zone, lets_a_star_answer_for_names_that_have_nothing) {
  const Zone zone =
      zone_of({"*.test 9 MX 10 sink.test", "sink.test 9 A 127.0.0.1", "mx.own.test A 192.0.2.1"});
  EXPECT_EQ(ask(zone, "d1.test", Type::mx).records.size(), 1U);
  EXPECT_EQ(ask(zone, "a.b.test", Type::mx).canonical, name("a.b.test"));
  EXPECT_EQ(ask(zone, "a.b.test", Type::mx).records.size(), 1U);
  EXPECT_EQ(ask(zone, "d1.test", Type::txt).status, Status::nodata);
  EXPECT_EQ(ask(zone, "sink.test", Type::mx).status, Status::nodata);
  EXPECT_EQ(ask(zone, "own.test", Type::mx).status, Status::nodata) << "own.test exists, without a record";
  EXPECT_EQ(ask(zone, "x.own.test", Type::mx).status, Status::nxdomain)
      << "the star does not reach past own.test";
}

}  // namespace
}  // namespace ringpost::dns
