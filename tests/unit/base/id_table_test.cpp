#include "ringpost/base/id_table.hpp"

#include <random>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

namespace ringpost {
namespace {

struct Fact {
  std::uint64_t id = 0;
  std::uint32_t what = 0;
};
using Table = IdTable<Fact>;

TEST(IdTable, knows_what_a_map_knows) {
  Table table;
  std::unordered_map<std::uint64_t, std::uint32_t> map;
  std::mt19937_64 random(7);
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    const std::uint64_t id = 1 + random() % 20'000;
    if (map.contains(id) && random() % 2 == 0) {
      map.erase(id);
      table.erase({id});
    } else if (!map.contains(id)) {
      map[id] = i;
      table.insert({id}).what = i;
    }
  }
  ASSERT_EQ(table.size(), map.size());
  for (std::uint64_t id = 1; id <= 20'000; ++id) {
    const Fact* found = table.find({id});
    ASSERT_EQ(found != nullptr, map.contains(id)) << id;
    if (found != nullptr) EXPECT_EQ(found->what, map[id]);
  }
}

TEST(IdTable, takes_little_more_than_its_entries) {
  Table table;
  for (std::uint64_t id = 1; id <= 100'000; ++id) table.insert({id});
  EXPECT_LE(table.memory(), table.size() * Table::kBytesEach);
  EXPECT_GE(table.memory(), table.size() * sizeof(Fact) * 8 / 7);
}

TEST(IdTable, says_in_which_share_an_id_is) {
  Table table;
  for (std::uint64_t id = 1; id <= 1000; ++id) table.insert({id});
  std::size_t seen = 0;
  for (std::size_t part = 0; part < Table::kParts; ++part)
    table.for_each_in(part, [&](const Fact& fact) {
      EXPECT_EQ(Table::part_of_id({fact.id}), part);
      ++seen;
    });
  EXPECT_EQ(seen, 1000U);
}

}  // namespace
}  // namespace ringpost
