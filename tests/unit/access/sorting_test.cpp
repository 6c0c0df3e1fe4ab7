#include "access/sorting.hpp"

#include <gtest/gtest.h>

namespace ringpost::access {
namespace {

std::vector<store::Message> messages(std::initializer_list<std::uint32_t> uids) {
  std::vector<store::Message> all;
  for (const std::uint32_t uid : uids) all.push_back({.uid = store::Uid{uid}});
  return all;
}
store::UidSet uids(std::initializer_list<std::uint32_t> values) {
  store::UidSet set;
  for (const std::uint32_t value : values) set.add({store::Uid{value}, store::Uid{value}});
  return set;
}

// RFC 5182 section 2.4 and table 1 of RFC 9394.
TEST(SavedResult, is_what_was_told_but_all_where_it_was_counted) {
  const auto found = messages({2, 3, 5, 8, 9});
  const imap::Page page{2, 3, false};
  EXPECT_EQ(saved_of(found, {.save = true}), uids({2, 3, 5, 8, 9}));
  EXPECT_EQ(saved_of(found, {.min = true, .save = true}), uids({2}));
  EXPECT_EQ(saved_of(found, {.min = true, .max = true, .save = true}), uids({2, 9}));
  EXPECT_EQ(saved_of(found, {.min = true, .count = true, .save = true}), uids({2, 3, 5, 8, 9}));
  EXPECT_EQ(saved_of(found, {.save = true, .partial = page}), uids({3, 5}));
  EXPECT_EQ(saved_of(found, {.min = true, .save = true, .partial = page}), uids({2, 3, 5}));
  EXPECT_EQ(saved_of(found, {.max = true, .save = true, .partial = page}), uids({3, 5, 9}));
  EXPECT_EQ(saved_of(found, {.min = true, .max = true, .save = true, .partial = page}), uids({2, 3, 5, 9}));
  EXPECT_EQ(saved_of(found, {.count = true, .save = true, .partial = page}), uids({2, 3, 5, 8, 9}));
  EXPECT_EQ(saved_of({}, {.min = true, .save = true, .partial = page}), uids({}));
}

TEST(SavedResult, of_a_sort_is_a_set) {
  const auto found = messages({9, 2, 5});
  EXPECT_EQ(saved_of(found, {.save = true, .partial = imap::Page{1, 2, false}}), uids({2, 9}));
  EXPECT_EQ(saved_of(found, {.min = true, .max = true, .save = true}), uids({5, 9}));
}

}  // namespace
}  // namespace ringpost::access
