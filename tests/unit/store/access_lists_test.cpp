// What owners allow to others: it stays, goes with its mailbox, and is told to all cores.
#include <algorithm>
#include <array>

#include "store/account.hpp"
#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using List = std::map<std::string, std::string>;

class AccessListsTest : public StoreTest {
 protected:
  Refused grant(MailboxId on, std::string identifier, std::string_view letters,
                RightsChange how = RightsChange::replace) {
    const auto done = run(at.user().set_access(on, std::move(identifier), *Rights::parse(letters), how));
    return done ? Refused::none : done.error().why;
  }
  List list(MailboxId of) {
    List list;
    for (const auto& [identifier, rights] : at.user().access_list(of)) list[identifier] = rights.to_string();
    return list;
  }
  List list(std::string_view name) { return list(at.user().find(name)->id()); }
  std::vector<std::string> owners(std::string_view reader) { return at.store->owners_sharing_with(reader); }
};

TEST_F(AccessListsTest, are_set_added_to_and_taken_from) {
  EXPECT_EQ(grant(kInbox, "bert", "lr"), Refused::none);
  EXPECT_EQ(grant(kInbox, "-anyone", "w"), Refused::none);
  EXPECT_EQ(grant(kInbox, "bert", "sl", RightsChange::add), Refused::none);
  EXPECT_EQ(grant(kInbox, "carla", "p", RightsChange::add), Refused::none);
  EXPECT_EQ(list(kInbox), (List{{"bert", "lrs"}, {"-anyone", "w"}, {"carla", "p"}}));
  EXPECT_EQ(grant(kInbox, "bert", "lw", RightsChange::remove), Refused::none);
  EXPECT_EQ(grant(kInbox, "carla", "p", RightsChange::remove), Refused::none);
  EXPECT_EQ(grant(kInbox, "dora", "p", RightsChange::remove), Refused::none);
  EXPECT_EQ(list(kInbox), (List{{"bert", "rs"}, {"-anyone", "w"}}));
  EXPECT_EQ(grant(kInbox, "bert", ""), Refused::none);
  EXPECT_EQ(grant(kInbox, "-anyone", "a"), Refused::none);
  EXPECT_EQ(list(kInbox), (List{{"-anyone", "a"}}));
}

TEST_F(AccessListsTest, have_no_entry_of_the_owner_nor_of_nobody) {
  EXPECT_EQ(grant(kInbox, "anna@example.org", "lr"), Refused::bad_name);
  EXPECT_EQ(grant(kInbox, "-anna@example.org", "lr"), Refused::bad_name);
  EXPECT_EQ(grant(kInbox, "", "lr"), Refused::bad_name);
  EXPECT_EQ(grant(kInbox, "-", "lr"), Refused::bad_name);
  EXPECT_EQ(grant(kInbox, std::string(kUserNameMax + 1, 'x'), "l"), Refused::bad_name);
  EXPECT_EQ(grant(MailboxId{}, "bert", "l"), Refused::no_mailbox);
  EXPECT_EQ(list(kInbox), List{});
  EXPECT_EQ(grant(kInbox, "-" + std::string(kUserNameMax, 'x'), "l"), Refused::none);
}

