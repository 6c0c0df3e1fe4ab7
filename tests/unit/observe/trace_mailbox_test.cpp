// IMAP and POP3 in a trace: what is shown, and above all what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/observe/limits.hpp"
#include "ringpost/observe/trace.hpp"

#include "unit/observe/trace_lines.hpp"

namespace ringpost::observe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct World {
  explicit World(SessionTrace::Protocol what, std::string_view greeting, TraceFilter filter = {})
      : trace(1, std::move(filter)), session(trace, {.protocol = what, .peer = {}, .place = "mail"}) {
    if (!greeting.empty()) server(greeting);
    lines();
  }
  void client(std::string_view text) { session.said(Speaker::client, text, {}); }
  void server(std::string_view text) { session.said(Speaker::server, text, {}); }
  std::vector<std::string> lines() { return take_lines(trace); }
  Trace trace;
  SessionTrace session;
};

struct Imap : World {
  explicit Imap(std::string_view greeting = "* OK [CAPABILITY IMAP4rev1] hi\r\n", TraceFilter filter = {})
      : World(SessionTrace::Protocol::imap, greeting, std::move(filter)) {}
};
struct Pop3 : World {
  explicit Pop3(std::string_view greeting = "+OK hi\r\n") : World(SessionTrace::Protocol::pop3, greeting) {}
};

TEST(ImapTrace, blanks_every_way_to_log_in) {
  Imap world;
  world.client("a1 LOGIN anna secret\r\n");
  world.client("a2 NOOP\r\n");  // before it is answered
  world.server("a1 NO [AUTHENTICATIONFAILED] no\r\na2 OK\r\n");
  world.client("a3 authenticate plain AGFubmEAc2VjcmV0\r\n");
  world.server("a3 NO no\r\n");
  world.client("a4 AUTHENTICATE SCRAM-SHA-256\r\n");
  world.server("+ \r\n");
  world.client("biwsbj1hbm5h\r\n");
  world.server("+ cj1mZWRjYmE=\r\n");
  world.client("Yz1iaXdz\r\n");
  world.server("* CAPABILITY IMAP4rev1\r\na4 OK in\r\n");
  world.client("a5 SELECT INBOX\r\n");
  EXPECT_THAT(
      world.lines(),
      ElementsAre("client a1 LOGIN ***", "client ***", "server a1 NO [AUTHENTICATIONFAILED] no",
                  "server a2 OK", "client a3 authenticate plain ***", "server a3 NO no",
                  "client a4 AUTHENTICATE SCRAM-SHA-256", "server +", "client ***", "server +", "client ***",
                  "server * CAPABILITY IMAP4rev1", "server a4 OK in", "client a5 SELECT INBOX"));
}

TEST(ImapTrace, of_a_login_in_literals_not_even_their_length_is_told) {
  for (const bool waits : {true, false}) {
    Imap world;
    world.client(waits ? "a LOGIN {4}\r\n" : "a LOGIN {4+}\r\n");
    if (waits) world.server("+ go on\r\n");
    world.client("anna {6}\r\n");
    world.server("+ go on\r\n");
    world.client("a NOOP");  // a password that looks like a command
    world.client("\r\n");
    world.server("a OK in\r\n");
    world.client("b NOOP\r\n");
    const auto lines = world.lines();
    EXPECT_THAT(lines, Not(testing::Contains(HasSubstr("a NOOP"))));
    EXPECT_THAT(lines, Not(testing::Contains(HasSubstr("bytes"))));
    EXPECT_EQ(lines.front(), "client a LOGIN ***");
    EXPECT_EQ(lines.back(), "client b NOOP");
  }
}

TEST(ImapTrace, a_client_that_does_not_listen_is_blanked_until_it_says_a_command) {
  Imap world;
  world.client("a LOGIN anna {6}\r\n");
  world.server("a NO [PRIVACYREQUIRED] not in clear\r\n");
  world.client("secret\r\n");
  world.server("* BAD what?\r\n");
  world.client("secret again\r\nb LOGOUT\r\n");
  EXPECT_THAT(world.lines(),
              ElementsAre("client a LOGIN ***", "server a NO [PRIVACYREQUIRED] not in clear", "client ***",
                          "server * BAD what?", "client ***", "client b LOGOUT"));
}

TEST(ImapTrace, counts_literals_and_goes_on_behind_them) {
  Imap world;
  world.client("a APPEND INBOX {12}\r\n");
  world.server("+ go on\r\n");
  world.client("a NOOP\r\nb NO");
  world.client("\r\n");
  world.server("a OK\r\n");
  world.client("b APPEND INBOX {4+}\r\nx\r\n\r\r\nc NOOP\r\n");
  EXPECT_THAT(world.lines(),
              ElementsAre("client a APPEND INBOX {12}", "server + go on", "note 12 bytes of a message",
                          "client ***", "server a OK", "client b APPEND INBOX {4+}",
                          "note 4 bytes of a message", "client ***", "client c NOOP"));
}

TEST(ImapTrace, a_literal_that_was_refused_does_not_come) {
  Imap world;
  world.client("a APPEND INBOX {99999}\r\n");
  world.server("a NO [TOOBIG] no\r\n");
  world.client("b NOOP\r\n");
  EXPECT_THAT(world.lines(),
              ElementsAre("client a APPEND INBOX {99999}", "server a NO [TOOBIG] no", "client b NOOP"));
}

