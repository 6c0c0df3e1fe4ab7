#include "load_id.hpp"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

TEST(LoadId, reads_what_it_writes) {
  for (const LoadId id : {LoadId{}, LoadId{0xFFFFFFFF, 999, 999'999'999'999}, LoadId{0x7f3a91c2, 3, 42}}) {
    EXPECT_EQ(to_string(id).size(), kIdSize);
    EXPECT_EQ(parse_id(to_string(id)), id);
  }
  EXPECT_EQ(to_string(LoadId{0x7f3a91c2, 0, 42}), "7f3a91c2-000-000000000042");
}

TEST(LoadId, refuses_what_was_cut_off_or_changed) {
  const std::string good = to_string(LoadId{1, 2, 3});
  EXPECT_FALSE(parse_id(std::string_view(good).substr(1)));
  EXPECT_FALSE(parse_id(good + "0"));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = '-';
    EXPECT_EQ(parse_id(changed).has_value(), good[i] == '-') << changed;
    changed[i] = 'x';
    EXPECT_FALSE(parse_id(changed)) << changed;
  }
}

TEST(LoadId, writes_checksums_of_eight_digits) {
  EXPECT_EQ(checksum_text(0xE3069283), "e3069283");
  EXPECT_EQ(checksum_text(1), "00000001");
  EXPECT_EQ(parse_checksum("e3069283"), 0xE3069283U);
  EXPECT_FALSE(parse_checksum("e306928"));
  EXPECT_FALSE(parse_checksum("e30692833"));
  EXPECT_FALSE(parse_checksum("-3069283"));
}

}  // namespace
}  // namespace ringpost::loadgen