TEST_F(AccessListsTest, stay_over_a_restart_a_cut_and_a_snapshot) {
  const MailboxId made = make("made");
  ASSERT_EQ(grant(made, "bert", "lrswipkxtea"), Refused::none);
  ASSERT_EQ(grant(made, "anyone", "l"), Refused::none);
  ASSERT_EQ(grant(kInbox, "-bert", "r"), Refused::none);
  ASSERT_EQ(grant(made, "carla", "l"), Refused::none);
  ASSERT_EQ(grant(made, "carla", ""), Refused::none);
  const auto check = [&] {
    EXPECT_EQ(list(made), (List{{"bert", "lrswipkxtea"}, {"anyone", "l"}}));
    EXPECT_EQ(list(kInbox), (List{{"-bert", "r"}}));
    EXPECT_THAT(owners("bert"), ElementsAre("anna@example.org"));
    EXPECT_THAT(owners("emil"), ElementsAre("anna@example.org"));
  };
  check();
  at.lose_power();
  at.open();
  check();
  ASSERT_TRUE(run(at.user().rebuild()));  // a snapshot, and what is in it read back
  at.reopen();
  check();
  ASSERT_EQ(grant(made, "bert", ""), Refused::none);
  ASSERT_EQ(grant(made, "anyone", ""), Refused::none);
  at.lose_power();
  at.open();
  EXPECT_EQ(list(made), List{});
  EXPECT_THAT(owners("bert"), IsEmpty());
}

TEST_F(AccessListsTest, that_are_not_durable_are_not_there) {
  at.user();
  bool broken = false;
  machine.backend().on_write = fail_next_frame(broken, false);
  EXPECT_FALSE(run(at.user().set_access(kInbox, "bert", Right::read)));
  EXPECT_EQ(list(kInbox), List{});
  EXPECT_THAT(owners("bert"), IsEmpty());
  machine.backend().on_write = nullptr;
}

// What stands before a change in its turn is done when it is asked whether it may be.
TEST_F(AccessListsTest, a_change_is_asked_for_when_it_has_its_turn) {
  const MailboxId made = make("made");
  ASSERT_EQ(grant(made, "bert", "la"), Refused::none);
  UserMail& anna = at.user();
  const May may = [&]() -> Outcome<> {
    if (rights_of(anna.access_list(made), "bert").has(Right::administer)) return {};
    return std::unexpected(Failure{Refused::not_allowed, {}});
  };
  std::vector<Refused> answers;
  const auto tell = [&](Task<Outcome<>> change) -> Task<void> {
    const auto done = co_await std::move(change);
    answers.push_back(done ? Refused::none : done.error().why);
  };
  const std::array<Annotation, 1> note{{{"/shared/comment", "x"}}};
  const auto how = RightsChange::replace;
  for (int i = 0; i < 2; ++i)
    machine.core().spawn(tell(anna.set_access(made, "bert", Rights::all(), how, may)));
  machine.core().spawn(tell(anna.set_access(made, "bert", {})));
  machine.core().spawn(tell(anna.set_access(made, "bert", Rights::all(), how, may)));
  machine.core().spawn(tell(anna.rename(made, "taken", may)));
  machine.core().spawn(tell(anna.annotate(made, note, may)));
  machine.core().spawn(tell(anna.remove(made, may)));
  ASSERT_TRUE(machine.turn_until([&] { return answers.size() == 7; }));
  ASSERT_THAT(answers, ElementsAre(Refused::none, Refused::none, Refused::none, Refused::not_allowed,
                                   Refused::not_allowed, Refused::not_allowed, Refused::not_allowed));
  EXPECT_EQ(list("made"), List{});
  EXPECT_TRUE(anna.annotations(made).empty());
}

TEST_F(AccessListsTest, flags_and_expunges_are_asked_for_when_they_have_their_turn) {
  ASSERT_EQ(grant(kInbox, "bert", "lrwte"), Refused::none);
  const Uid uid = at.append("one");
  const UidSet one({uid, uid});
  UserMail& anna = at.user();
  const auto may = [&](Right right) -> May {
    return [&anna, right]() -> Outcome<> {
      if (rights_of(anna.access_list(kInbox), "bert").has(right)) return {};
      return std::unexpected(Failure{Refused::not_allowed, {}});
    };
  };
  std::vector<Refused> answers;
  const auto tell = [&](auto change) -> Task<void> {
    const auto done = co_await std::move(change);
    answers.push_back(done ? Refused::none : done.error().why);
  };
  const auto flag = [&](Flags which, Right right) {
    machine.core().spawn(tell(anna.change_flags(kInbox, one, {.flags = which}, may(right))));
  };
  flag(Flags::flagged, Right::write);
  flag(Flags::deleted, Right::trash);
  machine.core().spawn(tell(anna.set_access(kInbox, "bert", Right::lookup)));
  flag(Flags::answered, Right::write);
  machine.core().spawn(tell(anna.expunge(kInbox, one, true, may(Right::expunge))));
  ASSERT_TRUE(machine.turn_until([&] { return answers.size() == 5; }));
  EXPECT_THAT(answers, ElementsAre(Refused::none, Refused::none, Refused::none, Refused::not_allowed,
                                   Refused::not_allowed));
  ASSERT_NE(box().find(uid), nullptr);
  EXPECT_EQ(box().find(uid)->flags, Flags::flagged | Flags::deleted);
}

