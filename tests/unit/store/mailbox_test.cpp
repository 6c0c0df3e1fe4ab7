// What can be done to mailboxes and their messages, and what is refused.
#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint32_t> values(const UidSet& set) {
  std::vector<std::uint32_t> all;
  for (const UidRange& range : set.ranges())
    for (std::uint32_t uid = range.first.value; uid <= range.last.value; ++uid) all.push_back(uid);
  return all;
}

TEST_F(StoreTest, changes_flags_and_refuses_those_changed_since) {
  for (int i = 0; i < 4; ++i) at.append("mail");
  const auto first =
      run(at.user().change_flags(kInbox, uids({2, 3}), {.flags = Flags::seen, .keywords = {"$Forwarded"}}));
  ASSERT_TRUE(first);
  EXPECT_THAT(values(first->changed), ElementsAre(2, 3));
  EXPECT_EQ(box().unseen(), 2U);
  EXPECT_EQ(box().find(Uid{2})->modseq, first->modseq);
  EXPECT_EQ(box().highest_modseq(), first->modseq);
  FlagChange change{.flags = Flags::flagged, .unchanged_since = ModSeq{first->modseq.value - 1}};
  const auto second = run(at.user().change_flags(kInbox, UidSet::all(), change));
  ASSERT_TRUE(second);
  EXPECT_THAT(values(second->changed), ElementsAre(1, 4));
  EXPECT_THAT(values(second->modified), ElementsAre(2, 3));
  EXPECT_GT(second->modseq, first->modseq);
  const auto none = run(at.user().change_flags(
      kInbox, uids({2}), {.how = FlagChange::How::remove, .flags = Flags::draft, .keywords = {"unknown"}}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->changed.empty());
  EXPECT_EQ(box().keywords().size(), 1U);
  ASSERT_TRUE(run(
      at.user().change_flags(kInbox, uids({2}), {.how = FlagChange::How::replace, .flags = Flags::deleted})));
  EXPECT_EQ(box().find(Uid{2})->flags, Flags::deleted);
  EXPECT_EQ(box().find(Uid{2})->keywords, 0U);
  EXPECT_EQ(box().deleted(), 1U);
  EXPECT_EQ(box().first_unseen(), 0U);
}

TEST_F(StoreTest, knows_the_first_that_was_not_seen_whatever_becomes_of_flags) {
  for (int i = 0; i < 6; ++i) at.append("mail");
  const auto mark = [&](std::initializer_list<std::uint32_t> which, FlagChange::How how) {
    ASSERT_TRUE(run(at.user().change_flags(kInbox, uids(which), {.how = how, .flags = Flags::seen})));
  };
  EXPECT_EQ(box().first_unseen(), 0U);
  mark({1, 2, 4}, FlagChange::How::add);
  EXPECT_EQ(box().first_unseen(), 2U);
  mark({3, 5, 6}, FlagChange::How::add);
  EXPECT_EQ(box().first_unseen(), std::nullopt);
  at.append("one more");
  EXPECT_EQ(box().first_unseen(), 6U);
  mark({2}, FlagChange::How::remove);
  EXPECT_EQ(box().first_unseen(), 1U);
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({1, 2, 3}), false)));
  EXPECT_EQ(box().first_unseen(), 3U);
  mark({7}, FlagChange::How::add);
  EXPECT_EQ(box().first_unseen(), std::nullopt);
}

TEST_F(StoreTest, takes_64_keywords_and_no_more) {
  std::vector<std::string> names;
  for (int i = 0; i < 64; ++i) names.push_back("k" + std::to_string(i));
  ASSERT_TRUE(at.try_append({{.text = "mail", .keywords = names}}));
  EXPECT_EQ(at.try_append({{.text = "mail", .keywords = {"one-more"}}}).error().why, Refused::limit);
  EXPECT_EQ(at.try_append({{.text = "mail", .keywords = {"no keyword"}}}).error().why, Refused::bad_name);
  EXPECT_EQ(box().count(), 1U);
  ASSERT_TRUE(at.try_append({{.text = "mail", .keywords = {"K7"}}}));
  EXPECT_EQ(box().find(Uid{2})->keywords, 1U << 7);
}

