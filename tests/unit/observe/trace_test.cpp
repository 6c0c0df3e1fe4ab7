#include "ringpost/observe/trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/observe/trace_lines.hpp"

namespace ringpost::observe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Endpoint kPeer{*parse_address("192.0.2.7"), 4021};

struct World {
  // As in every session, the server speaks first.
  explicit World(TraceFilter filter = {}) : trace(1, std::move(filter)) {
    server("220\r\n");
    lines();
  }
  Trace trace;
  SessionTrace session{trace, {.core = 3, .peer = kPeer, .place = "mx"}};

  void client(std::string_view text) { session.said(Speaker::client, text, {}); }
  void server(std::string_view text) { session.said(Speaker::server, text, {}); }
  std::vector<std::string> lines() { return take_lines(trace); }
};

TEST(SessionTrace, makes_lines_of_whatever_pieces_come) {
  World world;
  for (const char c : std::string("220 mx\r\n250-a\r\n250 b\r\n")) world.server({&c, 1});
  world.client("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@exam");
  world.client("ple.org>\r\n");
  EXPECT_THAT(world.lines(),
              ElementsAre("server 220 mx", "server 250-a", "server 250 b", "client MAIL FROM:<a@example.com>",
                          "client RCPT TO:<b@example.org>"));
}

TEST(SessionTrace, names_the_session_its_peer_and_its_place) {
  World world;
  world.client("NOOP\r\n");
  std::vector<std::string> about;
  world.trace.ring().drain([&](const EventView& event) {
    for (const EventKey key : {EventKey::session, EventKey::peer, EventKey::listener})
      about.emplace_back(event.get(key));
  });
  EXPECT_THAT(about, ElementsAre("in-3-1", "192.0.2.7:4021", "mx"));
}

TEST(SessionTrace, blanks_every_way_to_log_in) {
  World world;
  world.client("AUTH PLAIN AGFubmEAc2VjcmV0\r\n");
  world.server("235 2.7.0 good\r\n");
  world.client("auth login\r\n");
  world.server("334 VXNlcm5hbWU6\r\n");
  world.client("YW5uYQ==\r\n");
  world.server("334 UGFzc3dvcmQ6\r\n");
  world.client("c2VjcmV0\r\n");
  world.server("535 5.7.8 no\r\n");
  world.client("AUTH PLAIN\r\n");
  world.server("334 \r\n");
  world.client("AGFubmEAc2VjcmV0\r\n");
  world.client("MAIL FROM:<too@early>\r\n");
  world.server("235-well\r\n235 good\r\n");
  world.client("MAIL FROM:<a@example.com>\r\n");
  EXPECT_THAT(world.lines(),
              ElementsAre("client AUTH PLAIN ***", "server 235 2.7.0 good", "client auth login", "server 334",
                          "client ***", "server 334", "client ***", "server 535 5.7.8 no",
                          "client AUTH PLAIN", "server 334", "client ***", "client ***", "server 235-well",
                          "server 235 good", "client MAIL FROM:<a@example.com>"));
}

TEST(SessionTrace, counts_bodies) {
  World world;
  world.client("DATA\r\n");
  world.session.body(4000);
  world.session.body(96);
  world.server("250 queued\r\n");
  world.session.ended({});
  EXPECT_THAT(world.lines(),
              ElementsAre("client DATA", "note 4096 bytes of a message", "server 250 queued", "note ended"));
}

TEST(SessionTrace, of_other_peers_says_nothing) {
  World other({.peer = *parse_network("198.51.100.0/24")});
  other.client("NOOP\r\n");
  other.session.body(1);
  other.session.ended({});
  EXPECT_THAT(other.lines(), IsEmpty());
  World same({.peer = *parse_network("192.0.2.0/24")});
  same.client("NOOP\r\n");
  EXPECT_THAT(same.lines(), SizeIs(1));
}

TEST(SessionTrace, waits_for_the_domain_and_then_tells_what_led_there) {
  World world({.domain = "example.org"});
  world.client("EHLO example.org\r\n");
  world.client("MAIL FROM:<a@example.com>\r\n");
  world.client("RCPT TO:<b@sub.example.org>\r\n");
  EXPECT_THAT(world.lines(), IsEmpty());
  world.client("rcpt to:<B@Example.ORG> NOTIFY=NEVER\r\n");
  EXPECT_THAT(world.lines(), SizeIs(5));
  world.client("RSET\r\n");
  EXPECT_THAT(world.lines(), SizeIs(1));
}

