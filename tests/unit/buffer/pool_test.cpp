#include "ringpost/buffer/pool.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace ringpost::buffer {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::string text_of(const Block& block) {
  return {reinterpret_cast<const char*>(block.bytes().data()), block.bytes().size()};
}

TEST(Pool, gives_the_smallest_class_that_holds_the_size) {
  Pool pool(1_MiB);
  EXPECT_EQ(pool.take(0).capacity(), 4U << 10);
  EXPECT_EQ(pool.take(4U << 10).capacity(), 4U << 10);
  EXPECT_EQ(pool.take((4U << 10) + 1).capacity(), 16U << 10);
  EXPECT_EQ(pool.take(256U << 10).capacity(), 256U << 10);
}

TEST(Pool, spends_its_budget_to_the_last_byte_and_not_further) {
  Pool pool(20_KiB);
  Block first = pool.take(16U << 10);
  Block second = pool.take(1);
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_EQ(pool.in_use(), 20_KiB);
  EXPECT_FALSE(pool.take(1));
  second = Block();
  EXPECT_EQ(pool.in_use(), 16_KiB);
  EXPECT_TRUE(pool.take(1));
}

TEST(Pool, one_byte_under_a_class_gives_nothing) {
  Pool pool(Bytes{(4U << 10) - 1});
  EXPECT_FALSE(pool.take(1));
}

TEST(Pool, is_tight_when_less_than_a_tenth_is_left) {
  Pool pool(40_KiB);
  std::vector<Block> blocks;
  for (int i = 0; i < 9; ++i) blocks.push_back(pool.take(1));
  EXPECT_FALSE(pool.tight());  // exactly a tenth is left
  blocks.push_back(pool.take(1));
  EXPECT_TRUE(pool.tight());
}

TEST(Pool, reuses_kept_blocks_of_another_class_without_passing_the_budget) {
  Pool pool(256_KiB);
  for (int round = 0; round < 3; ++round) {
    std::vector<Block> small;
    for (int i = 0; i < 64; ++i) small.push_back(pool.take(1));
    EXPECT_TRUE(small.back());
    EXPECT_FALSE(pool.take(1));
    small.clear();
    Block large = pool.take(256U << 10);
    ASSERT_TRUE(large);
    std::memset(large.room().data(), round, large.room().size());
  }
  EXPECT_EQ(pool.in_use(), 0_B);
}

TEST(Pool, blocks_start_on_a_cache_line) {
  Pool pool(1_MiB);
  for (const std::size_t size : Pool::kClasses) {
    Block block = pool.take(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.room().data()) % kAlignment, 0U);
  }
}

TEST(Pool, growing_keeps_the_bytes_and_stops_at_the_largest_class) {
  Pool pool(1_MiB);
  Block block = pool.take(1);
  block.append(bytes_of("hello"));
  EXPECT_TRUE(pool.grow(block));
  EXPECT_TRUE(pool.grow(block));
  EXPECT_TRUE(pool.grow(block));
  EXPECT_EQ(block.capacity(), 256U << 10);
  EXPECT_FALSE(pool.grow(block));
  EXPECT_EQ(text_of(block), "hello");
  EXPECT_EQ(pool.in_use(), 256_KiB);
}

TEST(Pool, growing_over_the_budget_leaves_the_block_as_it_was) {
  Pool pool(Bytes{(20U << 10) - 1});
  Block block = pool.take(1);
  block.append(bytes_of("kept"));
  EXPECT_FALSE(pool.grow(block));
  EXPECT_EQ(text_of(block), "kept");
  EXPECT_EQ(block.capacity(), 4U << 10);
}

TEST(Block, appends_what_it_has_room_for_and_says_how_much) {
  Pool pool(1_MiB);
  Block block = pool.take(1);
  block.fill(block.capacity() - 3);
  EXPECT_EQ(block.append(bytes_of("abcd")), 3U);
  EXPECT_EQ(block.append(bytes_of("d")), 0U);
  EXPECT_TRUE(block.room().empty());
  block.clear();
  EXPECT_EQ(block.room().size(), block.capacity());
}

TEST(Block, moving_leaves_the_source_empty) {
  Pool pool(1_MiB);
  Block first = pool.take(1);
  first.append(bytes_of("x"));
  Block second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(text_of(second), "x");
  second = Block();
  EXPECT_EQ(pool.in_use(), 0_B);
}

TEST(BlockDeathTest, filling_past_the_end_is_our_mistake) {
  Pool pool(1_MiB);
  Block block = pool.take(1);
  EXPECT_DEATH(block.fill(block.capacity() + 1), "must hold");
}

TEST(PoolDeathTest, a_size_over_the_largest_class_is_our_mistake) {
  Pool pool(1_MiB);
  EXPECT_DEATH((void)pool.take((256U << 10) + 1), "must hold");
}

}  // namespace
}  // namespace ringpost::buffer
