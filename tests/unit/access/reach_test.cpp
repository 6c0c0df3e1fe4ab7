// What a reader can find out of a mailbox that he names, and what a command may do with it.
#include "access/reach.hpp"

#include "unit/store/store_fixture.hpp"

namespace ringpost::access {
namespace {

using store::Right;
using store::Rights;

const std::string kOwner = "bert@example.org";

class ReachTest : public store::testing::StoreTest {
 protected:
  ReachTest() {
    at.user(reader_);
    EXPECT_TRUE(run(at.user(kOwner).create("Work")));
  }
  void let(Rights rights, const std::string& who = "anna@example.org") {
    store::UserMail& owner = at.user(kOwner);
    EXPECT_TRUE(run(owner.set_access(owner.find("Work")->id(), who, rights)));
  }
  MailboxPath path(std::string name) { return run(reach_.path_to(std::move(name))); }
  MailboxPath shared(std::string name = "Work") {
    return {.owner = kOwner, .name = std::move(name), .others = true};
  }
  // The answer, and how often the work was run.
  Answer ask(MailboxPath to, Rights needed) {
    const Reach::AtMailbox work = [this](store::UserMail& mail, const store::Mailbox&,
                                         Rights rights) -> Task<Answer> {
      ++worked_;
      seen_ = rights;
      whose_ = mail.name();
      co_return Answer::ok("worked");
    };
    return run(reach_.at(std::move(to), needed, work));
  }

  std::string reader_ = "anna@example.org";
  Reach reach_{*at.store, reader_, true};
  int worked_ = 0;
  Rights seen_;
  std::string whose_;
};

TEST_F(ReachTest, a_name_means_ones_own_mailbox_or_that_of_another) {
  EXPECT_EQ(path("Work").owner, reader_);
  EXPECT_FALSE(path("Work").others);
  const MailboxPath other = path("Other Users/Bert@example.org/Work");
  EXPECT_EQ(other.owner, kOwner);
  EXPECT_EQ(other.name, "Work");
  EXPECT_TRUE(other.others);
}

TEST_F(ReachTest, ones_own_mailbox_that_was_there_before_goes_first) {
  ASSERT_TRUE(run(at.user(reader_).create("Other Users/bert@example.org/Work")));
  const MailboxPath own = path("Other Users/bert@example.org/Work");
  EXPECT_EQ(own.owner, reader_);
  EXPECT_FALSE(own.others);
  EXPECT_TRUE(ask(own, Rights::all()).is_ok());
  EXPECT_TRUE(path("Other Users/bert@example.org/Other").others);
}

TEST_F(ReachTest, without_others_every_name_is_ones_own) {
  Reach alone(*at.store, reader_, false);
  EXPECT_FALSE(run(alone.path_to("Other Users/bert@example.org/Work")).others);
  let(Rights::all());
  const Reach::AtMail work = [](store::UserMail&) -> Task<Answer> { co_return Answer::ok(); };
  EXPECT_FALSE(run(alone.at_owner(shared(), work)).is_ok());
}

TEST_F(ReachTest, the_owner_has_all_rights_whatever_the_list_says) {
  let(Rights::all() - Right::read, "-" + std::string(store::kAnyone));
  reader_ = kOwner;
  EXPECT_TRUE(ask({.owner = kOwner, .name = "Work"}, Rights::all()).is_ok());
  EXPECT_EQ(seen_, Rights::all());
  EXPECT_EQ(whose_, kOwner);
}

TEST_F(ReachTest, what_may_not_be_seen_is_not_there) {
  const auto nothing = [&](const MailboxPath& to) {
    const Answer answer = ask(to, Right::read);
    EXPECT_EQ(answer.code, imap::codes::kNonExistent);
    EXPECT_EQ(answer.text, Answer::no_mailbox().text);
    EXPECT_EQ(worked_, 0);
  };
  nothing(shared());                                                          // shared with nobody
  nothing({.owner = "nobody@example.org", .name = "Work", .others = true});   // there is no such user
  EXPECT_EQ(std::ranges::count(at.store->users(), "nobody@example.org"), 0);  // and none was made
  nothing({.owner = "", .name = "Work", .others = true});
  let(Right::insert);
  nothing(shared());           // he may do something else, and not see it
  nothing(shared("Nowhere"));  // nothing is there
  let(Right::read, "carl@example.org");
  let({});
  nothing(shared());
}

TEST_F(ReachTest, who_may_see_a_mailbox_hears_what_he_may_not_do) {
  let(Right::lookup | Right::write);
  const Answer answer = ask(shared(), Right::read);
  EXPECT_EQ(answer.code, imap::codes::kNoPerm);
  EXPECT_EQ(worked_, 0);
  EXPECT_TRUE(ask(shared(), Right::write).is_ok());
  EXPECT_EQ(seen_, Right::lookup | Right::write);
  EXPECT_EQ(whose_, kOwner);
}

TEST_F(ReachTest, a_right_that_is_taken_counts_from_the_next_time_on) {
  let(Right::lookup | Right::read);
  EXPECT_TRUE(ask(shared(), Right::read).is_ok());
  let(Right::read, "-" + reader_);
  EXPECT_EQ(ask(shared(), Right::read).code, imap::codes::kNoPerm);
  let(Right::lookup, "-" + reader_);
  let({}, "-" + reader_);
  EXPECT_TRUE(ask(shared(), Right::read).is_ok());
  EXPECT_EQ(worked_, 2);
}

// With an answer as if it had been missed before.
TEST_F(ReachTest, a_right_that_is_taken_while_a_change_waits_is_missed_when_it_is_made) {
  let(Right::lookup | Right::administer);
  store::UserMail& owner = at.user(kOwner);
  const store::MailboxId work = owner.find("Work")->id();
  const store::May may = still_may(owner, work, Right::administer, reader_);
  EXPECT_TRUE(may());
  const auto give_himself_all = [&] {
    const auto done = run(owner.set_access(work, reader_, Rights::all(), store::RightsChange::replace, may));
    return done ? Answer::ok() : Answer::refused(done.error());
  };
  let(Right::lookup);
  EXPECT_EQ(give_himself_all().code, imap::codes::kNoPerm);
  EXPECT_EQ(give_himself_all().text, Answer::not_allowed().text);
  let({});
  EXPECT_EQ(give_himself_all().code, imap::codes::kNonExistent);
  EXPECT_EQ(give_himself_all().text, Answer::no_mailbox().text);
  EXPECT_TRUE(owner.access_list(work).empty());
  EXPECT_FALSE(still_may(owner, work, Right::administer, kOwner)) << "the owner is not asked";
}

TEST_F(ReachTest, the_code_of_a_missing_mailbox_is_the_same_for_one_that_is_hidden) {
  const Reach::AtMailbox work = [](store::UserMail&, const store::Mailbox&, Rights) -> Task<Answer> {
    co_return Answer::ok();
  };
  EXPECT_EQ(run(reach_.at(shared(), Right::insert, work, imap::codes::kTryCreate)).code,
            imap::codes::kTryCreate);
  EXPECT_EQ(
      run(reach_.at({.owner = reader_, .name = "Nowhere"}, Right::insert, work, imap::codes::kTryCreate))
          .code,
      imap::codes::kTryCreate);
}

}  // namespace
}  // namespace ringpost::access