TEST_F(StoreTest, expunges_what_is_deleted_and_remembers_it) {
  for (int i = 0; i < 6; ++i) at.append("mail");
  const ModSeq before = box().highest_modseq();
  ASSERT_TRUE(run(at.user().change_flags(kInbox, uids({2, 3, 5}), {.flags = Flags::deleted})));
  const auto gone = run(at.user().expunge(kInbox, uids({1, 2, 5, 6, 9})));
  ASSERT_TRUE(gone);
  EXPECT_THAT(values(*gone), ElementsAre(2, 5));
  EXPECT_EQ(box().count(), 4U);
  EXPECT_EQ(box().deleted(), 1U);
  EXPECT_EQ(box().lower_bound(Uid{5}), 3U);
  EXPECT_THAT(values(box().vanished(before, UidSet::all())), ElementsAre(2, 5));
  EXPECT_THAT(values(box().vanished(before, uids({5, 6}))), ElementsAre(5));
  EXPECT_TRUE(box().vanished(box().highest_modseq(), UidSet::all()).empty());
  at.reopen();
  EXPECT_THAT(values(box().vanished(before, UidSet::all())), ElementsAre(2, 5));
}

TEST_F(StoreTest, forgets_the_oldest_of_many_expunges_but_never_lies) {
  std::vector<Mail> mails(128, Mail{.text = "x"});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(at.try_append(mails));
  const MailboxId other = make("other");
  const ModSeq before = box("other").highest_modseq();
  // Every second one of 2560, so each is a range of its own; again and again.
  UidSet odd;
  for (std::uint32_t uid = 1; uid <= 2560; uid += 2) odd.append(Uid{uid});
  std::uint32_t next = 1;
  for (std::size_t gone = 0; gone <= kVanishedMax; gone += 1280) {
    ASSERT_TRUE(run(at.user().copy(kInbox, UidSet::all(), other)));
    UidSet which;
    for (std::uint32_t uid = next; uid < next + 2560; uid += 2) which.append(Uid{uid});
    ASSERT_TRUE(run(at.user().expunge(other, which, false)));
    UidSet rest;
    rest.append(UidRange{Uid{next}, Uid{next + 2559}});
    if (gone != 0) ASSERT_TRUE(run(at.user().expunge(other, rest, false)));
    next += 2560;
    if (::testing::Test::HasFailure()) return;
  }
  // Of the first 2560 half are there; all else has gone, and is said to have.
  const UidSet vanished = box("other").vanished(before, UidSet::all());
  EXPECT_EQ(vanished.count() + box("other").count(), box("other").uid_next().value - 1);
  for (const Message& message : box("other").messages()) ASSERT_FALSE(vanished.contains(message.uid));
}

TEST_F(StoreTest, copies_leave_behind_what_may_not_come_along) {
  ASSERT_TRUE(at.try_append({{.text = "one", .flags = Flags::seen | Flags::deleted, .keywords = {"a"}},
                             {.text = "two", .flags = Flags::flagged}}));
  const MailboxId other = make("other");
  const FlagsKept some{.flags = Flags::seen, .keywords = false};
  ASSERT_TRUE(run(at.user().copy(kInbox, UidSet::all(), other, some)));
  EXPECT_EQ(box("other").find(Uid{1})->flags, Flags::seen);
  EXPECT_EQ(box("other").find(Uid{2})->flags, Flags::none);
  EXPECT_TRUE(box("other").keywords().empty()) << "no name is used up";
  EXPECT_EQ(box("other").deleted(), 0U);
  ASSERT_TRUE(run(at.user().move(kInbox, uids({1}), other, {.flags = Flags::none, .keywords = true})));
  EXPECT_EQ(box("other").find(Uid{3})->flags, Flags::none);
  EXPECT_EQ(box("other").keywords().size(), 1U);
  EXPECT_EQ(box().find(Uid{2})->flags, Flags::flagged);
  const Seen before = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
}

TEST_F(StoreTest, takes_a_thousand_messages_in_one_change_and_no_more) {
  std::vector<Mail> mails(kAppendsMax, Mail{.text = "x"});
  ASSERT_TRUE(at.try_append(mails));
  EXPECT_EQ(box().count(), kAppendsMax);
  mails.push_back(Mail{.text = "x"});
  EXPECT_EQ(at.try_append(mails).error().why, Refused::limit);
  const Seen before = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
}

