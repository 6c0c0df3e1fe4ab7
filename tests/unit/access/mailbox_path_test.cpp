#include "access/mailbox_path.hpp"

#include <gtest/gtest.h>

namespace ringpost::access {
namespace {

TEST(MailboxPath, names_among_others_begin_with_a_level_of_their_own) {
  EXPECT_TRUE(is_among_others("Other Users"));
  EXPECT_TRUE(is_among_others("Other Users/bert@example.com/Work"));
  for (const char* own :
       {"INBOX", "Other", "Other Users2", "Other Usersx/y", "other users/x", "Work/Other Users", ""})
    EXPECT_FALSE(is_among_others(own)) << own;
}

TEST(MailboxPath, has_the_owner_and_the_name_that_he_gave) {
  const MailboxPath path = path_among_others("Other Users/Bert@Example.com/Work/2026", "anna@example.com");
  EXPECT_EQ(path.owner, "bert@example.com");
  EXPECT_EQ(path.name, "Work/2026");
  EXPECT_TRUE(path.others);
  EXPECT_EQ(path.shown("Work"), "Other Users/bert@example.com/Work");
  EXPECT_EQ(path.shown(""), "Other Users/bert@example.com");
}

TEST(MailboxPath, of_oneself_or_of_nobody_has_no_owner) {
  for (const char* name : {"Other Users", "Other Users/", "Other Users//Work",
                           "Other Users/anna@example.com/Work", "Other Users/Anna@example.com"})
    EXPECT_EQ(path_among_others(name, "anna@example.com").owner, "") << name;
}

TEST(MailboxPath, of_the_level_of_an_owner_has_no_name) {
  const MailboxPath path = path_among_others("Other Users/bert", "anna");
  EXPECT_EQ(path.owner, "bert");
  EXPECT_EQ(path.name, "");
}

TEST(MailboxPath, of_ones_own_is_shown_as_it_is) {
  EXPECT_EQ((MailboxPath{.owner = "anna", .name = "Work"}).shown("Work"), "Work");
  EXPECT_EQ((MailboxPath{.owner = "anna", .name = {}}).shown(""), "");
}

TEST(MailboxPath, a_pattern_means_those_whose_names_it_may_begin) {
  for (const char* pattern :
       {"*", "%", "O*", "Other Users/%", "Other Users/bert/Work", "Other Users/bert*", "Other Users"})
    EXPECT_TRUE(may_match_owner(pattern, "bert")) << pattern;
  for (const char* pattern :
       {"INBOX", "Work/*", "Other Users/berta/*", "Other Users/carl/%", "Other Usersx*"})
    EXPECT_FALSE(may_match_owner(pattern, "bert")) << pattern;
}

TEST(MailboxPath, parents_end_at_the_first_level) {
  EXPECT_EQ(parent_of("a/b/c"), "a/b");
  EXPECT_EQ(parent_of("a"), "");
}

}  // namespace
}  // namespace ringpost::access
