// What is in mailboxes stays there: restarts, power cuts, failed frames, compaction, snapshots.
#include "ringpost/journal/limits.hpp"

#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

TEST_F(StoreTest, has_an_inbox_for_a_new_user) {
  EXPECT_EQ(box().id(), kInbox);
  EXPECT_EQ(box().count(), 0U);
  EXPECT_EQ(box().uid_next(), Uid{1});
  EXPECT_GT(box().uid_validity(), 0U);
  EXPECT_EQ(at.user().find("InBoX"), &box());
  EXPECT_EQ(at.user().find("other"), nullptr);
}

TEST_F(StoreTest, gives_back_what_was_appended_over_a_restart) {
  ASSERT_TRUE(
      at.try_append({{.text = "one", .flags = Flags::seen, .keywords = {"$Junk"}, .facts = "facts of one"},
                     {.text = "", .keywords = {"a", "$JUNK"}},
                     {.text = std::string(700'000, 'x'), .facts = "facts of a large one"}}));
  const Seen before = at.see();
  EXPECT_EQ(before.boxes.at("INBOX").messages.at(1).text, "one");
  EXPECT_THAT(before.boxes.at("INBOX").messages.at(2).keywords, ::testing::ElementsAre("$Junk", "a"));
  for (const bool cut : {false, true, false}) {
    if (cut) {
      at.lose_power();
      at.open();
    } else {
      at.reopen();
    }
    EXPECT_EQ(at.see(), before);
    EXPECT_EQ(at.spool->recovery().damages, 0U);
    const auto facts = run(at.user().facts(box().messages()[2].blob));
    ASSERT_TRUE(facts);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(facts->data()), facts->size()),
              "facts of a large one");
  }
}

TEST_F(StoreTest, reads_any_part_of_a_message_hot_and_cold) {
  std::string text;
  for (int i = 0; text.size() < 600'000; ++i) text += std::to_string(i);
  at.append(text);
  at.append("small message");
  for (const bool cold : {false, true}) {
    if (cold) at.reopen();
    for (const std::uint64_t offset : {0U, 5U, 262'144U, 262'143U, 524'288U, 599'999U, 700'000U}) {
      const auto part = run(at.user().read(box().messages()[0].blob, offset, 1000));
      ASSERT_TRUE(part) << part.error().text;
      EXPECT_EQ(text_of(*part), text.substr(std::min<std::size_t>(offset, text.size()), 1000));
    }
    const auto small = run(at.user().read(box().messages()[1].blob, 6, 100));
    ASSERT_TRUE(small);
    EXPECT_EQ(text_of(*small), "message");
  }
}

TEST_F(StoreTest, never_gives_a_uid_twice) {
  EXPECT_EQ(at.append("one"), Uid{1});
  EXPECT_EQ(at.append("two"), Uid{2});
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({2}), false)));
  at.lose_power();
  at.open();
  EXPECT_EQ(at.append("three"), Uid{3});
  ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet::all(), false)));
  at.let_it_compact();
  at.reopen();
  EXPECT_EQ(box().count(), 0U);
  EXPECT_EQ(at.append("four"), Uid{4});
}

TEST_F(StoreTest, shows_nothing_of_a_frame_that_failed) {
  at.append("one");
  const Seen before = at.see();
  for (const bool reaches_disk : {false, true}) {
    bool broken = false;
    machine.backend().on_write = fail_next_frame(broken, reaches_disk);
    const auto failed = at.try_append({{.text = "never"}});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().error.kind, ErrorKind::temporary);
    EXPECT_EQ(at.see(), before);
    broken = false;
    EXPECT_FALSE(run(at.user().change_flags(kInbox, UidSet::all(), {.flags = Flags::flagged})));
    EXPECT_EQ(at.see(), before);
    machine.backend().on_write = nullptr;
    ASSERT_TRUE(machine.turn_until([&] { return !at.spool->log().write_errors(); }));
  }
  const Uid next = at.append("two");
  EXPECT_GT(next, Uid{2});  // a gap
  const Seen after = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), after);
  EXPECT_EQ(at.spool->recovery().damages, 0U);
  EXPECT_GT(at.append("three"), next);
}