TEST_F(StoreTest, copies_and_moves_with_flags_keywords_and_one_body) {
  ASSERT_TRUE(at.try_append(
      {{.text = "one", .flags = Flags::seen, .keywords = {"a", "b"}}, {.text = "two", .keywords = {"b"}}}));
  const MailboxId other = make("Archive/2026");
  ASSERT_TRUE(at.try_append({{.text = "there", .keywords = {"x", "b"}}}, other));
  EXPECT_NE(at.user().find("Archive"), nullptr);
  const auto copied = run(at.user().copy(kInbox, UidSet::all(), other));
  ASSERT_TRUE(copied);
  EXPECT_THAT(values(copied->from), ElementsAre(1, 2));
  EXPECT_THAT(values(copied->to), ElementsAre(2, 3));
  EXPECT_EQ(copied->uid_validity, box("Archive/2026").uid_validity());
  const Seen seen = at.see();
  EXPECT_THAT(seen.boxes.at("Archive/2026").messages.at(2).keywords, ElementsAre("a", "b"));
  EXPECT_EQ(seen.boxes.at("Archive/2026").messages.at(3).text, "two");
  EXPECT_EQ(box("Archive/2026").find(Uid{2})->blob, box().find(Uid{1})->blob);
  const auto moved = run(at.user().move(kInbox, uids({2}), other));
  ASSERT_TRUE(moved);
  EXPECT_EQ(box().count(), 1U);
  EXPECT_EQ(box("Archive/2026").count(), 4U);
  ASSERT_TRUE(run(at.user().expunge(other, UidSet::all(), false)));
  EXPECT_EQ(at.text(*box().find(Uid{1})), "one");
  const Seen before = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
}

TEST_F(StoreTest, makes_renames_and_deletes_mailboxes) {
  const MailboxId deep = make("a/b/c");
  EXPECT_EQ(at.user().mailboxes().size(), 4U);
  EXPECT_EQ(run(at.user().create("a/b")).error().why, Refused::exists);
  EXPECT_EQ(run(at.user().create("inbox")).error().why, Refused::exists);
  for (const char* bad : {"", "/x", "x/", "x//y", "x*", "x%", "\x01", "\xFF"})
    EXPECT_EQ(run(at.user().create(bad)).error().why, Refused::bad_name) << bad;
  const MailboxId a = at.user().find("a")->id();
  EXPECT_EQ(run(at.user().rename(a, "a/b/d")).error().why, Refused::bad_name);
  EXPECT_EQ(run(at.user().remove(a)).error().why, Refused::has_children);
  EXPECT_EQ(run(at.user().remove(kInbox)).error().why, Refused::inbox);
  const std::uint32_t validity = at.user().find("a/b/c")->uid_validity();
  ASSERT_TRUE(run(at.user().rename(a, "new/z")));
  EXPECT_EQ(at.user().find("a/b/c"), nullptr);
  EXPECT_EQ(at.user().find("new/z/b/c")->id(), deep);
  EXPECT_EQ(at.user().find(deep)->uid_validity(), validity);
  ASSERT_TRUE(run(at.user().remove(deep)));
  EXPECT_EQ(run(at.user().remove(deep)).error().why, Refused::no_mailbox);
  make("new/z/b/c");
  EXPECT_GT(at.user().find("new/z/b/c")->uid_validity(), validity);
  EXPECT_NE(at.user().find("new/z/b/c")->id(), deep);
  ASSERT_TRUE(run(at.user().subscribe("new/z", true)));
  ASSERT_TRUE(run(at.user().subscribe("gone", true)));
  ASSERT_TRUE(run(at.user().subscribe("gone", false)));
  ASSERT_TRUE(run(at.user().set_special_use(a, SpecialUse::sent)));
  const Seen before = at.see();
  EXPECT_THAT(before.subscriptions, ElementsAre("new/z"));
  at.reopen();
  EXPECT_EQ(at.see(), before);
  EXPECT_EQ(at.user().find("new/z")->special_use(), SpecialUse::sent);
}

