// What the loader understands of IMAP and POP3 answers, however they are split.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/scan/find.hpp"

#include "imap_reader.hpp"
#include "pop3_reader.hpp"

namespace ringpost::loadgen {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Kind = ImapLine::Kind;

struct Heard {
  std::string text;
  std::uint64_t literal_bytes = 0;
  std::uint64_t numbers = 0;
  bool operator==(const Heard&) const = default;
};

std::vector<Heard> hear(std::string_view stream, const std::function<std::size_t()>& piece) {
  ImapReader reader;
  std::vector<Heard> heard;
  while (!stream.empty()) {
    const std::size_t size = std::min(piece(), stream.size());
    const std::string own(stream.substr(0, size));  // so that a view beyond its piece is found out
    std::span<const std::byte> input = scan::as_bytes(own);
    while (const auto answer = reader.next(input))
      heard.push_back({std::string(answer->text), answer->literal_bytes, answer->numbers});
    EXPECT_TRUE(input.empty());
    stream.remove_prefix(size);
  }
  EXPECT_FALSE(reader.broken());
  return heard;
}

std::vector<Heard> hear_whole(std::string_view stream) {
  return hear(stream, [&] { return stream.size(); });
}

const std::string kStream =
    "* OK [CAPABILITY IMAP4rev1 LITERAL+] hello {7}\r\n"
    "+ go on {5}\r\n"
    "* 3 EXISTS\r\n"
    "* 1 FETCH (UID 9 BODY[] {12}\r\nA1 OK\r\n* {3} FLAGS (\\Seen))\r\n"
    "* 2 FETCH (BODY[1] {0}\r\n BODY[2] ~{4}\r\n\r\n\r\n UID 10)\r\n"
    "* SEARCH 4 5 6\r\n"
    "* SEARCH\r\n"
    "A1 OK [READ-WRITE] done {9}\r\n";

TEST(ImapReader, answers_come_one_by_one_without_their_literals) {
  EXPECT_THAT(
      hear_whole(kStream),
      ElementsAre(Heard{"* OK [CAPABILITY IMAP4rev1 LITERAL+] hello {7}"}, Heard{"+ go on {5}"},
                  Heard{"* 3 EXISTS"}, Heard{"* 1 FETCH (UID 9 BODY[] {12} FLAGS (\\Seen))", 12},
                  Heard{"* 2 FETCH (BODY[1] {0} BODY[2] ~{4} UID 10)", 4}, Heard{"* SEARCH 4 5 6", 0, 3},
                  Heard{"* SEARCH"}, Heard{"A1 OK [READ-WRITE] done {9}"}));
}

TEST(ImapReader, any_split_gives_the_same_answers) {
  const auto whole = hear_whole(kStream);
  EXPECT_EQ(hear(kStream, [] { return 1; }), whole);
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) ASSERT_EQ(hear(kStream, [&] { return 1 + random() % 30; }), whole);
}

