#include "ringpost/imap/mailbox_name.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/imap/limits.hpp"

namespace ringpost::imap {
namespace {

TEST(MailboxName, goes_through_modified_utf7_and_back) {
  for (const char* name : {"INBOX", "a&b", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "Entw\u00fcrfe",
                           "\u00e9", "\U0001F4E7 mail", "a\u0080", "&&", "\u00e9&\u00e9"}) {
    EXPECT_EQ(decode_modified_utf7(modified_utf7(name)), name) << modified_utf7(name);
  }
  // RFC 3501 section 5.1.3.
  EXPECT_EQ(modified_utf7("~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
  EXPECT_EQ(modified_utf7("a&b"), "a&-b");
}

TEST(MailboxName, refuses_what_no_correct_writer_makes) {
  for (const char* wire :
       {"a&b", "&", "&AGE-", "&U,BTFw-&ZeVnLIqe-", "&U-", "&2D0-", "&3Gw-", "&U,BTF!-", "caf\xC3\xA9"})
    EXPECT_EQ(decode_modified_utf7(wire), std::nullopt) << wire;
}

TEST(MailboxName, reads_what_a_command_names) {
  EXPECT_EQ(read_mailbox_name("inbox", false), "INBOX");
  EXPECT_EQ(read_mailbox_name("InBox/a", false), "INBOX/a");
  EXPECT_EQ(read_mailbox_name("inboxes", false), "inboxes");
  EXPECT_EQ(read_mailbox_name("a&b", true), "a&b");
  EXPECT_EQ(read_mailbox_name("caf\u00e9", false), "caf\u00e9");
  EXPECT_EQ(read_mailbox_name("\xFF", true), std::nullopt);
  EXPECT_EQ(read_mailbox_name("a\tb", true), std::nullopt);
  EXPECT_EQ(read_mailbox_name("", true), std::nullopt);
  EXPECT_TRUE(read_mailbox_name(std::string(kMailboxNameBytesMax, 'a'), true));
  EXPECT_FALSE(read_mailbox_name(std::string(kMailboxNameBytesMax + 1, 'a'), true));
}

bool matches_pattern(std::string_view name, std::string_view pattern) {
  return NamePattern(pattern).matches(name);
}

TEST(MailboxName, matches_patterns) {
  EXPECT_TRUE(matches_pattern("a/b/c", "*"));
  EXPECT_FALSE(matches_pattern("a/b/c", "%"));
  EXPECT_TRUE(matches_pattern("a/b/c", "a/%/c"));
  EXPECT_TRUE(matches_pattern("a/b/c", "%/%/%"));
  EXPECT_FALSE(matches_pattern("a/b/c", "%/%"));
  EXPECT_TRUE(matches_pattern("a/b/c", "*c"));
  EXPECT_TRUE(matches_pattern("abab", "%ab"));
  EXPECT_TRUE(matches_pattern("a/xab/ab", "*%ab"));
  EXPECT_TRUE(matches_pattern("INBOX", "inb%"));
  EXPECT_TRUE(matches_pattern("INBOX/x", "inbox/x"));
  EXPECT_FALSE(matches_pattern("INBOX/x", "inbox/X"));
  EXPECT_FALSE(matches_pattern("Abc", "abc"));
  EXPECT_TRUE(matches_pattern("", "*"));
  EXPECT_FALSE(matches_pattern("a", ""));
  EXPECT_TRUE(matches_pattern("a/b", "%%/*%*"));
  EXPECT_TRUE(matches_pattern("a", "%a%"));
  EXPECT_FALSE(matches_pattern("x/a", "%a%"));
}

// By the definition, one letter after the other.
bool matches_slowly(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return name.empty();
  const char first = pattern.front();
  if (first != '*' && first != '%')
    return !name.empty() && name.front() == first && matches_slowly(name.substr(1), pattern.substr(1));
  for (std::size_t taken = 0; taken <= name.size(); ++taken) {
    if (matches_slowly(name.substr(taken), pattern.substr(1))) return true;
    if (taken < name.size() && first == '%' && name[taken] == '/') return false;
  }
  return false;
}

TEST(MailboxName, matches_patterns_as_they_are_defined) {
  std::mt19937 random(1);
  const auto text = [&](std::string_view letters, std::size_t most) {
    std::string made;
    for (std::size_t left = random() % most; left > 0; --left) made += letters[random() % letters.size()];
    return made;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = text("ab/", 12);
    const std::string pattern = text("ab/%*", 8);
    EXPECT_EQ(matches_pattern(name, pattern), matches_slowly(name, pattern)) << name << " " << pattern;
  }
}

// Across the words that hold the places.
TEST(MailboxName, patterns_may_be_long) {
  for (const std::size_t size : {62U, 63U, 64U, 65U, 127U, 128U, 999U}) {
    const std::string name(size, 'a');
    EXPECT_TRUE(matches_pattern(name, name));
    EXPECT_FALSE(matches_pattern(name, name + 'a'));
    EXPECT_FALSE(matches_pattern(name + 'a', name));
    EXPECT_TRUE(matches_pattern(name + "b/c", name + "%/%"));
    EXPECT_TRUE(matches_pattern(name, name + "*"));
    EXPECT_FALSE(matches_pattern(name + "/c", name + "%"));
  }
  std::string stars;
  for (int i = 0; i < 300; ++i) stars += "%a*a";
  NamePattern pattern(stars);
  for (int i = 0; i < 2'000; ++i) EXPECT_FALSE(pattern.matches(std::string(900, 'a') + "b"));
}

}  // namespace
}  // namespace ringpost::imap
