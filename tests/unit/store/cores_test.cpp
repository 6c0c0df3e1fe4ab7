// Several cores: mail goes to the owner's, and the number of cores changes between starts.
#include "unit/store/cores_fixture.hpp"

namespace ringpost::store::testing {
namespace {

TEST_F(StoreCores, delivers_on_any_core_into_the_mailbox_of_its_owner) {
  start(3);
  accept(4);
  ASSERT_NO_FATAL_FAILURE(compare());
  std::set<unsigned> owners;
  for (const std::string& user : users_) owners.insert(parts_[0]->store->owner(user_id_of(user)));
  EXPECT_GT(owners.size(), 1U);
  stop();
  start(3);
  compare();
}

TEST_F(StoreCores, delivers_once_however_often_another_core_asks) {
  start(2);
  On first{*this, 0};
  const MessageId queued = Client<On>(first).run(enqueue(*parts_[0]->spool));
  for (unsigned at = 0; at < 2; ++at) {
    const auto done = deliver(at, "anna", "once", {queued, 1});
    ASSERT_TRUE(done);
    if (at == 0) expected_["anna"][done->uid.value] = "once";
    if (at == 1) EXPECT_FALSE(done->uid);
  }
  for (const std::string& user : users_)
    if (user != "anna") ASSERT_TRUE(deliver(0, user, "x"));
  cut();
  start(2);
  EXPECT_FALSE(deliver(1, "anna", "once", {queued, 1})->uid);
  parts_[0]->store->confirm(user_id_of("anna"), {queued, 1});
  let_it_settle();
  EXPECT_TRUE(deliver(1, "anna", "once", {queued, 1})->uid);
}

TEST_F(StoreCores, opens_the_mail_of_four_cores_with_two_one_three_and_four_again) {
  start(4);
  accept(6);
  for (const bool hard : {false, true})
    for (const unsigned cores : {2U, 1U, 3U, 4U, 1U, 4U}) {
      SCOPED_TRACE(cores);
      hard ? cut() : stop();
      start(cores);
      if (HasFatalFailure()) return;
      let_it_settle();
      ASSERT_NO_FATAL_FAILURE(compare());
      ASSERT_NO_FATAL_FAILURE(expunge_some());
      ASSERT_NO_FATAL_FAILURE(accept(2));
      if (cores != 3) let_it_settle();
    }
  stop();
  start(2);
  let_it_settle();
  compare();
}

TEST_F(StoreCores, loses_nothing_when_power_fails_while_mail_is_brought_over) {
  start(4);
  accept(12);
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(round);
    cut();
    start(1);
    ASSERT_NO_FATAL_FAILURE(accept(1));
    cut();
    start(4);
    simulation_.run_for(std::chrono::milliseconds{round * 3});
  }
  let_it_settle();
  ASSERT_NO_FATAL_FAILURE(compare());
  cut();
  start(4);
  let_it_settle();
  compare();
}

// Everyone's inbox is shared with the next one, and asked for on all cores.
TEST_F(StoreCores, tell_each_other_who_shares_with_whom) {
  start(3);
  accept(1);
  for (std::size_t i = 0; i < users_.size(); ++i)
    on_owner(users_[i], [&](UserMail& mail) -> Task<void> {
      EXPECT_TRUE(co_await mail.set_access(kInbox, users_[(i + 1) % users_.size()], Right::lookup));
    });
  on_owner("emil", [](UserMail& mail) -> Task<void> {
    EXPECT_TRUE(co_await mail.set_access(kInbox, "anyone", Right::lookup));
  });
  const auto check = [&](unsigned cores) {
    for (unsigned at = 0; at < cores; ++at) {
      EXPECT_EQ(parts_[at]->store->owners_sharing_with("anna"),
                (std::vector<std::string>{"emil", "frida@c.example"}));
      EXPECT_EQ(parts_[at]->store->owners_sharing_with("emil"), (std::vector<std::string>{"dora"}));
      EXPECT_TRUE(parts_[at]->store->shares_with("emil", "nobody"));
    }
  };
  check(3);
  for (const bool hard : {false, true})
    for (const unsigned cores : {1U, 4U, 2U}) {
      SCOPED_TRACE(cores);
      hard ? cut() : stop();
      ASSERT_NO_FATAL_FAILURE(start(cores));
      let_it_settle();
      check(cores);
      if (HasFailure()) return;
    }
  on_owner("emil", [](UserMail& mail) -> Task<void> {
    EXPECT_TRUE(co_await mail.set_access(kInbox, "anyone", Rights()));
  });
  for (unsigned at = 0; at < 2; ++at)
    EXPECT_EQ(parts_[at]->store->owners_sharing_with("anna"), (std::vector<std::string>{"frida@c.example"}));
}

TEST_F(StoreCores, run_what_another_core_asks_of_a_user) {
  start(3);
  accept(1);
  std::set<unsigned> seen;
  for (unsigned at = 0; at < 3; ++at)
    for (const std::string& user : users_) {
      On on{*this, at};
      std::string found;
      const bool done =
          Client<On>(on).run(parts_[at]->store->at_owner(user, [&](UserMail& mail) -> Task<void> {
            seen.insert(mail.core());
            EXPECT_EQ(mail.core(), parts_[0]->store->owner(user_id_of(user)));
            const std::string made = "by" + std::to_string(at);
            EXPECT_TRUE(co_await mail.create(made));
            found = mail.name();
          }));
      EXPECT_TRUE(done);
      EXPECT_EQ(found, user);
    }
  EXPECT_GT(seen.size(), 1U);
}

TEST_F(StoreCores, make_no_user_that_is_only_asked_for) {
  start(2);
  ASSERT_TRUE(deliver(0, "anna", "x"));
  bool ran = false;
  const auto ask = [&](unsigned at, std::string_view user) {
    On on{*this, at};
    return Client<On>(on).run(parts_[at]->store->at_owner(user, [&](UserMail&) -> Task<void> {
      ran = true;
      co_return;
    }));
  };
  for (unsigned at = 0; at < 2; ++at) {
    for (const char* user : {"nobody", "nobody@b.example", "", "anna2"}) EXPECT_FALSE(ask(at, user)) << user;
    EXPECT_FALSE(ran);
    EXPECT_EQ(parts_[at]->store->users().size(),
              parts_[at]->store->owner(user_id_of("anna")) == at ? 1U : 0U);
  }
  EXPECT_TRUE(ask(0, "anna"));
  const unsigned owner = parts_[0]->store->owner(user_id_of("anna"));
  On on{*this, owner};
  EXPECT_TRUE(Client<On>(on).run(parts_[owner]->store->remove_user("anna")));
  ran = false;
  for (unsigned at = 0; at < 2; ++at) EXPECT_FALSE(ask(at, "anna"));
  EXPECT_FALSE(ran);
}

// What is asked beyond the limit waits for its turn.
TEST_F(StoreCores, ask_one_core_so_much_at_once_and_not_more) {
  start(2);
  ASSERT_TRUE(deliver(0, "anna", "x"));
  const unsigned owner = parts_[0]->store->owner(user_id_of("anna"));
  const unsigned asker = 1 - owner;
  std::size_t running = 0, over = 0;
  bool go = false;
  const auto work = [&](UserMail& mail) -> Task<void> {
    ++running;
    while (!go) co_await shard::Sleep(simulation_.core(mail.core()), std::chrono::milliseconds{1});
    --running;
  };
  const auto ask = [&]() -> Task<void> {
    EXPECT_TRUE(co_await parts_[asker]->store->at_owner("anna", work));
    ++over;
  };
  for (std::size_t i = 0; i <= kRemoteMax; ++i) simulation_.core(asker).spawn(ask());
  simulation_.run_for(std::chrono::seconds{1});
  EXPECT_EQ(running, kRemoteMax);
  EXPECT_EQ(over, 0U);
  go = true;
  EXPECT_TRUE(simulation_.run_until([&] { return over == kRemoteMax + 1; }, std::chrono::minutes{1}));
  EXPECT_EQ(running, 0U);
}

TEST_F(StoreCores, ask_nothing_when_they_close) {
  start(2);
  ASSERT_TRUE(deliver(0, "anna", "x"));
  const unsigned owner = parts_[0]->store->owner(user_id_of("anna"));
  On on{*this, owner};
  ASSERT_TRUE(on.run(do_close(owner)));
  for (unsigned at = 0; at < 2; ++at) {
    On asker{*this, at};
    EXPECT_FALSE(Client<On>(asker).run(parts_[at]->store->at_owner("anna", [](UserMail&) -> Task<void> {
      ADD_FAILURE() << "run on a core that has closed its log";
      co_return;
    })));
  }
}

}  // namespace
}  // namespace ringpost::store::testing