TEST(ImapReader, a_long_line_is_counted_and_its_start_kept) {
  std::string numbers = "* SEARCH";
  for (int i = 1; i <= 100'000; ++i) numbers += " " + std::to_string(i);
  const auto heard = hear(numbers + "\r\nA2 OK\r\n", [] { return 4096; });
  ASSERT_THAT(heard, SizeIs(2));
  EXPECT_EQ(heard[0].numbers, 100'000U);
  EXPECT_EQ(heard[0].text, numbers.substr(0, kImapTextMax));
  EXPECT_EQ(heard[1].text, "A2 OK");
}

TEST(ImapReader, a_literal_at_the_bound_is_skipped_and_one_beyond_it_breaks_the_stream) {
  for (const std::uint64_t over : {0U, 1U}) {
    ImapReader reader;
    const std::string text = "* 1 FETCH (BODY[] {" + std::to_string(kImapLiteralMax + over) + "}\r\nabc";
    std::span<const std::byte> input = scan::as_bytes(text);
    EXPECT_FALSE(reader.next(input));
    EXPECT_TRUE(input.empty());
    EXPECT_EQ(reader.broken(), over == 1);
  }
}

TEST(ImapLine, says_what_an_answer_is) {
  EXPECT_EQ(parse_imap("* 12 exists").kind, Kind::exists);
  EXPECT_EQ(parse_imap("* 12 EXISTS").number, 12U);
  EXPECT_EQ(parse_imap("* 7 FETCH (FLAGS ())").kind, Kind::fetch);
  EXPECT_EQ(parse_imap("* 7 EXPUNGE").kind, Kind::expunge);
  EXPECT_EQ(parse_imap("* ESEARCH (TAG \"A\") UID COUNT 3").kind, Kind::search);
  EXPECT_EQ(parse_imap("* LIST () \"/\" INBOX").kind, Kind::other);
  EXPECT_EQ(parse_imap("* BYE [UNAVAILABLE] later").code, "UNAVAILABLE");
  EXPECT_EQ(parse_imap("* PREAUTH you know").kind, Kind::preauth);
  EXPECT_EQ(parse_imap("+").kind, Kind::continuation);
  const ImapLine tagged = parse_imap("A17 no [OVERQUOTA] full");
  EXPECT_EQ(tagged.kind, Kind::tagged);
  EXPECT_EQ(tagged.tag, "A17");
  EXPECT_EQ(tagged.text, "full");
  EXPECT_EQ(refusal_code(tagged), "NO [OVERQUOTA]");
  EXPECT_EQ(refusal_code(parse_imap("A1 BAD what?")), "BAD");
  EXPECT_EQ(refusal_code(parse_imap("A1 NO [BADCHARSET (UTF-8)] x")), "NO [BADCHARSET]");
}

TEST(ImapAbilities, are_those_of_the_last_list) {
  ImapAbilities abilities;
  EXPECT_FALSE(abilities.known);
  abilities.learn("IMAP4rev1 literal+ LOGINDISABLED");
  EXPECT_TRUE(abilities.known && abilities.literal_plus && abilities.login_disabled);
  abilities.learn("IMAP4rev1 LITERAL-");
  EXPECT_TRUE(abilities.literal_minus);
  EXPECT_FALSE(abilities.literal_plus || abilities.login_disabled);
}

TEST(ImapQuoted, quotes_what_ends_a_string) {
  EXPECT_EQ(imap_quoted(R"(a"b\c)"), R"("a\"b\\c")");
}

struct Maildrop {
  std::vector<std::string> lines;
  std::vector<Pop3Body> bodies;
};

// A first line, then a body, in turns.
Maildrop fetch(std::string_view stream, const std::function<std::size_t()>& piece) {
  Pop3Reader reader;
  Maildrop drop;
  bool in_body = false;
  while (!stream.empty()) {
    const std::size_t size = std::min(piece(), stream.size());
    const std::string own(stream.substr(0, size));
    std::span<const std::byte> input = scan::as_bytes(own);
    while (!input.empty()) {
      if (in_body) {
        if (const auto body = reader.body(input)) {
          drop.bodies.push_back(*body);
          in_body = false;
        }
      } else if (const auto line = reader.line(input)) {
        drop.lines.emplace_back(*line);
        in_body = true;
      }
    }
    stream.remove_prefix(size);
  }
  EXPECT_FALSE(in_body);
  return drop;
}

TEST(Pop3Reader, counts_bodies_to_their_dot_for_any_split) {
  const std::string stream =
      "+OK 12 octets\r\nab\r\n..c\r\n.\r\n"
      "+OK\r\n.\r\n"
      "+OK\r\n...\r\n. \r\n\r\n.x\r\n.\r\n";
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const Maildrop drop = fetch(stream, [&] {
      return i == 0 ? stream.size() : i == 1 ? 1 : 1 + random() % 9;
    });
    ASSERT_THAT(drop.lines, ElementsAre("+OK 12 octets", "+OK", "+OK"));
    ASSERT_THAT(drop.bodies, SizeIs(3));
    EXPECT_EQ(drop.bodies[0].lines, 2U);
    EXPECT_EQ(drop.bodies[0].bytes, std::string_view("ab\r\n.c\r\n").size());
    EXPECT_EQ(drop.bodies[1].bytes, 0U);
    EXPECT_EQ(drop.bodies[2].lines, 4U);
    EXPECT_EQ(drop.bodies[2].bytes, std::string_view("..\r\n \r\n\r\nx\r\n").size());
  }
}

TEST(Pop3Reader, a_first_line_has_a_bound) {
  for (const std::size_t over : {0U, 1U}) {
    Pop3Reader reader;
    const std::string text = std::string(kPop3LineMax + over, 'x') + "\n";
    std::span<const std::byte> input = scan::as_bytes(text);
    EXPECT_EQ(reader.line(input).has_value(), over == 0);
    EXPECT_EQ(reader.broken(), over == 1);
  }
}

TEST(Pop3Line, has_a_code_in_brackets) {
  const Pop3Line line = parse_pop3("-ERR [IN-USE] try later");
  EXPECT_FALSE(line.ok);
  EXPECT_TRUE(line.known);
  EXPECT_EQ(line.code, "IN-USE");
  EXPECT_EQ(line.text, "try later");
  EXPECT_TRUE(parse_pop3("+OK 3 120").ok);
  EXPECT_FALSE(parse_pop3("HTTP/1.1 400").known);
}

}  // namespace
}  // namespace ringpost::loadgen