TEST_F(AccessListsTest, who_may_not_makes_nothing_and_puts_nothing_in) {
  UserMail& anna = at.user();
  const May may = [] { return Outcome<>(std::unexpected(Failure{Refused::not_allowed, {}})); };
  const auto created = run(anna.create("made", SpecialUse::none, may));
  EXPECT_FALSE(created);
  EXPECT_EQ(anna.find("made"), nullptr);
  const Uid uid = at.append("one");
  const auto copied = run(anna.copy(kInbox, UidSet({uid, uid}), kInbox, {}, may));
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().why, Refused::not_allowed);
  const auto bytes = bytes_of("two");
  NewMessage message;
  message.pieces = {&bytes, 1};
  const auto appended = run(anna.append(kInbox, {&message, 1}, may));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().why, Refused::not_allowed);
  EXPECT_EQ(anna.messages_used(), 1U);
}

TEST_F(AccessListsTest, follow_a_rename_and_go_with_their_mailbox) {
  const MailboxId made = make("made");
  ASSERT_EQ(grant(made, "bert", "lr"), Refused::none);
  ASSERT_EQ(grant(make("shared"), "carla", "l"), Refused::none);
  ASSERT_TRUE(run(at.user().rename(made, "shared/new/other")));
  EXPECT_EQ(list("shared/new/other"), (List{{"bert", "lr"}})) << "it is the same mailbox";
  EXPECT_EQ(list("shared/new"), (List{{"carla", "l"}})) << "made for it, below one that is shared";
  ASSERT_TRUE(run(at.user().remove(made)));
  EXPECT_THAT(owners("bert"), IsEmpty());
  EXPECT_EQ(list(make("made")), List{});
  EXPECT_EQ(grant(made, "bert", "l"), Refused::no_mailbox);
  at.reopen();
  EXPECT_EQ(list("made"), List{});
  EXPECT_EQ(list(made), List{});
}

// RFC 4314 section 4.
TEST_F(AccessListsTest, of_a_new_mailbox_are_those_of_its_parent) {
  ASSERT_EQ(grant(make("a"), "bert", "lr"), Refused::none);
  ASSERT_EQ(grant(kInbox, "carla", "l"), Refused::none);
  make("a/b/c");
  make("inbox/x");
  make("d/e");
  ASSERT_EQ(grant(at.user().find("a")->id(), "bert", ""), Refused::none);
  const auto check = [&] {
    EXPECT_EQ(list("a"), List{}) << "and each has its own from then on";
    EXPECT_EQ(list("a/b"), (List{{"bert", "lr"}}));
    EXPECT_EQ(list("a/b/c"), (List{{"bert", "lr"}}));
    EXPECT_EQ(list("INBOX/x"), (List{{"carla", "l"}}));
    EXPECT_EQ(list("d/e"), List{});
  };
  check();
  at.lose_power();
  at.open();
  check();
}