TEST_F(StoreTest, appends_many_at_once_in_one_frame_or_few) {
  at.user();
  std::vector<std::optional<Outcome<Appended>>> done(200);
  const auto one = [&](std::size_t i) -> Task<void> {
    done[i] = co_await at.do_append(at.user(), kInbox, {{.text = "mail " + std::to_string(i)}});
  };
  const std::uint64_t frames = at.spool->log().frames_committed();
  for (std::size_t i = 0; i < done.size(); ++i) machine.core().spawn(one(i));
  ASSERT_TRUE(machine.turn_until(
      [&] { return std::ranges::all_of(done, [](const auto& d) { return d.has_value(); }); }));
  EXPECT_LE(at.spool->log().frames_committed() - frames, 5U);
  std::set<std::uint32_t> given;
  for (const auto& each : done) {
    ASSERT_TRUE(*each);
    given.insert((*each)->uids.front().value);
  }
  EXPECT_EQ(given.size(), 200U);
  const Seen before = at.see();
  at.reopen();
  EXPECT_EQ(at.see(), before);
}

// Of the room that is kept for one nobody else can reserve any, and it is free again when it has been given up.
TEST_F(StoreTest, keeps_room_in_the_quota_for_what_is_on_its_way) {
  at.settings.quota = {.bytes_max = 100, .messages_max = 3};
  at.store->set_settings(at.settings);
  const auto why = [](const auto& outcome) { return outcome ? Refused::none : outcome.error().why; };
  at.append(std::string(40, 'x'));
  for (const Sender sender : {Sender::owner, Sender::others}) {
    auto room = at.user().reserve(1, 60, sender);
    ASSERT_TRUE(room);
    EXPECT_EQ(why(at.user().reserve(1, 1, Sender::others)), Refused::over_quota);
    room->reset();
    EXPECT_EQ(why(at.user().reserve(1, 61, sender)), Refused::over_quota);
    const auto two = at.user().reserve(2, 0, sender);
    ASSERT_TRUE(two);
    EXPECT_EQ(why(at.user().reserve(1, 0, Sender::others)), Refused::over_quota)
        << "messages are counted too";
  }
  EXPECT_EQ(why(at.try_append({{.text = std::string(60, 'x')}})), Refused::none);
}

// Who may put mail into a mailbox of somebody else takes no room from him by beginning to.
TEST_F(StoreTest, room_that_others_have_reserved_is_there_for_the_owner) {
  at.settings.quota = {.bytes_max = 100, .messages_max = 4};
  at.store->set_settings(at.settings);
  const auto why = [](const auto& outcome) { return outcome ? Refused::none : outcome.error().why; };
  const auto room = at.user().reserve(4, 100, Sender::others);
  ASSERT_TRUE(room);
  const auto own = at.user().reserve(1, 100, Sender::owner);
  ASSERT_TRUE(own);
  EXPECT_EQ(why(at.user().reserve(1, 1, Sender::owner)), Refused::over_quota) << "his own count with him";
  EXPECT_EQ(why(at.deliver(std::string(40, 'x'))), Refused::none);
  EXPECT_EQ(why(at.try_append({{.text = std::string(20, 'x')}})), Refused::none);
  EXPECT_EQ(why(run(at.user().copy(kInbox, uids({2}), kInbox))), Refused::none);
  EXPECT_EQ(why(at.try_append({{.text = std::string(21, 'x')}})), Refused::over_quota);
}

TEST_F(StoreTest, reserved_room_grows_where_there_is_some) {
  at.settings.quota = {.bytes_max = 100, .messages_max = 3};
  at.store->set_settings(at.settings);
  auto room = at.user().reserve(1, 60, Sender::others);
  ASSERT_TRUE(room);
  const auto other = at.user().reserve(1, 30, Sender::others);
  ASSERT_TRUE(other);
  EXPECT_TRUE((*room)->resize(2, 70));
  EXPECT_FALSE((*room)->resize(2, 71));
  EXPECT_FALSE((*room)->resize(3, 70));
  EXPECT_FALSE(at.user().reserve(0, 1, Sender::others)) << "it has stayed as it was";
  EXPECT_TRUE((*room)->resize(1, 20));
  EXPECT_TRUE(at.user().reserve(1, 50, Sender::others));
  at.append(std::string(90, 'x'));
  EXPECT_TRUE((*room)->resize(1, 10)) << "less is always to be had";
  EXPECT_FALSE((*room)->resize(1, 11));
}

TEST_F(StoreTest, gives_the_space_of_expunged_mail_back) {
  const std::string text(100'000, 'm');
  at.append("stays");
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 10; ++i) at.append(text + std::to_string(i));
    UidSet all = UidSet::all();
    const Uid first = box().messages()[1].uid;
    ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet({first, Uid{~0U}}), false)));
    at.let_it_compact(std::chrono::seconds{3});
  }
  // 12 MB went through segments of 1 MiB.
  EXPECT_LT(at.spool->log().space().live_bytes, 300'000U);
  EXPECT_LT(at.spool->log().space().segments, 10U);
  const Seen before = at.see();
  EXPECT_EQ(before.boxes.at("INBOX").messages.at(1).text, "stays");
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
  EXPECT_EQ(at.spool->recovery().damages, 0U);
}

