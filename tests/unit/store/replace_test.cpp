// A message in the place of another: both or neither.
#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

class ReplaceTest : public StoreTest {
 protected:
  Task<Outcome<Appended>> do_replace(MailboxId from, Uid old, MailboxId to, std::string text) {
    const std::array pieces{bytes_of(text)};
    co_return co_await at.user().replace(
        from, old, to, {.pieces = pieces, .flags = Flags::draft, .keywords = {"new"}, .internal_date = 5});
  }
  Outcome<Appended> replace(Uid old, std::string text, MailboxId from = kInbox, MailboxId to = kInbox) {
    return run(do_replace(from, old, to, std::move(text)));
  }
  std::vector<std::string> texts(std::string_view name = "INBOX") {
    std::vector<std::string> all;
    for (const Message& message : std::vector(box(name).messages().begin(), box(name).messages().end()))
      all.push_back(at.text(message));
    return all;
  }
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(ReplaceTest, is_one_change_with_a_new_uid_and_nothing_inherited) {
  ASSERT_TRUE(
      at.try_append({{.text = "old", .flags = Flags::flagged, .keywords = {"kept"}}, {.text = "other"}}));
  const ModSeq before = box().highest_modseq();
  const auto done = replace(Uid{1}, "new text");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->uid_validity, box().uid_validity());
  EXPECT_THAT(done->uids, ElementsAre(Uid{3}));
  EXPECT_THAT(texts(), ElementsAre("other", "new text"));
  EXPECT_EQ(box().find(Uid{3})->flags, Flags::draft);
  EXPECT_EQ(box().find(Uid{3})->keywords, KeywordBits{1} << *box().keyword("new"));
  EXPECT_EQ(box().vanished(before, UidSet::all()), uids({1}));
  const Seen seen = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), seen);
}

TEST_F(ReplaceTest, may_come_to_another_mailbox) {
  const MailboxId sent = make("Sent");
  at.append("draft");
  ASSERT_TRUE(replace(Uid{1}, "sent", kInbox, sent));
  EXPECT_THAT(texts(), IsEmpty());
  EXPECT_THAT(texts("Sent"), ElementsAre("sent"));
}

TEST_F(ReplaceTest, refuses_what_is_not_there) {
  at.append("old");
  EXPECT_EQ(replace(Uid{2}, "new").error().why, Refused::gone);
  EXPECT_EQ(replace(Uid{1}, "new", MailboxId{77}).error().why, Refused::gone);
  EXPECT_EQ(replace(Uid{1}, "new", kInbox, MailboxId{77}).error().why, Refused::no_mailbox);
  EXPECT_THAT(texts(), ElementsAre("old"));
}

TEST_F(ReplaceTest, counts_only_what_it_is_larger_by) {
  at.settings.quota = {.bytes_max = 10, .messages_max = 2};
  at.reopen();
  at.append("12345");
  at.append("12345");
  EXPECT_TRUE(replace(Uid{1}, "abcde"));
  EXPECT_EQ(replace(Uid{2}, "abcdef").error().why, Refused::over_quota);
  EXPECT_TRUE(replace(Uid{2}, "abcd"));
  EXPECT_TRUE(replace(Uid{3}, "abcdef"));
  EXPECT_THAT(texts(), ElementsAre("abcd", "abcdef"));
  EXPECT_EQ(at.user().bytes_used(), 10U);
}

TEST_F(ReplaceTest, leaves_the_old_one_when_the_disk_fails) {
  for (const bool reaches_disk : {false, true}) {
    const Uid old = at.append("old");
    bool broken = false;
    machine.backend().on_write = fail_next_frame(broken, reaches_disk);
    EXPECT_FALSE(replace(old, "new"));
    EXPECT_TRUE(broken);
    machine.backend().on_write = {};
    at.lose_power();
    at.open();
    // What reached the disk may be there: but the one or the other, never both and never none.
    EXPECT_EQ(texts().size(), 1U);
    ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet::all(), false)));
  }
}

}  // namespace
}  // namespace ringpost::store::testing
