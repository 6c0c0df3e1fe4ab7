// What a cut may leave, and what it must not touch.
#include "volatile_disk.hpp"

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control.hpp"

namespace ringpost::power {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Eq;

constexpr std::uint64_t kSize = 1 << 20;
constexpr std::size_t kSectors = 64;

class PowerDisk : public ::testing::Test {
 protected:
  void fill(char what, std::uint64_t first = 0, std::size_t sectors = kSectors) {
    const std::string text(sectors * kSector, what);
    ASSERT_TRUE(disk.write(std::as_bytes(std::span(text)), first * kSector));
  }
  std::string bytes(std::size_t sectors = kSectors) {
    std::string text(sectors * kSector, '?');
    EXPECT_TRUE(disk.read(std::as_writable_bytes(std::span(text)), 0));
    return text;
  }
  // One letter for each sector; '!' when it has two.
  std::string sectors() {
    const std::string all = bytes();
    std::string letters;
    for (std::size_t i = 0; i < kSectors; ++i) {
      const auto sector = std::string_view(all).substr(i * kSector, kSector);
      letters += sector.find_first_not_of(sector[0]) == std::string_view::npos ? sector[0] : '!';
    }
    return letters;
  }
  std::string after(std::uint64_t seed, std::optional<Manner> manner = {}) {
    report = disk.cut(seed, manner);
    disk.power_on();
    return sectors();
  }
  VolatileDisk disk{kSize};
  CutReport report;
};

TEST_F(PowerDisk, reads_what_was_written_before_it_is_durable) {
  fill('a');
  EXPECT_EQ(sectors(), std::string(kSectors, 'a'));
}

TEST_F(PowerDisk, never_loses_what_was_flushed) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    fill('a');
    ASSERT_TRUE(disk.flush());
    ASSERT_EQ(after(seed), std::string(kSectors, 'a'));
  }
}

TEST_F(PowerDisk, drops_what_was_not_flushed) {
  fill('a');
  disk.flush();
  fill('b');
  EXPECT_EQ(after(1, Manner::drop), std::string(kSectors, 'a'));
  EXPECT_EQ(report.dropped, 1U);
}

TEST_F(PowerDisk, may_keep_it_all) {
  fill('a');
  fill('b', 1, 2);
  EXPECT_EQ(after(1, Manner::keep), "abb" + std::string(kSectors - 3, 'a'));
  EXPECT_EQ(report.kept, 2U);
}

TEST_F(PowerDisk, tears_at_sectors_only_and_mixes_only_what_was_written) {
  bool some_mixed = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    fill('a');
    disk.flush();
    fill('b');
    fill('c');
    const std::string left = after(seed);
    ASSERT_THAT(left, Each(AnyOf(Eq('a'), Eq('b'), Eq('c')))) << seed;
    some_mixed = some_mixed || left.find_first_not_of(left[0]) != std::string::npos;
  }
  EXPECT_TRUE(some_mixed);
}

TEST_F(PowerDisk, a_prefix_has_no_newer_write_without_the_older_ones) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    fill('-');
    disk.flush();
    for (std::size_t i = 0; i < kSectors; ++i) fill('a', i, 1);
    const std::string left = after(seed, Manner::prefix);
    const auto there = static_cast<std::size_t>(std::ranges::count(left, 'a'));
    ASSERT_EQ(left, std::string(there, 'a') + std::string(kSectors - there, '-'));
  }
}

TEST_F(PowerDisk, shuffled_an_older_write_may_win) {
  bool older = false, newer = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    fill('-', 0, 1);
    disk.flush();
    fill('a', 0, 1);
    fill('b', 0, 1);
    const CutReport cut = disk.cut(seed, Manner::shuffle);
    disk.power_on();
    if (cut.kept != 2) continue;
    (sectors()[0] == 'a' ? older : newer) = true;
  }
  EXPECT_TRUE(older);
  EXPECT_TRUE(newer);
}

TEST_F(PowerDisk, the_same_seed_leaves_the_same_and_another_one_does_not) {
  const auto left_by = [&](std::uint64_t seed) {
    fill('-');
    disk.flush();
    for (std::size_t i = 0; i + 4 < kSectors; ++i) fill(static_cast<char>('a' + i % 26), i, 4);
    return after(seed, Manner::shuffle);
  };
  const std::string once = left_by(17);
  EXPECT_EQ(left_by(17), once);
  EXPECT_NE(left_by(18), once);
}

