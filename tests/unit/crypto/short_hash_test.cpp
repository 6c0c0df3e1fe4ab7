#include "ringpost/crypto/short_hash.hpp"

#include <string>

#include <gtest/gtest.h>

namespace ringpost::crypto {
namespace {

std::string counting(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i);
  return bytes;
}

// The vectors of the paper's reference: key 00 to 0f, texts "", 00, 00 01, ...
TEST(ShortHash, is_that_of_its_authors) {
  const ShortHashKey key = short_hash_key(counting(16));
  EXPECT_EQ(short_hash(key, ""), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(short_hash(key, counting(1)), 0x74f839c593dc67fdU);
  EXPECT_EQ(short_hash(key, counting(8)), 0x93f5f5799a932462U);
  EXPECT_EQ(short_hash(key, counting(15)), 0xa129ca6149be45e5U) << "appendix A of the paper";
}

TEST(ShortHash, depends_on_its_key) {
  EXPECT_NE(short_hash(short_hash_key("one"), "text"), short_hash(short_hash_key("two"), "text"));
  EXPECT_EQ(short_hash(short_hash_key(counting(16)), "text"),
            short_hash(short_hash_key(counting(20)), "text"));
}

}  // namespace
}  // namespace ringpost::crypto
