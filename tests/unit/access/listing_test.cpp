#include "access/listing.hpp"

#include <gtest/gtest.h>

namespace ringpost::access {
namespace {

ListedMailbox own(std::string name) {
  return {.path = {.owner = "anna", .name = std::move(name)}, .rights = store::Rights::all()};
}
ListedMailbox of_bert(std::string name) {
  return {.path = {.owner = "bert", .name = std::move(name), .others = true}, .rights = store::Right::lookup};
}

TEST(Listing, levels_above_mailboxes_of_others_are_there_and_are_none_themselves) {
  const Listing listing{.mailboxes = {own("INBOX"), of_bert("Work/2026")}, .subscriptions = {}};
  const ListedNames names = names_of(listing);
  ASSERT_EQ(names.size(), 5U);
  for (const char* above : {"Other Users", "Other Users/bert", "Other Users/bert/Work"}) {
    ASSERT_TRUE(names.contains(above)) << above;
    EXPECT_EQ(names.find(above)->second.mailbox, nullptr) << above;
    EXPECT_TRUE(names.find(above)->second.has_children) << above;
  }
  const ListedName& work = names.find("Other Users/bert/Work/2026")->second;
  ASSERT_NE(work.mailbox, nullptr);
  EXPECT_EQ(work.mailbox->path.name, "Work/2026");
  EXPECT_FALSE(work.has_children);
}

TEST(Listing, a_mailbox_of_ones_own_may_stand_where_others_are) {
  const Listing listing{.mailboxes = {own("Other Users"), of_bert("Work")}, .subscriptions = {}};
  const ListedNames names = names_of(listing);
  EXPECT_NE(names.find("Other Users")->second.mailbox, nullptr);
  EXPECT_TRUE(names.find("Other Users")->second.has_children);
}

TEST(Listing, of_two_with_one_name_ones_own_is_meant) {
  const Listing listing{.mailboxes = {own("Other Users/bert/Work"), of_bert("Work")}, .subscriptions = {}};
  const ListedNames names = names_of(listing);
  EXPECT_FALSE(names.find("Other Users/bert/Work")->second.mailbox->path.others);
}

TEST(Listing, subscriptions_need_no_mailbox_and_mark_what_is_above_them) {
  const Listing listing{.mailboxes = {own("a"), own("a/b")},
                        .subscriptions = {"a/b/c", "Other Users/nobody/Work"}};
  ListedNames names = names_of(listing);
  mark_subscribed_parents(names);
  EXPECT_TRUE(names.find("a")->second.child_subscribed);
  EXPECT_TRUE(names.find("a/b")->second.child_subscribed);
  EXPECT_FALSE(names.find("a/b/c")->second.child_subscribed);
  EXPECT_FALSE(names.find("a/b")->second.has_children) << "a subscription is no child";
  EXPECT_EQ(names.find("Other Users/nobody/Work")->second.mailbox, nullptr);
  EXPECT_FALSE(names.contains("Other Users"));
}

}  // namespace
}  // namespace ringpost::access
