#include "ringpost/base/units.hpp"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

TEST(Units, reads_sizes_binary_and_decimal) {
  EXPECT_EQ(parse_bytes("64MiB").value(), 64_MiB);
  EXPECT_EQ(parse_bytes("10GB").value(), Bytes{10'000'000'000});
  EXPECT_EQ(parse_bytes("512").value(), 512_B);
}

TEST(Units, refuses_sizes_that_are_none) {
  for (const char* text : {"", "MiB", "12 MiB", "-1", "12QiB", "99999999999TiB", "18446744073709551616"})
    EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Units, reads_durations_and_their_sums) {
  EXPECT_EQ(parse_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("5min").value(), 5min);
  for (const char* text : {"", "s", "5", "5 s", "1h-3m", "300000000d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, reads_rates) {
  EXPECT_EQ(parse_rate("600/min").value(), (Rate{600, 1min}));
  for (const char* text : {"600", "600/", "/min", "600/lustrum"}) EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Units, prints_what_it_reads) {
  for (const char* text : {"64MiB", "1000", "0", "3GiB"})
    EXPECT_EQ(to_string(parse_bytes(text).value()), text);
  for (const char* text : {"1h30m", "5d", "250ms", "1s500ms"})
    EXPECT_EQ(to_string(parse_duration(text).value()), text);
  for (const char* text : {"600/min", "10/s", "2/d"}) EXPECT_EQ(to_string(parse_rate(text).value()), text);
}

}  // namespace
}  // namespace ringpost
