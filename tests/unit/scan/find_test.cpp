#include "ringpost/scan/find.hpp"

#include <random>

#include <gtest/gtest.h>

namespace ringpost::scan {
namespace {

TEST(Find, finds_the_first_crlf_and_no_half_of_one) {
  EXPECT_EQ(find_crlf(as_bytes("EHLO x\r\nMAIL")), 6U);
  EXPECT_EQ(find_crlf(as_bytes("\r\r\n")), 1U);
  EXPECT_EQ(find_crlf(as_bytes("EHLO x\r")), kNotFound);
  EXPECT_EQ(find_crlf(as_bytes("a\nb\rc")), kNotFound);
  EXPECT_EQ(find_crlf({}), kNotFound);
}

TEST(Find, finds_either_line_end) {
  EXPECT_EQ(find_line_end(as_bytes("ab\ncd\r")), 2U);
  EXPECT_EQ(find_line_end(as_bytes("ab\rcd\n")), 2U);
  EXPECT_EQ(find_line_end(as_bytes("abcd")), kNotFound);
}

TEST(Find, finds_a_byte_above_127) {
  EXPECT_EQ(find_byte(as_bytes("caf\xE9"), std::byte{0xE9}), 3U);
}

TEST(Find, agrees_with_its_scalar_twins_wherever_the_match_is) {
  for (std::size_t size = 0; size < 300; ++size) {
    std::string text(size, 'x');
    for (std::size_t place = 0; place <= size; place += 1 + place / 7) {
      if (place < size) text[place] = '\r';
      if (place + 1 < size) text[place + 1] = '\n';
      const auto bytes = as_bytes(text);
      ASSERT_EQ(find_crlf(bytes), scalar::find_crlf(bytes)) << size << " " << place;
      ASSERT_EQ(find_line_end(bytes), scalar::find_line_end(bytes)) << size << " " << place;
      ASSERT_EQ(find_byte(bytes, std::byte{'\n'}), scalar::find_byte(bytes, std::byte{'\n'}))
          << size << " " << place;
      text.assign(size, 'x');
    }
  }
}

TEST(Find, agrees_with_its_scalar_twins_on_random_bytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 200, 'x');
    for (char& c : text)
      if (random() % 40 == 0) c = "\r\n"[random() % 2];
    const auto bytes = as_bytes(text);
    ASSERT_EQ(find_crlf(bytes), scalar::find_crlf(bytes));
    ASSERT_EQ(find_line_end(bytes), scalar::find_line_end(bytes));
  }
}

}  // namespace
}  // namespace ringpost::scan
