#include "ringpost/imap/mailbox_name.hpp"

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
  std::string stars;
  for (int i = 0; i < 400; ++i) stars += "*%a";
  EXPECT_FALSE(matches_pattern(std::string(1000, 'a') + "b", stars));
}

}  // namespace
}  // namespace ringpost::imap