TEST_F(PowerDisk, zeros_are_a_write) {
  fill('a');
  disk.flush();
  ASSERT_TRUE(disk.zero(kSector, 20 * kSector));
  EXPECT_EQ(sectors(), "a" + std::string(20, '\0') + std::string(kSectors - 21, 'a'));
  EXPECT_EQ(after(1, Manner::drop), std::string(kSectors, 'a'));
  disk.zero(0, kSize);
  disk.flush();
  EXPECT_EQ(after(1, Manner::drop), std::string(kSectors, '\0'));
}

TEST_F(PowerDisk, does_nothing_without_power) {
  fill('a');
  disk.flush();
  disk.cut(1);
  std::byte byte{};
  EXPECT_FALSE(disk.read({&byte, 1}, 0));
  EXPECT_FALSE(disk.write({&byte, 1}, 0));
  EXPECT_FALSE(disk.zero(0, 1));
  EXPECT_FALSE(disk.flush());
  EXPECT_EQ(disk.figures().refused, 4U);
  disk.power_on();
  EXPECT_EQ(sectors(), std::string(kSectors, 'a'));
}

TEST_F(PowerDisk, ends_where_it_ends) {
  const std::byte byte{};
  EXPECT_TRUE(disk.write({&byte, 1}, kSize - 1));
  EXPECT_FALSE(disk.write({&byte, 1}, kSize));
  EXPECT_FALSE(disk.zero(1, kSize));
}

TEST_F(PowerDisk, one_that_lies_loses_what_was_flushed) {
  fill('a');
  disk.flush();
  disk.set_lying(true);
  fill('b');
  EXPECT_TRUE(disk.flush());
  EXPECT_EQ(after(1, Manner::drop), std::string(kSectors, 'a'));
}

TEST(PowerDiskCache, the_oldest_write_becomes_durable_when_it_is_full) {
  constexpr std::uint64_t kPiece = 1 << 20;
  VolatileDisk disk(kUnsyncedBytesMax + kPiece);
  const std::string text(kPiece, 'a');
  const auto write = [&](std::uint64_t piece) {
    ASSERT_TRUE(disk.write(std::as_bytes(std::span(text)), piece * kPiece));
  };
  const auto first_is_there = [&] {
    disk.cut(1, Manner::drop);
    disk.power_on();
    char letter = 0;
    disk.read(std::as_writable_bytes(std::span(&letter, 1)), 0);
    return letter == 'a';
  };
  for (std::uint64_t i = 0; i < kUnsyncedBytesMax / kPiece; ++i) write(i);
  EXPECT_FALSE(first_is_there());
  for (std::uint64_t i = 0; i < kUnsyncedBytesMax / kPiece + 1; ++i) write(i);
  EXPECT_TRUE(first_is_there());
}

TEST_F(PowerDisk, is_cut_behind_a_write_or_in_the_place_of_a_flush) {
  fill('a');
  disk.flush();
  for (const std::uint64_t operations : {1U, 2U, 3U, 4U}) {
    std::optional<CutReport> cut;
    std::thread waiting([&] { cut = disk.cut_after(operations, 1, Manner::drop, std::chrono::seconds{60}); });
    std::uint64_t done = 0;
    const std::byte letter{'a'};
    for (bool on = true; on; ++done) {
      // Until it is armed nothing counts.
      on = done % 2 == 0 ? disk.write({&letter, 1}, 0) : disk.flush();
    }
    waiting.join();
    ASSERT_TRUE(cut);
    EXPECT_GE(done, operations);
    EXPECT_EQ(cut->dropped, 1U);
    disk.power_on();
    EXPECT_EQ(sectors(), std::string(kSectors, 'a'));
  }
  EXPECT_FALSE(disk.cut_after(1, 1, Manner::drop, std::chrono::milliseconds{1}));
  fill('b');
  EXPECT_EQ(sectors(), std::string(kSectors, 'b'));
}

TEST_F(PowerDisk, takes_orders) {
  fill('a');
  EXPECT_EQ(carry_out(disk, "cut 5 0 drop"), R"({"manner":"drop","kept":0,"torn":0,"dropped":1})");
  EXPECT_EQ(carry_out(disk, "figures"), R"({"writes":1,"flushes":0,"cuts":1,"refused":0})");
  EXPECT_EQ(carry_out(disk, "on"), "{}");
  EXPECT_EQ(sectors(), std::string(kSectors, '\0'));
  for (const char* order : {"", "cut", "cut 1", "cut x 0", "cut 1 0 gently", "off"})
    EXPECT_THAT(carry_out(disk, order), ::testing::StartsWith(R"({"error")")) << order;
}

}  // namespace
}  // namespace ringpost::power