Task<bool> accepts(spool::Spool& spool) {
  mail::Envelope envelope;
  envelope.set_reverse_path("from@example.org");
  envelope.add_recipient({.address = "anna@example.org"});
  const std::array pieces{bytes_of("queued")};
  mail::ArrivalFacts facts;
  facts.body.size = pieces[0].size();
  co_return (co_await spool.accept(spool.next_id(), envelope, facts, pieces)).has_value();
}

// Nobody waits for a move, and no mailbox changes before the log has forgotten which frames have failed.
TEST_F(StoreTest, keeps_what_it_has_moved_however_often_the_disk_fails_then) {
  at.append("stays");
  for (int i = 0; i < 12; ++i) at.append(std::string(100'000, 'm'));
  const Uid first = box().messages()[1].uid;
  ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet({first, Uid{~0U}}), false)));
  at.let_it_compact();
  ASSERT_NE(machine.figure("store_moved"), 0U);
  for (std::size_t i = 0; i <= journal::kFailedRangesMax; ++i) {
    bool broken = false;
    machine.backend().on_write = fail_next_frame(broken, false);
    EXPECT_FALSE(run(accepts(*at.spool)));
    EXPECT_TRUE(run(accepts(*at.spool)));
  }
  machine.backend().on_write = nullptr;
  at.append("x");
  EXPECT_EQ(at.text(box().messages().front()), "stays");
}

TEST_F(StoreTest, writes_a_snapshot_when_changes_are_many_and_reads_it_back) {
  for (int i = 0; i < 300; ++i) at.append("mail " + std::to_string(i));
  for (int i = 0; i < 1500; ++i) {
    const FlagChange change{.how = i / 300 % 2 == 0 ? FlagChange::How::add : FlagChange::How::remove,
                            .flags = Flags::flagged,
                            .keywords = {"round"}};
    ASSERT_TRUE(run(at.user().change_flags(kInbox, uids({1 + static_cast<std::uint32_t>(i % 300)}), change)));
  }
  at.let_it_compact();
  const auto& entries = machine.core().figures().entries();
  const auto snapshots = std::ranges::find(entries, "store_snapshots", &observe::Registry::Entry::name);
  ASSERT_NE(snapshots, entries.end());
  EXPECT_GE(snapshots->counter->value(), 1U);
  const Seen before = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
}

TEST_F(StoreTest, keeps_a_snapshot_of_several_pieces) {
  // 56 bytes each: more than one piece of 256 KiB.
  std::vector<Mail> mails(128, Mail{.text = "x"});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(at.try_append(mails));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(run(at.user().copy(kInbox, UidSet::all(), make("copy" + std::to_string(i)))));
  at.let_it_compact();
  const std::size_t used = at.user().messages_used();
  EXPECT_EQ(used, 25'600U);
  at.lose_power();
  at.open();
  EXPECT_EQ(at.user().messages_used(), used);
  ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet::all(), false)));
  at.let_it_compact();
  at.reopen();
  EXPECT_EQ(box().count(), 0U);
  EXPECT_EQ(box("copy2").count(), 6400U);
  EXPECT_EQ(at.text(box("copy1").messages()[77]), "x");
}

TEST_F(StoreTest, forgets_a_deleted_user_for_good) {
  at.append("secret");
  const std::uint32_t validity = box().uid_validity();
  at.users.clear();
  ASSERT_TRUE(run(at.store->remove_user("anna@example.org")));
  EXPECT_TRUE(at.store->users().empty());
  at.lose_power();
  at.open();
  EXPECT_TRUE(at.store->users().empty());
  at.let_it_compact();
  at.reopen();
  EXPECT_TRUE(at.store->users().empty());
  EXPECT_EQ(box().count(), 0U);
  EXPECT_GT(box().uid_validity(), validity);
}

TEST_F(StoreTest, delivers_an_origin_once_until_it_is_confirmed) {
  const MessageId queued = run(enqueue(*at.spool));
  const Origin origin{queued, 3};
  auto first = at.deliver("once", origin);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->uid, Uid{1});
  EXPECT_FALSE(at.deliver("once", origin)->uid);
  ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet::all(), false)));
  EXPECT_FALSE(at.deliver("once", origin)->uid);
  at.lose_power();
  at.open();
  EXPECT_FALSE(at.deliver("once", origin)->uid);
  EXPECT_TRUE(at.deliver("once", {queued, 4})->uid);
  at.store->confirm(at.user().id(), origin);
  ASSERT_TRUE(run(at.store->flush()));
  EXPECT_TRUE(at.deliver("again", origin)->uid);
}

