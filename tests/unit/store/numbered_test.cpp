// Mail that comes with the UIDs that it had on another server; what is derived, made anew.
#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

class NumberedTest : public StoreTest {
 protected:
  Task<Outcome<Appended>> do_append_as(std::vector<std::uint32_t> wanted) {
    const std::array pieces{bytes_of("mail")};
    std::vector<NewMessage> messages(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) messages[i] = {.pieces = pieces, .uid = Uid{wanted[i]}};
    co_return co_await at.user().append(kInbox, messages);
  }
  // The UIDs that they got; empty: refused.
  std::vector<std::uint32_t> append_as(std::vector<std::uint32_t> wanted) {
    const auto done = run(do_append_as(std::move(wanted)));
    std::vector<std::uint32_t> got;
    if (!done) {
      EXPECT_EQ(done.error().why, Refused::uids_given);
      return got;
    }
    for (const Uid uid : done->uids) got.push_back(uid.value);
    return got;
  }
  bool number(std::uint32_t uid_validity, std::uint32_t uid_next) {
    const auto done = run(at.user().number(kInbox, uid_validity, Uid{uid_next}));
    return done.has_value();
  }
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(NumberedTest, keeps_uids_and_uid_validity_over_a_restart_and_a_cut) {
  ASSERT_TRUE(number(77, 1));
  EXPECT_THAT(append_as({5, 9}), ElementsAre(5, 9));
  EXPECT_THAT(append_as({0, 12, 0}), ElementsAre(10, 12, 13));
  ASSERT_TRUE(number(77, 40));
  EXPECT_EQ(box().uid_next(), Uid{40});
  const Seen before = at.see();
  EXPECT_EQ(before.boxes.at("INBOX").uid_validity, 77U);
  for (const bool cut : {false, true}) {
    if (cut) {
      at.lose_power();
      at.open();
    } else {
      at.reopen();
    }
    EXPECT_EQ(at.see(), before);
  }
  EXPECT_EQ(at.append("next"), Uid{40});
}

TEST_F(NumberedTest, never_gives_one_twice) {
  EXPECT_THAT(append_as({5}), ElementsAre(5));
  EXPECT_THAT(append_as({5}), IsEmpty());
  EXPECT_THAT(append_as({4}), IsEmpty());
  EXPECT_THAT(append_as({7, 7}), IsEmpty());
  EXPECT_THAT(append_as({kUidKeptMax + 1}), IsEmpty());
  EXPECT_EQ(box().count(), 1U);
  EXPECT_THAT(append_as({6, kUidKeptMax}), ElementsAre(6, kUidKeptMax));
}

TEST_F(NumberedTest, is_numbered_only_before_its_first_uid) {
  EXPECT_FALSE(number(0, 1));
  EXPECT_FALSE(number(kUidValidityKeptMax + 1, 1));
  EXPECT_FALSE(number(5, 0));
  ASSERT_TRUE(number(kUidValidityKeptMax, 3));
  ASSERT_TRUE(number(kUidValidityKeptMax, 2)) << "lower says nothing new";
  EXPECT_EQ(box().uid_next(), Uid{3});
  EXPECT_FALSE(number(5, 3));
  EXPECT_EQ(at.append("mail"), Uid{3});
  ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet::all(), false)));
  EXPECT_FALSE(number(6, 9)) << "empty again, but UIDs were given";
}

TEST_F(NumberedTest, is_not_numbered_while_a_session_looks) {
  View view(at.user(), kInbox, nullptr);
  EXPECT_FALSE(number(77, 1));
  const std::uint32_t same = box().uid_validity();
  EXPECT_TRUE(number(same, 4)) << "the next UID may rise";
  EXPECT_EQ(box().uid_next(), Uid{4});
}

TEST_F(NumberedTest, a_mailbox_made_later_has_a_higher_uid_validity) {
  const std::uint32_t far = 4'000'000'000;
  ASSERT_TRUE(number(far, 1));
  const auto made = run(at.user().create("later"));
  ASSERT_TRUE(made);
  EXPECT_GT(at.user().find(*made)->uid_validity(), far);
}

TEST_F(NumberedTest, facts_made_anew_stay_and_the_old_ones_give_their_space_back) {
  ASSERT_TRUE(at.try_append({{.text = "mail", .facts = "old facts"}}));
  const auto facts = [&] {
    const auto bytes = run(at.user().facts(box().messages()[0].blob));
    EXPECT_TRUE(bytes);
    return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  };
  EXPECT_FALSE(run(at.user().prepare(box().messages()[0].blob, {})));
  ASSERT_TRUE(run(at.user().prepare(box().messages()[0].blob, bytes_of("new facts"))));
  EXPECT_EQ(facts(), "new facts");
  at.lose_power();
  at.open();
  EXPECT_EQ(facts(), "new facts");
  EXPECT_EQ(at.text(box().messages()[0]), "mail");
}

TEST_F(NumberedTest, an_index_made_anew_says_the_same) {
  ASSERT_TRUE(at.try_append({{.text = "one", .flags = Flags::deleted, .keywords = {"a"}}, {.text = "two"}}));
  const Seen before = at.see();
  ASSERT_TRUE(run(at.user().rebuild()));
  EXPECT_EQ(at.see(), before);
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
}

}  // namespace
}  // namespace ringpost::store::testing