// Of a mailbox of somebody else, whose name is as long as it may be.
TEST_F(StoreTest, subscribes_to_longer_names_than_mailboxes_have) {
  const std::string longest(kSubscribedNameMax, 'x');
  EXPECT_TRUE(run(at.user().subscribe(longest, true)));
  EXPECT_FALSE(run(at.user().subscribe(longest + "x", true)));
  EXPECT_FALSE(run(at.user().create(longest)));
  std::string deep = "a";
  for (std::size_t i = 1; i < kSubscribedDepthMax; ++i) deep += "/a";
  EXPECT_TRUE(run(at.user().subscribe(deep, true)));
  EXPECT_FALSE(run(at.user().subscribe(deep + "/a", true)));
  ASSERT_TRUE(run(at.user().rebuild()));
  at.reopen();
  EXPECT_TRUE(at.user().subscribed(longest));
  EXPECT_TRUE(at.user().subscribed(deep));
}

TEST_F(StoreTest, renames_the_inbox_by_moving_its_mail) {
  ASSERT_TRUE(at.try_append({{.text = "one", .keywords = {"k"}}, {.text = "two"}}));
  ASSERT_TRUE(run(at.user().rename(kInbox, "old/mail")));
  EXPECT_EQ(box().count(), 0U);
  EXPECT_EQ(box().uid_next(), Uid{3});
  EXPECT_EQ(box("old/mail").count(), 2U);
  const Seen before = at.see();
  EXPECT_THAT(before.boxes.at("old/mail").messages.at(1).keywords, ElementsAre("k"));
  at.reopen();
  EXPECT_EQ(at.see(), before);
}

TEST_F(StoreTest, drops_the_mail_of_a_deleted_mailbox) {
  const MailboxId other = make("other");
  at.append(std::string(5000, 'x'), other);
  at.append("stays");
  ASSERT_TRUE(run(at.user().remove(other)));
  EXPECT_EQ(at.user().bytes_used(), 5U);
  EXPECT_EQ(at.try_append({{.text = "x"}}, other).error().why, Refused::no_mailbox);
  at.reopen();
  EXPECT_EQ(at.see().bytes, 5U);
}

// ---- what a session sees

struct Bell final : Listener {
  void changed() override { ++rung; }
  int rung = 0;
};

TEST_F(StoreTest, tells_a_session_of_changes_in_order_and_only_when_it_asks) {
  for (int i = 0; i < 5; ++i) at.append("mail");
  Bell bell;
  View view(at.user(), kInbox, &bell);
  EXPECT_EQ(view.exists(), 5U);
  EXPECT_EQ(box().recent(), 5U);
  EXPECT_EQ(view.take_recent(), Uid{1});
  EXPECT_EQ(box().recent(), 0U);
  at.append("new");
  EXPECT_EQ(bell.rung, 1);
  EXPECT_EQ(view.exists(), 5U);
  EXPECT_EQ(view.sequence_of(Uid{6}), 0U);
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({2, 4}), false)));
  EXPECT_EQ(view.exists(), 5U);
  EXPECT_EQ(view.sequence_of(Uid{5}), 5U);
  EXPECT_EQ(view.uid_at(4), Uid{4});  // gone, and not told of
  EXPECT_EQ(view.uid_at(3), Uid{3});
  EXPECT_FALSE(view.uid_at(6));
  ASSERT_TRUE(run(at.user().change_flags(kInbox, uids({5}), {.flags = Flags::seen})));
  auto news = view.take(false);
  EXPECT_TRUE(news.expunged.empty());
  EXPECT_EQ(news.exists, 6U);
  EXPECT_THAT(news.changed, ElementsAre(Uid{5}));
  EXPECT_TRUE(view.pending());
  EXPECT_EQ(view.uid_at(6), Uid{6});
  news = view.take(true);
  EXPECT_THAT(news.expunged, ElementsAre(2U, 3U));
  EXPECT_THAT(values(news.vanished), ElementsAre(2, 4));
  EXPECT_FALSE(news.exists);
  EXPECT_FALSE(view.pending());
  EXPECT_EQ(view.exists(), 4U);
  EXPECT_EQ(view.uid_at(2), Uid{3});
}