TEST_F(AccessListsTest, of_the_inbox_are_copied_when_it_is_renamed) {
  ASSERT_EQ(grant(kInbox, "bert", "lr"), Refused::none);
  ASSERT_EQ(grant(make("a"), "carla", "l"), Refused::none);
  at.append("one");
  ASSERT_TRUE(run(at.user().rename(kInbox, "a/b/c")));
  EXPECT_EQ(list(kInbox), (List{{"bert", "lr"}}));
  EXPECT_EQ(list("a/b"), (List{{"carla", "l"}}));
  EXPECT_EQ(list("a/b/c"), (List{{"bert", "lr"}}))
      << "who could read the messages still can, and nobody else";
  ASSERT_EQ(grant(kInbox, "bert", ""), Refused::none);
  ASSERT_TRUE(run(at.user().rename(kInbox, "a/d")));
  EXPECT_EQ(list("a/d"), List{}) << "what only the owner could read";
}

TEST_F(AccessListsTest, are_as_long_as_they_may_be_and_not_longer) {
  const MailboxId made = make("made");
  const auto name = [](std::size_t i) { return "user" + std::to_string(1000 + i); };
  for (std::size_t i = 0; i < kAccessEntriesMax; ++i) ASSERT_EQ(grant(made, name(i), "l"), Refused::none);
  EXPECT_EQ(grant(made, "more", "l"), Refused::limit);
  EXPECT_EQ(grant(made, name(0), "lr"), Refused::none) << "it is there already";
  EXPECT_EQ(grant(made, "more", ""), Refused::none);
  ASSERT_EQ(grant(made, name(0), ""), Refused::none);
  EXPECT_EQ(grant(made, "more", "l"), Refused::none);
  EXPECT_EQ(list(made).size(), kAccessEntriesMax);
}

TEST_F(AccessListsTest, have_as_many_names_as_they_may_and_not_more) {
  std::size_t given = 0;
  const auto name = [](std::size_t i) { return "user" + std::to_string(1000 + i); };
  for (; given < kAccessIdentifiersMax; ++given) {
    const std::string box = "box" + std::to_string(given / kAccessEntriesMax);
    const Mailbox* there = at.user().find(box);
    ASSERT_EQ(grant(there == nullptr ? make(box) : there->id(), name(given), "l"), Refused::none);
  }
  EXPECT_EQ(grant(kInbox, "more", "l"), Refused::limit);
  EXPECT_EQ(grant(kInbox, name(0), "l"), Refused::none) << "a name that stands elsewhere";
  ASSERT_EQ(grant(box("box1").id(), name(kAccessEntriesMax), ""), Refused::none);
  EXPECT_EQ(grant(kInbox, "more", "l"), Refused::none);
}

