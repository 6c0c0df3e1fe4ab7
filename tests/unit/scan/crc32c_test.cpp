#include "ringpost/scan/crc32c.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "ringpost/scan/find.hpp"

namespace ringpost::scan {
namespace {

std::vector<std::byte> random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFFU);
  return bytes;
}

TEST(Crc32c, gives_the_check_value_of_the_catalogue) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c_scalar(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, gives_the_vectors_of_rfc_3720) {
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0})), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xFF})), 0x62A8AB43U);
  std::vector<std::byte> rising(32);
  for (unsigned i = 0; i < 32; ++i) rising[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(rising), 0x46DD794EU);
}

TEST(Crc32c, agrees_with_its_scalar_twin_at_every_size_and_alignment) {
  const auto bytes = random_bytes(4096, 1);
  for (std::size_t size = 0; size <= 2000; size += size < 40 ? 1 : 37)
    for (std::size_t offset = 0; offset < 9; ++offset) {
      const auto part = std::span(bytes).subspan(offset, size);
      ASSERT_EQ(crc32c(part, 77), crc32c_scalar(part, 77)) << size << " at " << offset;
    }
}

TEST(Crc32c, copies_on_the_way_and_writes_nothing_else) {
  const auto bytes = random_bytes(4096, 4);
  for (std::size_t size = 0; size <= 2500; size += size < 40 ? 1 : 37)
    for (std::size_t offset = 0; offset < 9; ++offset) {
      const auto part = std::span(bytes).subspan(offset, size);
      std::vector<std::byte> to(size + 16, std::byte{0xA5});
      ASSERT_EQ(crc32c_copy(to.data() + 8, part, 77), crc32c_scalar(part, 77)) << size << " at " << offset;
      const auto written = std::span(to).subspan(8, size);
      ASSERT_TRUE(std::ranges::equal(written, part)) << size << " at " << offset;
      const auto untouched = [](std::byte byte) { return byte == std::byte{0xA5}; };
      ASSERT_TRUE(std::ranges::all_of(std::span(to).first(8), untouched)) << size;
      ASSERT_TRUE(std::ranges::all_of(std::span(to).last(8), untouched)) << size;
    }
}

TEST(Crc32c, continues_from_a_seed) {
  const auto bytes = random_bytes(3000, 2);
  const std::span all(bytes);
  for (std::size_t cut : {0UL, 1UL, 767UL, 768UL, 769UL, 2999UL, 3000UL})
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
}

TEST(Crc32c, combines_two_parts) {
  const auto bytes = random_bytes(5000, 3);
  const std::span all(bytes);
  for (std::size_t cut : {0UL, 1UL, 100UL, 4096UL, 5000UL})
    EXPECT_EQ(crc32c_combine(crc32c(all.first(cut)), crc32c(all.subspan(cut)), all.size() - cut), crc32c(all))
        << cut;
}

}  // namespace
}  // namespace ringpost::scan