// With a later one the client would come back, and never hear that the message has gone.
TEST_F(StoreTest, gives_a_session_no_mod_sequence_behind_what_it_was_not_told_of) {
  for (int i = 0; i < 3; ++i) at.append("mail");
  View view(at.user(), kInbox, nullptr);
  const ModSeq before = box().highest_modseq();
  EXPECT_EQ(view.told_modseq(), before);
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({2}), false)));
  ASSERT_TRUE(run(at.user().change_flags(kInbox, uids({3}), {.flags = Flags::seen})));
  EXPECT_EQ(view.told_modseq(), before);
  (void)view.take(false);
  EXPECT_EQ(view.told_modseq(), before);
  EXPECT_THAT(values(box().vanished(view.told_modseq(), UidSet::all())), ElementsAre(2));
  (void)view.take(true);
  EXPECT_EQ(view.told_modseq(), box().highest_modseq());
  ASSERT_TRUE(run(at.user().change_flags(kInbox, uids({3}), {.flags = Flags::flagged})));
  EXPECT_EQ(view.told_modseq(), box().highest_modseq());
}

TEST_F(StoreTest, does_not_tell_a_session_of_its_own_flags) {
  at.append("mail");
  View mine(at.user(), kInbox, nullptr);
  View other(at.user(), kInbox, nullptr);
  ASSERT_TRUE(run(at.user().change_flags(kInbox, UidSet::all(), {.flags = Flags::seen, .by = &mine})));
  EXPECT_FALSE(mine.pending());
  EXPECT_THAT(other.take(true).changed, ElementsAre(Uid{1}));
}

TEST_F(StoreTest, tells_a_session_that_its_mailbox_has_gone) {
  const MailboxId other = make("other");
  View view(at.user(), other, nullptr);
  ASSERT_TRUE(run(at.user().remove(other)));
  EXPECT_TRUE(view.take(true).mailbox_gone);
  EXPECT_EQ(view.mailbox(), nullptr);
  EXPECT_EQ(view.exists(), 0U);
}

// A session that keeps a list, against one that does as the view says.
TEST_F(StoreTest, counts_as_a_plain_list_does_under_random_changes) {
  std::uint64_t seed = 99;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
  };
  at.append("mail");
  View view(at.user(), kInbox, nullptr);
  std::vector<Uid> list{Uid{1}};
  for (int step = 0; step < 400; ++step) {
    const auto last = static_cast<std::uint32_t>(box().uid_next().value);
    switch (random(4)) {
      case 0:
      case 1:
        at.append("mail");
        break;
      case 2: {
        UidSet some;
        for (std::uint64_t i = 0; i < random(4); ++i) {
          const Uid uid{static_cast<std::uint32_t>(random(last) + 1)};
          some.add({uid, uid});
        }
        ASSERT_TRUE(run(at.user().expunge(kInbox, some, false)));
        break;
      }
      default: {
        const auto news = view.take(random(2) == 0);
        for (const std::size_t gone : news.expunged) {
          ASSERT_LE(gone, list.size());
          list.erase(list.begin() + static_cast<std::ptrdiff_t>(gone) - 1);
        }
        const std::size_t exists = news.exists.value_or(list.size());
        ASSERT_GE(exists, list.size());
        for (std::size_t i = list.size() + 1; i <= exists; ++i) list.push_back(view.uid_at(i));
        break;
      }
    }
    ASSERT_EQ(view.exists(), list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      ASSERT_EQ(view.uid_at(i + 1), list[i]);
      ASSERT_EQ(view.sequence_of(list[i]), i + 1);
    }
  }
  view.take(true);
  ASSERT_EQ(view.exists(), box().count());
}

TEST(UidSet, adds_ranges_in_any_order_as_a_set_of_numbers_does) {
  std::uint64_t seed = 5;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::uint32_t>((seed >> 33) % below);
  };
  for (int round = 0; round < 200; ++round) {
    UidSet set;
    std::set<std::uint32_t> plain;
    for (int i = 0; i < 12; ++i) {
      const std::uint32_t first = random(60) + 1;
      const std::uint32_t last = first + random(6);
      if (random(2) == 0)
        set.add({Uid{first}, Uid{last}});
      else
        set.append(UidRange{Uid{first}, Uid{last}});
      for (std::uint32_t uid = first; uid <= last; ++uid) plain.insert(uid);
    }
    ASSERT_EQ(values(set), std::vector<std::uint32_t>(plain.begin(), plain.end()));
    for (std::size_t i = 1; i < set.ranges().size(); ++i)
      ASSERT_GT(set.ranges()[i].first.value, set.ranges()[i - 1].last.value + 1);
    for (std::uint32_t uid = 1; uid < 70; ++uid) ASSERT_EQ(set.contains(Uid{uid}), plain.contains(uid));
  }
}

}  // namespace
}  // namespace ringpost::store::testing
