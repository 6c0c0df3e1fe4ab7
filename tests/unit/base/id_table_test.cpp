#include "ringpost/base/id_table.hpp"

#include <algorithm>
#include <random>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/base/id_blocks.hpp"

namespace ringpost {
namespace {

struct Fact {
  std::uint64_t id = 0;
  std::uint32_t what = 0;
};

// What both kinds of table promise.
template <class Table>
class TableById : public testing::Test {};
using Tables = testing::Types<IdTable<Fact>, IdBlocks<Fact>>;
TYPED_TEST_SUITE(TableById, Tables);

// Dense ids and rare ones, in any order.
TYPED_TEST(TableById, knows_what_a_map_knows) {
  for (const std::uint64_t range : {300U, 20'000U, 5'000'000U}) {
    TypeParam table;
    std::unordered_map<std::uint64_t, std::uint32_t> map;
    std::mt19937_64 random(7);
    for (std::uint32_t i = 0; i < 200'000; ++i) {
      const std::uint64_t id = 1 + random() % range;
      if (map.contains(id) && random() % 2 == 0) {
        map.erase(id);
        table.erase({id});
      } else if (!map.contains(id)) {
        map[id] = i;
        table.fetch({id});
        table.insert({id}).what = i;
      }
    }
    ASSERT_EQ(table.size(), map.size());
    for (std::uint64_t id = 1; id <= range; ++id) {
      const Fact* found = table.find({id});
      ASSERT_EQ(found != nullptr, map.contains(id)) << id;
      if (found != nullptr) EXPECT_EQ(found->what, map[id]);
    }
    std::size_t seen = 0;
    table.for_each([&](Fact& fact) { seen += map.at(fact.id) == fact.what ? 1 : 0; });
    EXPECT_EQ(seen, map.size());
    while (!map.empty()) {
      table.erase({map.begin()->first});
      map.erase(map.begin());
    }
    EXPECT_EQ(table.size(), 0U);
  }
}

TYPED_TEST(TableById, says_in_which_share_an_id_is) {
  TypeParam table;
  for (std::uint64_t id = 1; id <= 1000; ++id) table.insert({id});
  std::size_t seen = 0;
  for (std::size_t part = 0; part < TypeParam::kParts; ++part)
    table.for_each_in(part, [&](const Fact& fact) {
      EXPECT_EQ(TypeParam::part_of_id({fact.id}), part);
      ++seen;
    });
  EXPECT_EQ(seen, 1000U);
}

TEST(IdTable, takes_little_more_than_its_entries) {
  IdTable<Fact> table;
  for (std::uint64_t id = 1; id <= 100'000; ++id) table.insert({id});
  EXPECT_LE(table.memory(), table.size() * IdTable<Fact>::kBytesEach);
  EXPECT_GE(table.memory(), table.size() * sizeof(Fact) * 8 / 7);
}

TEST(IdBlocks, take_no_more_than_their_entries_when_none_is_missing) {
  IdBlocks<Fact> table;
  for (std::uint64_t id = 1; id <= 100'000; ++id) table.insert({id});
  EXPECT_GE(table.memory(), table.size() * sizeof(Fact));
  EXPECT_LE(table.memory(), table.size() * sizeof(Fact) * 105 / 100);
}

TEST(IdBlocks, hold_a_block_in_the_order_of_ids_whatever_came_first) {
  IdBlocks<Fact> table;
  std::vector<std::uint64_t> ids(256);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = 512 + i;
  std::ranges::shuffle(ids, std::mt19937_64(3));
  for (const std::uint64_t id : ids) table.insert({id});
  std::vector<std::uint64_t> seen;
  table.for_each([&](Fact& fact) { seen.push_back(fact.id); });
  EXPECT_EQ(seen.size(), ids.size());
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

// One of a thousand stays for days: it must not keep the memory of those that have gone.
TEST(IdBlocks, give_memory_back_to_others) {
  IdBlocks<Fact> table;
  for (std::uint64_t id = 1; id <= 100'000; ++id) table.insert({id});
  const std::size_t full = table.memory();
  for (std::uint64_t id = 1; id <= 100'000; ++id)
    if (id % 1000 != 0) table.erase({id});
  EXPECT_EQ(table.size(), 100U);
  EXPECT_LT(table.memory(), full / 10);
  EXPECT_LT(table.memory_needed(), table.size() * 160);
  for (std::uint64_t id = 1000; id <= 100'000; id += 1000) EXPECT_EQ(table.find({id})->id, id);
}

}  // namespace
}  // namespace ringpost
