#include "access/reader_rights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringpost::access {
namespace {

using store::FlagChange;
using store::Flags;
using store::Right;
using store::Rights;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using How = FlagChange::How;

constexpr Flags kOthers = Flags::answered | Flags::flagged | Flags::draft;

FlagChange change(How how, Flags flags, std::vector<std::string> keywords = {}) {
  return {.how = how, .flags = flags, .keywords = std::move(keywords), .unchanged_since = store::ModSeq{7}};
}

TEST(ReaderRights, a_mailbox_is_only_read_without_the_five_rights_that_change_it) {
  EXPECT_TRUE(only_reads(Right::lookup | Right::read | Right::administer | Right::create | Right::remove));
  for (const Right right : {Right::seen, Right::write, Right::trash, Right::insert, Right::expunge})
    EXPECT_FALSE(only_reads(Right::read | right));
}

TEST(ReaderRights, each_flag_has_its_right) {
  EXPECT_EQ(changeable_flags(Right::seen), Flags::seen);
  EXPECT_EQ(changeable_flags(Right::trash), Flags::deleted);
  EXPECT_EQ(changeable_flags(Right::write), kOthers);
  EXPECT_EQ(changeable_flags(Rights::all()), kOthers | Flags::seen | Flags::deleted);
  EXPECT_EQ(allowed(Flags::seen | Flags::deleted | Flags::draft, Right::write | Right::seen),
            Flags::seen | Flags::draft);
  EXPECT_THAT(allowed(std::vector<std::string>{"$Label"}, Right::write), ElementsAre("$Label"));
  EXPECT_THAT(allowed(std::vector<std::string>{"$Label"}, Right::seen | Right::trash), IsEmpty());
}

TEST(ReaderRights, who_may_change_all_flags_does_what_he_wants_in_one_change) {
  const auto done =
      allowed(change(How::replace, Flags::seen, {"x"}), Right::seen | Right::write | Right::trash, {});
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ(done->front().how, How::replace);
  EXPECT_EQ(done->front().unchanged_since, store::ModSeq{7});
}

TEST(ReaderRights, a_change_needs_the_right_of_each_flag_that_it_names) {
  EXPECT_EQ(rights_for(change(How::add, Flags::seen)), Rights(Right::seen));
  EXPECT_EQ(rights_for(change(How::remove, Flags::deleted)), Rights(Right::trash));
  EXPECT_EQ(rights_for(change(How::add, Flags::draft)), Rights(Right::write));
  EXPECT_EQ(rights_for(change(How::add, Flags::none, {"x"})), Rights(Right::write));
  EXPECT_EQ(rights_for(change(How::add, Flags::seen | Flags::deleted, {"x"})),
            Right::seen | Right::trash | Right::write);
  EXPECT_EQ(rights_for(change(How::replace, Flags::none)), Right::seen | Right::trash | Right::write);
}

TEST(ReaderRights, what_is_not_allowed_is_left_out) {
  const auto done = allowed(change(How::add, Flags::seen | Flags::deleted, {"x"}), Right::seen, {});
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ(done->front().flags, Flags::seen);
  EXPECT_THAT(done->front().keywords, IsEmpty());
  EXPECT_EQ(done->front().unchanged_since, store::ModSeq{7});
}

TEST(ReaderRights, nothing_is_left_when_no_flag_may_be_changed) {
  EXPECT_FALSE(allowed(change(How::add, Flags::deleted), Right::seen | Right::write, {}));
  EXPECT_FALSE(allowed(change(How::remove, Flags::none, {"x"}), Right::seen | Right::trash, {}));
  EXPECT_FALSE(allowed(change(How::replace, Flags::none), Right::read | Right::insert, {}));
  EXPECT_TRUE(allowed(change(How::add, Flags::none), Right::seen, {})) << "nothing was wanted";
}

TEST(ReaderRights, of_flags_that_are_replaced_only_those_that_may_be_changed_go_and_come) {
  const std::vector<std::string> known{"Old", "$Label"};
  const auto done =
      allowed(change(How::replace, Flags::seen | Flags::deleted | Flags::flagged, {"$label", "new"}),
              Right::seen | Right::write, known);
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 2U);
  EXPECT_EQ(done->front().how, How::remove);
  EXPECT_EQ(done->front().flags, Flags::answered | Flags::draft);
  EXPECT_THAT(done->front().keywords, ElementsAre("Old"));
  EXPECT_EQ(done->front().unchanged_since, store::ModSeq{7});
  EXPECT_EQ(done->back().how, How::add);
  EXPECT_EQ(done->back().flags, Flags::seen | Flags::flagged);
  EXPECT_THAT(done->back().keywords, ElementsAre("$label", "new"));
  EXPECT_FALSE(done->back().unchanged_since) << "the first change has counted on";
}

TEST(ReaderRights, keywords_stay_where_only_seen_may_be_replaced) {
  const std::vector<std::string> known{"Old"};
  const auto done = allowed(change(How::replace, Flags::none, {"new"}), Right::seen, known);
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 2U);
  EXPECT_EQ(done->front().flags, Flags::seen);
  EXPECT_THAT(done->front().keywords, IsEmpty());
  EXPECT_THAT(done->back().keywords, IsEmpty());
}

}  // namespace
}  // namespace ringpost::access
