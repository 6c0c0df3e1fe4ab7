#include "ringpost/base/id_table.hpp"

#include <random>
#include <unordered_map>

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
        table.insert({id}).what = i;
      }
    }
    ASSERT_EQ(table.size(), map.size());
    for (const auto& [id, what] : map) {
      const Fact* found = table.find({id});
      ASSERT_NE(found, nullptr) << id;
      EXPECT_EQ(found->what, what);
    }
    for (std::uint64_t id = 0; id <= 20'000; ++id)
      EXPECT_EQ(table.find({id}) != nullptr, map.contains(id)) << id;
    std::size_t seen = 0;
    table.for_each([&](Fact& fact) { seen += map.at(fact.id) == fact.what ? 1 : 0; });
    EXPECT_EQ(seen, map.size());
    while (!map.empty()) {
      table.erase({map.begin()->first});
      map.erase(map.begin());
    }
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.memory_needed(), 0U);
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

}  // namespace
}  // namespace ringpost