TEST(SessionTrace, tells_when_a_line_was_said_and_not_when_the_domain_matched) {
  World world({.domain = "example.org"});
  const WallTime early{1}, late{2};
  world.session.said(Speaker::client, "RSET\r\n", early);
  world.session.said(Speaker::client, "MAIL FROM:<a@example.org>\r\n", late);
  std::vector<WallTime> times;
  world.trace.ring().drain([&](const EventView& event) { times.push_back(event.time); });
  EXPECT_THAT(times, ElementsAre(WallTime{}, early, late));
}

TEST(SessionTrace, holds_the_newest_lines_and_no_more_than_its_limit) {
  World world({.domain = "example.org"});
  for (std::size_t i = 0; i < 3 * kTraceHeldBytes; ++i) world.client("\r\n");  // even lines without text
  for (int i = 0; i < 7; ++i) world.client(std::string(1000, 'x') + "\r\n");
  world.client(std::string(1000, 'y') + "\r\n");
  world.client("MAIL FROM:<a@example.org>\r\n");
  const std::vector<std::string> lines = world.lines();
  ASSERT_FALSE(lines.empty());
  std::size_t size = 0;
  for (const std::string& line : lines) size += line.size();
  EXPECT_LE(size, kTraceHeldBytes + 100);
  EXPECT_GE(size, kTraceHeldBytes / 2);
  EXPECT_EQ(lines[lines.size() - 2], "client " + std::string(1000, 'y'));
}

TEST(SessionTrace, that_begins_within_a_login_shows_nothing_of_it) {
  Trace trace(1, {});
  World world;
  SessionTrace session(trace, {.peer = kPeer, .place = "mx"});
  session.said(Speaker::client, "c2VjcmV0\r\n", {});
  session.said(Speaker::server, "334 UGFzc3dvcmQ6\r\n", {});
  session.said(Speaker::client, "c2VjcmV0\r\n", {});
  session.said(Speaker::server, "235 2.7.0 good\r\n", {});
  session.said(Speaker::client, "RSET\r\n", {});
  std::vector<std::string> texts;
  trace.ring().drain([&](const EventView& event) { texts.emplace_back(event.get(EventKey::text)); });
  EXPECT_THAT(texts, ElementsAre("***", "334", "***", "235 2.7.0 good", "RSET"));
}

// VRFY may come in one packet with an AUTH; its answer is not that of the AUTH.
TEST(SessionTrace, blanks_a_login_behind_other_commands) {
  World world;
  world.client("VRFY a\r\nAUTH LOGIN\r\n");
  world.server("252 2.5.0 maybe\r\n");
  world.client("YW5uYQ==\r\n");  // before it is asked
  world.server("334 VXNlcm5hbWU6\r\n");
  world.client("YW5uYQ==\r\n");
  world.server("334 UGFzc3dvcmQ6\r\n");
  world.client("c2VjcmV0\r\n");
  world.server("235 good\r\n");
  world.client("RSET\r\nNONSENSE\r\n");
  EXPECT_THAT(world.lines(), ElementsAre("client VRFY a", "client AUTH LOGIN", "server 252 2.5.0 maybe",
                                         "client ***", "server 334", "client ***", "server 334", "client ***",
                                         "server 235 good", "client RSET", "client NONSENSE"));
}

TEST(SessionTrace, blanks_the_secrets_of_a_client_that_does_not_hear_its_refusal) {
  World world;
  world.client("AUTH LOGIN\r\n");
  world.server("454 4.7.0 later\r\n");
  world.client("YW5uYQ==\r\n");
  world.server("500 5.5.1 what?\r\n");
  world.client("helpless\r\nquit\r\n");
  EXPECT_THAT(world.lines(), ElementsAre("client AUTH LOGIN", "server 454 4.7.0 later", "client ***",
                                         "server 500 5.5.1 what?", "client ***", "client quit"));
}

TEST(SessionTrace, blanks_what_only_looks_like_auth) {
  for (const std::string line :
       {" AUTH PLAIN AGFubmE", "\tauth\tplain AGFubmE", "AUTHPLAIN AGFubmE AGFubmE"}) {
    World world;
    world.client(line + "\r\n");
    EXPECT_THAT(world.lines(), ElementsAre(testing::Not(testing::HasSubstr("AGFubmE")))) << line;
  }
}

TEST(SessionTrace, cuts_long_lines) {
  World world;
  world.client(std::string(kTraceLineMax, 'x') + "\r\n");
  world.client(std::string(kTraceLineMax + 1, 'y'));
  world.client("z\r\n");
  for (const std::string& line : world.lines())
    EXPECT_EQ(line.size(), std::string("client ").size() + kTraceLineMax);
}

}  // namespace
}  // namespace ringpost::observe
