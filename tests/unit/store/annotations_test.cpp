// What clients note on mailboxes: it stays, and goes with them.
#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

class AnnotationsTest : public StoreTest {
 protected:
  Refused note(MailboxId on, std::vector<Annotation> entries) {
    const auto done = run(do_note(on, std::move(entries)));
    return done ? Refused::none : done.error().why;
  }
  std::map<std::string, std::string> notes(MailboxId on) {
    const AnnotationMap& there = at.user().annotations(on);
    return {there.begin(), there.end()};
  }

 private:
  Task<Outcome<>> do_note(MailboxId on, std::vector<Annotation> entries) {
    co_return co_await at.user().annotate(on, entries);
  }
};

using Notes = std::map<std::string, std::string>;

TEST_F(AnnotationsTest, stay_over_a_restart_a_cut_and_a_snapshot) {
  const MailboxId made = make("made");
  ASSERT_EQ(note(made, {{"/private/comment", "one"}, {"/shared/comment", std::string("\0x", 2)}}),
            Refused::none);
  ASSERT_EQ(note(MailboxId{}, {{"/private/vendor/a/b", "mine"}}), Refused::none);
  ASSERT_EQ(note(made, {{"/private/comment", "two"}, {"/private/none", std::nullopt}}), Refused::none);
  const Notes expected{{"/private/comment", "two"}, {"/shared/comment", std::string("\0x", 2)}};
  const auto check = [&] {
    EXPECT_EQ(notes(made), expected);
    EXPECT_EQ(notes(MailboxId{}), (Notes{{"/private/vendor/a/b", "mine"}}));
    EXPECT_EQ(notes(kInbox), Notes{});
  };
  check();
  at.lose_power();
  at.open();
  check();
  ASSERT_TRUE(run(at.user().rebuild()));  // a snapshot, and what is in it read back
  at.reopen();
  check();
  ASSERT_EQ(note(made, {{"/private/comment", std::nullopt}, {"/shared/comment", std::nullopt}}),
            Refused::none);
  at.lose_power();
  at.open();
  EXPECT_EQ(notes(made), Notes{});
}

TEST_F(AnnotationsTest, follow_a_rename_and_go_with_their_mailbox) {
  const MailboxId made = make("made");
  ASSERT_EQ(note(made, {{"/private/comment", "x"}}), Refused::none);
  ASSERT_TRUE(run(at.user().rename(made, "other")));
  EXPECT_EQ(notes(at.user().find("other")->id()), (Notes{{"/private/comment", "x"}}));
  ASSERT_TRUE(run(at.user().remove(made)));
  EXPECT_EQ(notes(make("other")), Notes{});
  at.reopen();
  EXPECT_EQ(notes(made), Notes{});
  EXPECT_EQ(note(made, {{"/private/comment", "x"}}), Refused::no_mailbox);
}

// RFC 5464 section 4.1.
TEST_F(AnnotationsTest, of_the_inbox_are_copied_when_it_is_renamed) {
  ASSERT_EQ(note(kInbox, {{"/private/comment", "x"}}), Refused::none);
  ASSERT_TRUE(run(at.user().rename(kInbox, "old")));
  EXPECT_EQ(notes(kInbox), (Notes{{"/private/comment", "x"}}));
  EXPECT_EQ(notes(at.user().find("old")->id()), (Notes{{"/private/comment", "x"}}));
}

TEST_F(AnnotationsTest, are_as_many_and_as_large_as_they_may_be_and_not_more) {
  std::vector<Annotation> many;
  for (std::size_t i = 0; i < kAnnotationsMax; ++i) many.push_back({"/private/n" + std::to_string(i), "x"});
  ASSERT_EQ(note(kInbox, many), Refused::none);
  EXPECT_EQ(note(kInbox, {{"/private/more", "x"}}), Refused::limit);
  EXPECT_EQ(note(kInbox, {{"/private/n0", std::nullopt}, {"/private/more", "x"}}), Refused::none);
  EXPECT_EQ(note(kInbox, {{"/private/n1", "longer"}}), Refused::none) << "it is there already";
  EXPECT_EQ(note(MailboxId{}, {{"/private/l", std::string(kAnnotationSizeMax, 'x')}}), Refused::none);
  EXPECT_EQ(note(MailboxId{}, {{"/private/l", std::string(kAnnotationSizeMax + 1, 'x')}}),
            Refused::too_large);
  EXPECT_EQ(notes(MailboxId{}).at("/private/l").size(), kAnnotationSizeMax);
}

// None of a change that is refused is there.
TEST_F(AnnotationsTest, of_all_mailboxes_are_bounded_together) {
  const std::size_t fit = kAnnotationBytesMax / (kAnnotationSizeMax + 10);
  const auto name = [](std::size_t i) { return "/shared/" + std::to_string(10 + i); };
  for (std::size_t i = 0; i < fit; ++i)
    ASSERT_EQ(note(kInbox, {{name(i), std::string(kAnnotationSizeMax, 'x')}}), Refused::none);
  EXPECT_EQ(note(make("made"), {{"/shared/small", "x"}, {name(0), std::string(kAnnotationSizeMax, 'x')}}),
            Refused::over_quota);
  EXPECT_EQ(notes(at.user().find("made")->id()), Notes{});
  EXPECT_EQ(note(kInbox, {{name(0), "short"}}), Refused::none);
  EXPECT_EQ(note(at.user().find("made")->id(), {{name(0), std::string(1000, 'x')}}), Refused::none);
}

}  // namespace
}  // namespace ringpost::store::testing
