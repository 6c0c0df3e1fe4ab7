#include "ringpost/mail/aliases.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

using Kind = AliasTargetKind;

TEST(Aliases, reads_every_kind_of_target) {
  const auto parsed = parse_aliases(
      "# comment\n"
      "\n"
      "postmaster: root\n"
      "Root: alice, bob@Example.COM\n"
      "list: :include:/etc/mail/list\n"
      "archive: /var/mail/archive\n"
      "robot: \"|/usr/bin/robot --tag=a,b\"\n"
      "plain: |/usr/bin/robot -x\n"
      "\"first last\": \"john doe\"@example.com, Jane <jane@example.com>\n");
  ASSERT_TRUE(parsed.errors.empty()) << parsed.errors[0].text;
  const AliasTable& table = parsed.table;
  EXPECT_EQ(table.size(), 7U);
  EXPECT_EQ(table.find("POSTMASTER")[0], (AliasTarget{Kind::local, "root"}));
  ASSERT_EQ(table.find("root").size(), 2U);
  EXPECT_EQ(table.find("root")[1], (AliasTarget{Kind::address, "bob@example.com"}));
  EXPECT_EQ(table.find("list")[0], (AliasTarget{Kind::include_file, "/etc/mail/list"}));
  EXPECT_EQ(table.find("archive")[0], (AliasTarget{Kind::file, "/var/mail/archive"}));
  EXPECT_EQ(table.find("robot")[0], (AliasTarget{Kind::command, "/usr/bin/robot --tag=a,b"}));
  EXPECT_EQ(table.find("plain")[0], (AliasTarget{Kind::command, "/usr/bin/robot -x"}));
  EXPECT_EQ(table.find("first last")[0], (AliasTarget{Kind::address, "\"john doe\"@example.com"}));
  EXPECT_EQ(table.find("first last")[1], (AliasTarget{Kind::address, "jane@example.com"}));
  EXPECT_TRUE(table.find("nobody").empty());
  EXPECT_EQ(table.names().front(), "archive");
}

TEST(Aliases, joins_continuation_lines_over_comments_and_crlf) {
  const auto parsed = parse_aliases("team: alice,\r\n# not us\r\n\tbob,\r\n  carol\r\nnext: dave");
  EXPECT_TRUE(parsed.errors.empty());
  EXPECT_EQ(parsed.table.find("team").size(), 3U);
  EXPECT_EQ(parsed.table.find("next").size(), 1U);
}

TEST(Aliases, says_line_and_mend_of_each_error_and_keeps_the_rest) {
  const auto parsed = parse_aliases(
      "good: alice\n"
      "no colon\n"
      ": nobody\n"
      "empty:\n"
      "bad: a@@b, carol\n"
      "quote: \"|open\n"
      "good: bob\n"
      "inc: :include:relative\n"
      "pipe: |\n");
  std::vector<std::size_t> lines;
  for (const AliasError& error : parsed.errors) {
    lines.push_back(error.line);
    EXPECT_FALSE(error.text.empty() || error.mend.empty());
  }
  EXPECT_THAT(lines, testing::ElementsAre(2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U));
  EXPECT_EQ(parsed.table.find("good")[0].text, "alice");
  EXPECT_EQ(parsed.table.find("bad").size(), 1U);
  EXPECT_EQ(parsed.table.size(), 2U);
}

TEST(Aliases, refuses_a_continuation_of_nothing) {
  EXPECT_EQ(parse_aliases("  alice\n").errors.at(0).line, 1U);
}

TEST(Aliases, never_writes_an_address_that_reads_back_as_a_command) {
  for (const std::string text :
       {"<|a>", "<\"|a b\"@x.example>", "</a@x.example>", "\\</a>", "<\":include:/x\"@x.example>"}) {
    const auto parsed = parse_aliases("n: " + text);
    ASSERT_EQ(parsed.table.find("n").size(), 1U) << text;
    const AliasTarget target = parsed.table.find("n").front();
    EXPECT_TRUE(target.kind == AliasTargetKind::address || target.kind == AliasTargetKind::local) << text;
    const auto again = parse_aliases(format_alias("n", {&target, 1}));
    ASSERT_EQ(again.table.find("n").size(), 1U) << text;
    EXPECT_EQ(again.table.find("n").front(), target) << format_alias("n", {&target, 1});
  }
}

TEST(Aliases, stops_at_its_limits) {
  std::string text = "all: ";
  for (std::size_t i = 0; i < kAliasTargetsMax; ++i) text += "a,";
  EXPECT_TRUE(parse_aliases(text).errors.empty());
  EXPECT_EQ(parse_aliases(text + "a").errors.size(), 1U);
  std::string wrong;
  for (std::size_t i = 0; i <= kAliasErrorsMax; ++i) wrong += "x\n";
  EXPECT_EQ(parse_aliases(wrong).errors.size(), kAliasErrorsMax);
  EXPECT_TRUE(parse_aliases("a: |" + std::string(kAliasTargetSizeMax - 1, 'x')).errors.empty());
  EXPECT_FALSE(parse_aliases("a: |" + std::string(kAliasTargetSizeMax, 'x')).errors.empty());
}

TEST(Forward, reads_lines_and_commas) {
  const auto parsed = parse_forward(
      "# my mail\n\\alice, alice@example.org\n\"|IFS=' ' && exec /usr/bin/procmail\"\n/home/alice/copy\n");
  ASSERT_TRUE(parsed.errors.empty()) << parsed.errors[0].text;
  ASSERT_EQ(parsed.targets.size(), 4U);
  EXPECT_EQ(parsed.targets[0], (AliasTarget{Kind::local, "alice", true}));
  EXPECT_EQ(parsed.targets[1], (AliasTarget{Kind::address, "alice@example.org"}));
  EXPECT_EQ(parsed.targets[2], (AliasTarget{Kind::command, "IFS=' ' && exec /usr/bin/procmail"}));
  EXPECT_EQ(parsed.targets[3], (AliasTarget{Kind::file, "/home/alice/copy"}));
  EXPECT_EQ(parse_forward("a@@b\n\nc@@d").errors.at(1).line, 3U);
  EXPECT_EQ(parse_forward("|\"/usr/bin/vacation alice\"").targets.at(0).text, "/usr/bin/vacation alice");
}

TEST(Aliases, writes_what_it_reads) {
  for (const char* text :
       {"root: alice, bob@example.com", "robot: \"|/usr/bin/robot --tag=a,b \\\"c\\\"\"",
        "list: :include:/etc/list", "\"first last\": \"john doe\"@example.com", "file: /var/mail/x"}) {
    const auto parsed = parse_aliases(text);
    ASSERT_TRUE(parsed.errors.empty()) << text;
    const std::string_view name = parsed.table.names().at(0);
    EXPECT_EQ(format_alias(name, parsed.table.find(name)), text);
  }
}

}  // namespace
}  // namespace ringpost::mail
