#include "access/notices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/access/limits.hpp"

namespace ringpost::access {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Events = imap::NotifyEvents;
using Name = Notices::Name;
using What = store::Happened::What;
using Where = imap::NotifyGroup::Where;

constexpr std::uint8_t kMessages = Events::kMessageNew | Events::kMessageExpunge;

class Bell final : public store::Listener {
 public:
  void changed() override { ++rung; }
  int rung = 0;
};

class NoticesTest : public ::testing::Test {
 protected:
  Notices& wanting(std::vector<imap::NotifyGroup> groups) {
    imap::Notify wanted;
    wanted.on = true;
    wanted.groups = std::move(groups);
    return notices.emplace(
        std::move(wanted), [this](std::string_view name) { return subscribed.contains(std::string(name)); },
        bell);
  }
  void mail(std::uint32_t mailbox, std::string_view name, std::size_t count = 1) {
    notices->happened({.what = What::messages_added, .mailbox = {mailbox}, .name = name, .messages = count});
  }
  void named(What what, std::string_view name, std::string_view old_name = {}) {
    notices->happened({.what = what, .mailbox = {9}, .name = name, .old_name = old_name});
  }
  std::vector<Name> names() { return notices->take({}).names; }

  std::set<std::string> subscribed;
  Bell bell;
  std::optional<Notices> notices;
};

TEST_F(NoticesTest, say_what_is_wanted_of_the_selected_mailbox) {
  EXPECT_FALSE(wanting({}).of_selected().messages);
  EXPECT_FALSE(wanting({{Where::selected, {}, {}}}).of_selected().messages);
  const auto at_once = wanting({{Where::selected, {}, {kMessages}}}).of_selected();
  EXPECT_TRUE(at_once.messages && at_once.at_once && !at_once.flags);
  const auto delayed =
      wanting({{Where::selected_delayed, {}, {kMessages | Events::kFlagChange}}}).of_selected();
  EXPECT_TRUE(delayed.messages && !delayed.at_once && delayed.flags);
}

TEST_F(NoticesTest, know_which_mailboxes_are_meant) {
  const Events some{Events::kMailboxName};
  const auto covers = [&](Where where, std::vector<std::string> mailboxes, std::string_view name) {
    return wanting({{where, std::move(mailboxes), some}}).events_of(name) == some;
  };
  subscribed = {"a"};
  EXPECT_TRUE(covers(Where::personal, {}, "x"));
  EXPECT_TRUE(covers(Where::inboxes, {}, "x"));
  EXPECT_TRUE(covers(Where::subscribed, {}, "a"));
  EXPECT_FALSE(covers(Where::subscribed, {}, "b"));
  EXPECT_TRUE(covers(Where::subtree, {"b", "a"}, "a"));
  EXPECT_TRUE(covers(Where::subtree, {"a"}, "a/b/c"));
  EXPECT_FALSE(covers(Where::subtree, {"a"}, "ab"));
  EXPECT_TRUE(covers(Where::mailboxes, {"b", "a"}, "a"));
  EXPECT_FALSE(covers(Where::mailboxes, {"a", "*"}, "a/b"));
  EXPECT_FALSE(covers(Where::selected, {}, "a"));
  EXPECT_EQ(
      wanting({{Where::mailboxes, {"a"}, {kMessages}}, {Where::personal, {}, some}}).events_of("a").bits,
      kMessages | some.bits);
}

TEST_F(NoticesTest, count_the_mail_of_each_mailbox_but_the_selected_one) {
  wanting({{Where::personal, {}, {kMessages}}});
  mail(1, "a");
  mail(1, "a", 2);
  mail(2, "b");
  EXPECT_TRUE(notices->pending());
  EXPECT_EQ(bell.rung, 3);
  const Notices::News news = notices->take(store::MailboxId{2});
  ASSERT_EQ(news.messages.size(), 1U);
  EXPECT_EQ(news.messages.at({1}).added, 3U);
  EXPECT_FALSE(notices->pending());
  notices->happened({.what = What::flags_changed, .mailbox = {1}, .name = "a"});
  EXPECT_FALSE(notices->pending()) << "nobody asked for flags";
}

// RFC 5465 section 5.4: the direct parent too.
TEST_F(NoticesTest, name_what_is_made_and_gone_and_the_level_above) {
  wanting({{Where::personal, {}, {Events::kMailboxName}}});
  named(What::mailbox_made, "a/b/c");
  named(What::mailbox_gone, "a/x");
  named(What::mailbox_renamed, "new", "old");
  EXPECT_THAT(names(), ElementsAre(Name{"a/b/c", ""}, Name{"a/b", ""}, Name{"a/x", ""}, Name{"a", ""},
                                   Name{"new", "old"}));
  wanting({{Where::mailboxes, {"a"}, {Events::kMailboxName}}});
  named(What::mailbox_made, "a/b");
  named(What::mailbox_made, "b");
  EXPECT_THAT(names(), ElementsAre(Name{"a", ""}));
}

TEST_F(NoticesTest, tell_the_end_of_a_subscription_to_who_watches_those) {
  wanting({{Where::subscribed, {}, {Events::kSubscriptionChange}}});
  named(What::subscribed, "a");
  EXPECT_THAT(names(), ElementsAre(Name{"a", ""}));
}

TEST_F(NoticesTest, tell_notes_by_mailbox) {
  wanting({{Where::mailboxes, {"a"}, {Events::kMailboxMetadataChange | Events::kServerMetadataChange}}});
  const auto note = [&](std::uint32_t mailbox, std::string_view name) {
    notices->happened(
        {.what = What::annotated, .mailbox = {mailbox}, .name = name, .entry = "/private/comment"});
  };
  note(1, "a");
  note(1, "a");
  note(2, "b");
  note(0, "");
  notices->forget_entry(store::MailboxId{}, "/private/comment");
  const auto entries = notices->take({}).entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_THAT(entries.at({1}), ElementsAre("/private/comment"));
}

TEST_F(NoticesTest, leave_out_what_the_client_did_itself) {
  wanting({{Where::personal, {}, {kMessages | Events::kMailboxName}}});
  mail(1, "a", 3);
  notices->forget_added({1}, 2);
  EXPECT_TRUE(notices->pending()) << "another one has brought one";
  notices->forget_added({1}, 1);
  EXPECT_FALSE(notices->pending());
  named(What::mailbox_made, "a");
  named(What::mailbox_made, "a/b");
  notices->forget_name("a/b");
  EXPECT_FALSE(notices->pending());
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(NoticesTest, end_when_too_much_has_happened) {
  wanting({{Where::personal, {}, {kMessages}}});
  for (std::uint32_t i = 1; i <= kNoticesMax; ++i) mail(i, "x");
  EXPECT_EQ(notices->take({}).messages.size(), kNoticesMax);
  for (std::uint32_t i = 1; i <= kNoticesMax + 1; ++i) mail(i, "x");
  EXPECT_TRUE(notices->pending());
  const Notices::News news = notices->take({});
  EXPECT_TRUE(news.overflow);
  EXPECT_THAT(news.messages, IsEmpty());
}

}  // namespace
}  // namespace ringpost::access