TEST(ImapTrace, shows_answers_and_nothing_of_what_is_in_mail) {
  Imap world;
  world.client("a FETCH 1:2 (FLAGS ENVELOPE BODY[])\r\n");
  world.server(
      "* 1 FETCH (FLAGS (\\Seen) ENVELOPE (\"Mon\" \"pri\\\"vate\" NIL) PREVIEW \"dear\" BODY[] "
      "{9}\r\nprivate\r\n BODY[1] \"word\" BODY[2] {5}\r\n");
  world.session.body(5, Speaker::server);  // went past the output
  world.server(
      " UID 7)\r\n* SEARCH 1 2\r\n* METADATA \"\" (/private/comment \"mine\")\r\n* LIST (\\Noselect) \"/\" "
      "\"Archive\"\r\na OK Done\r\n");
  EXPECT_THAT(
      world.lines(),
      ElementsAre(
          "client a FETCH 1:2 (FLAGS ENVELOPE BODY[])",
          "server * 1 FETCH (FLAGS (\\Seen) ENVELOPE (\"***\" \"***\" NIL) PREVIEW \"***\" BODY[] {9}",
          "note 9 bytes of a message", "server  BODY[1] \"***\" BODY[2] {5}", "note 5 bytes of a message",
          "server  UID 7)", "server * SEARCH 1 2", "server * METADATA \"***\" (/private/comment \"***\")",
          "server * LIST (\\Noselect) \"/\" \"Archive\"", "server a OK Done"));
}

TEST(ImapTrace, an_answer_by_uids_alone_is_no_other) {
  Imap world;
  world.server("* 25997 UIDFETCH (PREVIEW \"dear\" FLAGS ())\r\n");
  EXPECT_THAT(world.lines(), ElementsAre("server * 25997 UIDFETCH (PREVIEW \"***\" FLAGS ())"));
}

TEST(ImapTrace, finds_the_literal_at_the_end_of_a_line_that_is_cut) {
  Imap world;
  const std::string long_list(kTraceLineMax, '1');
  world.client("a UID FETCH " + long_list + " (BODY[HEADER.FIELDS (X {3+}\r\nabc)])\r\nb NOOP\r\n");
  const auto lines = world.lines();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1], "note 3 bytes of a message");
  EXPECT_EQ(lines[3], "client b NOOP");
}

TEST(ImapTrace, that_begins_within_a_session_shows_the_client_after_an_answer) {
  Imap world("");
  world.client("c2VjcmV0\r\n");
  world.server("* OK still here\r\n* 3 EXISTS\r\n");
  world.client("a LOGIN x y\r\n");
  world.server("a OK in\r\n");
  world.client("DONE\r\nb NOOP\r\n");
  EXPECT_THAT(world.lines(), ElementsAre("client ***", "server * OK still here", "server * 3 EXISTS",
                                         "client ***", "server a OK in", "client DONE", "client b NOOP"));
}

TEST(ImapTrace, is_found_by_the_domain_of_who_logged_in) {
  Imap world("* OK [CAPABILITY IMAP4rev1] hi\r\n", {.peer = {}, .domain = "example.org"});
  world.client("a LOGIN x y\r\n");
  world.session.account("anna@example.com");
  world.server("a OK in\r\n");
  EXPECT_TRUE(world.lines().empty());
  world.session.account("Anna@Example.ORG");
  world.client("b NOOP\r\n");
  EXPECT_THAT(world.lines(), ElementsAre("server * OK [CAPABILITY IMAP4rev1] hi", "client a LOGIN ***",
                                         "server a OK in", "client b NOOP"));
}

TEST(Pop3Trace, blanks_every_way_to_log_in) {
  Pop3 world;
  world.client("USER anna\r\n");
  world.server("+OK\r\n");
  world.client("PASS secret words\r\n");
  world.server("-ERR [AUTH] no\r\n");
  world.client("secret\r\n");
  world.client("AUTH PLAIN AGFubmEAc2VjcmV0\r\nSTAT\r\n");
  world.server("-ERR no\r\n");
  world.client("apop anna c4c9334bac560ecc979e58001b3e22fb\r\n");
  world.server("-ERR no\r\n");
  world.client("AUTH SCRAM-SHA-256\r\n");
  world.server("+ \r\n");
  world.client("biwsbj1hbm5h\r\n");
  world.server("+ cj1m\r\n");
  world.client("QUIT\r\n");
  world.server("+OK in\r\n");
  world.client("LIST\r\n");
  EXPECT_THAT(world.lines(),
              ElementsAre("client USER anna", "server +OK", "client PASS ***", "server -ERR [AUTH] no",
                          "client ***", "client AUTH PLAIN ***", "client ***", "server -ERR no",
                          "client apop ***", "server -ERR no", "client AUTH SCRAM-SHA-256", "server +",
                          "client ***", "server +", "client ***", "server +OK in", "client LIST"));
}

TEST(Pop3Trace, counts_messages) {
  Pop3 world;
  world.client("RETR 1\r\n");
  world.server("+OK The message follows\r\n");
  world.session.body(4000, Speaker::server);
  world.client("QUIT\r\n");
  world.server("+OK bye\r\n");
  EXPECT_THAT(world.lines(), ElementsAre("client RETR 1", "server +OK The message follows",
                                         "note 4000 bytes of a message", "client QUIT", "server +OK bye"));
}

}  // namespace
}  // namespace ringpost::observe