TEST_F(StoreTest, forgets_after_a_restart_the_origins_that_no_queue_has) {
  ASSERT_TRUE(at.deliver("once", {MessageId{77}, 3}));
  at.lose_power();
  at.open();
  at.let_it_compact(std::chrono::seconds{1});  // message 77 is in no queue
  EXPECT_TRUE(at.deliver("again", {MessageId{77}, 3})->uid);
}

// Nobody confirms them: their recipients have expired.
TEST_F(StoreTest, forgets_the_origins_that_no_queue_has_when_a_user_has_many) {
  const Origin queued{run(enqueue(*at.spool)), 0};
  ASSERT_TRUE(at.deliver("queued", queued));
  const auto deliver_ended = [&](std::uint64_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(at.deliver("x", {MessageId{first + i}, 0})->uid);
    at.let_it_compact(std::chrono::seconds{1});
  };
  deliver_ended(1000, kOriginsAtOnce - 1);
  EXPECT_FALSE(at.deliver("again", {MessageId{1000}, 0})->uid) << "not so many yet, but from now on";
  deliver_ended(9000, 1);
  EXPECT_TRUE(at.deliver("again", {MessageId{1000}, 0})->uid);
  EXPECT_FALSE(at.deliver("again", queued)->uid);
  deliver_ended(20'000, kOriginsAtOnce);
  EXPECT_FALSE(at.deliver("again", {MessageId{20'000}, 0})->uid) << "not yet";
  at.let_it_compact(kOriginsCheckedAgain);
  deliver_ended(30'000, 1);
  EXPECT_TRUE(at.deliver("again", {MessageId{20'000}, 0})->uid) << "the next time too";
}

TEST_F(StoreTest, delivers_into_a_mailbox_that_it_makes) {
  ASSERT_TRUE(at.deliver("spam", {}, "Junk"));
  EXPECT_EQ(box("Junk").count(), 1U);
  EXPECT_EQ(box("Junk").special_use(), SpecialUse::junk);
  EXPECT_EQ(box().count(), 0U);
}

TEST_F(StoreTest, refuses_what_is_over_the_quota) {
  Quota own{.bytes_max = 1000, .messages_max = 3};
  at.settings.quota_of = [&](std::string_view user) {
    return user == "anna@example.org" ? std::optional(own) : std::nullopt;
  };
  at.reopen();
  at.append(std::string(900, 'x'));
  EXPECT_EQ(at.try_append({{.text = std::string(101, 'x')}}).error().why, Refused::over_quota);
  at.append(std::string(100, 'x'));
  EXPECT_EQ(at.try_append({{.text = "x"}}).error().why, Refused::over_quota);
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({1}), false)));
  at.append("x");
  at.append("x");
  EXPECT_EQ(at.try_append({{.text = "x"}}).error().why, Refused::over_quota);
  EXPECT_EQ(run(at.user().copy(kInbox, UidSet::all(), make("other"))).error().why, Refused::over_quota);
  own.messages_max = 4;
  at.append("x");  // from now on
  at.settings.quota = {.messages_max = 1};
  at.settings.quota_of = [](std::string_view) { return std::optional<Quota>(); };
  at.reopen();
  EXPECT_EQ(at.user().quota().messages_max, 1U) << "that of all";
  EXPECT_EQ(at.try_append({{.text = "x"}}).error().why, Refused::over_quota);
}

TEST_F(StoreTest, keeps_acknowledged_mail_over_a_cut_at_any_write) {
  // Cut behind the first write, the second, and so on, until all were written.
  for (std::size_t cut_at = 1;; ++cut_at) {
    const std::size_t before = at.see().boxes.at("INBOX").messages.size();
    std::size_t writes = 0;
    machine.backend().on_write = [&](const io::Op&) -> std::optional<WriteFault> {
      ++writes;
      return std::nullopt;
    };
    std::size_t acknowledged = 0;
    bool over = false;
    const auto work = [&]() -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        auto done = co_await at.do_append(at.user(), kInbox, {{.text = std::string(3000, 'a')}});
        acknowledged += done ? 1 : 0;
        (void)co_await at.user().change_flags(kInbox, UidSet::all(), {.flags = Flags::seen});
      }
      over = true;
    };
    at.user();
    machine.core().spawn(work());
    machine.turn_until([&] { return writes >= cut_at || over; });
    at.lose_power();
    at.open();
    const std::size_t after = at.see().boxes.at("INBOX").messages.size();
    EXPECT_GE(after, before + acknowledged) << cut_at;
    EXPECT_LE(after, before + acknowledged + 1) << cut_at;
    EXPECT_EQ(at.spool->recovery().damages, 0U);
    if (over) break;
  }
}

}  // namespace
}  // namespace ringpost::store::testing