TEST_F(AccessListsTest, of_all_mailboxes_are_bounded_together) {
  const MailboxId full = make("full");
  for (std::size_t i = 0; i < kAccessEntriesMax; ++i)
    ASSERT_EQ(grant(full, "user" + std::to_string(i), "l"), Refused::none);
  const std::size_t fit = kAccessEntriesOfUserMax / kAccessEntriesMax;
  for (std::size_t i = 1; i < fit; ++i) make("full/" + std::to_string(i));
  const auto refused = run(at.user().create("full/more"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, Refused::limit);
  EXPECT_EQ(at.user().find("full/more"), nullptr);
  EXPECT_EQ(grant(kInbox, "user0", "l"), Refused::limit);
  EXPECT_EQ(grant(full, "user0", "lr"), Refused::none);
  ASSERT_EQ(grant(full, "user1", ""), Refused::none);
  EXPECT_EQ(grant(kInbox, "user0", "l"), Refused::none);
  EXPECT_TRUE(run(at.user().create("other")));
  ASSERT_TRUE(run(at.user().rebuild()));
  at.reopen();
  EXPECT_EQ(list("full/1").size(), kAccessEntriesMax);
}

// The table of all cores knows each name once, however many mailboxes have it.
TEST_F(AccessListsTest, are_known_to_all_cores_from_the_first_to_the_last) {
  const MailboxId one = make("one");
  const MailboxId two = make("two");
  ASSERT_EQ(grant(one, "bert", "l"), Refused::none);
  ASSERT_EQ(grant(two, "bert", "p"), Refused::none);
  ASSERT_EQ(grant(two, "-carla", "p"), Refused::none);
  EXPECT_THAT(owners("bert"), ElementsAre("anna@example.org"));
  EXPECT_THAT(owners("carla"), IsEmpty());
  EXPECT_TRUE(at.store->shares_with("anna@example.org", "bert"));
  EXPECT_FALSE(at.store->shares_with("anna@example.org", "carla"));
  ASSERT_EQ(grant(one, "bert", ""), Refused::none);
  EXPECT_TRUE(at.store->shares_with("anna@example.org", "bert"));
  ASSERT_TRUE(run(at.user().remove(two)));
  EXPECT_FALSE(at.store->shares_with("anna@example.org", "bert"));
  ASSERT_EQ(grant(one, "bert", "l"), Refused::none);
  ASSERT_TRUE(run(at.store->remove_user("anna@example.org")));
  EXPECT_THAT(owners("bert"), IsEmpty());
  at.users.clear();
  EXPECT_EQ(list(kInbox), List{}) << "of the next user of this name";
  at.reopen();
  EXPECT_THAT(owners("bert"), IsEmpty());
}

// A batch with the operations of one change, applied to an account without a store.
void apply(Account& account, Batch& batch) {
  EXPECT_TRUE(account.apply(batch.finish(account.lsn() + 1), nullptr));
}

TEST(AccountWithAccessLists, writes_snapshots_as_before_there_were_any) {
  Account account(UserId{1});
  Batch begin;
  begin.add(Operation::user_named, 0, std::string_view("anna"));
  begin.add(Operation::mailbox_made, 0, MailboxMade{.mailbox = 1, .uid_validity = 1},
            std::string_view("INBOX"));
  apply(account, begin);
  const auto bare = account.snapshot();
  Batch grant;
  grant.add(Operation::granted, 0, InMailbox{1, Rights::all().bits()}, std::string_view("bert"));
  apply(account, grant);
  const auto with_list = account.snapshot();
  const auto again = Account::restore(UserId{1}, 2, with_list);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->access_lists().of(kInbox).at("bert"), Rights::all());
  EXPECT_EQ(again->snapshot(), with_list);
  // Behind the mailboxes stands an empty list of annotations, 8 bytes, and then what is new; nothing of it is read in part.
  for (std::size_t size = bare.size() + 9; size < with_list.size(); ++size)
    EXPECT_EQ(Account::restore(UserId{1}, 2, std::span(with_list).first(size)), nullptr) << size;
  Batch take;
  take.add(Operation::granted, 0, InMailbox{1, 0}, std::string_view("bert"));
  apply(account, take);
  EXPECT_EQ(account.snapshot(), bare);
}

TEST(AccountWithAccessLists, takes_no_operation_that_makes_no_sense) {
  Account account(UserId{1});
  const auto refuses = [&](std::uint8_t how, InMailbox in, std::string_view identifier) {
    Batch batch;
    batch.add(Operation::granted, how, in, identifier);
    return !account.apply(batch.finish(account.lsn() + 1), nullptr);
  };
  Batch begin;
  begin.add(Operation::mailbox_made, 0, MailboxMade{.mailbox = 1, .uid_validity = 1},
            std::string_view("INBOX"));
  apply(account, begin);
  EXPECT_TRUE(refuses(0, {2, 1}, "bert"));
  EXPECT_TRUE(refuses(0, {1, 1}, ""));
  EXPECT_TRUE(refuses(2, {1, 1}, "bert"));
  EXPECT_FALSE(refuses(1, {1, 7}, "")) << "a mailbox that has no list";
  EXPECT_TRUE(account.access_lists().empty());
}

}  // namespace
}  // namespace ringpost::store::testing
