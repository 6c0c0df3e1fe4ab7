// What it promises as IdTable does stands in id_table_test.cpp.
#include "ringpost/base/id_blocks.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>

namespace ringpost {
namespace {

struct Fact {
  std::uint64_t id = 0;
  std::uint32_t what = 0;
};

std::vector<std::uint64_t> ids_in(IdBlocks<Fact>& table) {
  std::vector<std::uint64_t> ids;
  table.for_each([&](const Fact& fact) { ids.push_back(fact.id); });
  return ids;
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
  std::ranges::sort(ids);
  EXPECT_EQ(ids_in(table), ids);
  for (std::size_t i = 0; i < ids.size(); i += 3) {
    table.fetch({ids[i]});
    table.erase({ids[i]});
  }
  std::erase_if(ids, [](std::uint64_t id) { return (id - 512) % 3 == 0; });
  EXPECT_EQ(ids_in(table), ids);
  for (const std::uint64_t id : ids) EXPECT_EQ(table.find({id})->id, id);
}

// Blocks end where shards and epochs do, and at the end of the numbers.
TEST(IdBlocks, keep_shards_and_epochs_apart) {
  IdBlocks<Fact> table;
  std::vector<std::uint64_t> ids;
  for (const std::uint32_t epoch : {0U, 1U, (1U << 20) - 1})
    for (const std::uint32_t shard : {0U, 1U, 1023U})
      for (const std::uint64_t sequence : {std::uint64_t{1}, (std::uint64_t{1} << 34) - 1})
        ids.push_back(MessageId::make(epoch, shard, sequence).value);
  for (const std::uint64_t id : ids) table.insert({id}).what = static_cast<std::uint32_t>(id >> 20);
  EXPECT_EQ(table.size(), ids.size());
  EXPECT_EQ(ids.back(), ~std::uint64_t{0});
  for (const std::uint64_t id : ids) {
    table.fetch({id});
    ASSERT_NE(table.find({id}), nullptr);
    EXPECT_EQ(table.find({id})->what, static_cast<std::uint32_t>(id >> 20));
    EXPECT_EQ(table.find({id ^ 2}), nullptr);
  }
  for (const std::uint64_t id : ids) table.erase({id});
  EXPECT_EQ(table.memory_needed(), 0U);
}

// Whoever goes makes room, in whatever order they go.
TEST(IdBlocks, never_keep_more_than_a_third_beside_what_is_there) {
  for (const std::uint64_t step : {1U, 5U, 255U}) {  // from the front, with holes, from the back
    IdBlocks<Fact> table;
    for (std::uint64_t id = 256; id < 512; ++id) table.insert({id});
    const std::size_t around = table.memory_needed() - table.size() * sizeof(Fact);
    for (std::uint64_t i = 0; table.size() > 1; ++i) {
      table.erase({256 + i * step % 256});
      EXPECT_LE(table.memory_needed(), around + (table.size() * 4 / 3 + 2) * sizeof(Fact)) << table.size();
    }
  }
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
