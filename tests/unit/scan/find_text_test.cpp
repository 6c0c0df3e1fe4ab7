#include "ringpost/scan/find_text.hpp"

#include <random>

#include <gtest/gtest.h>

namespace ringpost::scan {
namespace {

TEST(FindText, finds_a_text_in_either_case_and_no_other_characters_that_differ_by_that_bit) {
  EXPECT_EQ(find_folded(as_bytes("Good MORNING"), "morning"), 5U);
  EXPECT_EQ(find_folded(as_bytes("a[b a{b"), "a{b"), 4U);
  EXPECT_EQ(find_folded(as_bytes("a@b"), "a`b"), kNotFound);
  EXPECT_EQ(find_folded(as_bytes("mornin"), "morning"), kNotFound);
  EXPECT_EQ(find_folded(as_bytes("x"), ""), 0U);
  EXPECT_EQ(find_folded({}, "x"), kNotFound);
  EXPECT_EQ(find_folded(as_bytes(std::string(1000, 'a') + "B"), "ab"), 999U);
}

TEST(FindText, folded_texts_and_eight_bit_agree_with_their_scalar_twins) {
  std::mt19937 random(11);
  for (int round = 0; round < 5000; ++round) {
    std::string text(random() % 300, 'x');
    for (char& c : text) c = "abABxX{[ "[random() % 9];
    if (random() % 3 == 0 && !text.empty()) text[random() % text.size()] = '\xC3';
    std::string needle(1 + random() % 6, 'x');
    for (char& c : needle) c = "abx{[ "[random() % 6];
    if (random() % 2 == 0 && text.size() > needle.size())
      text.replace(random() % (text.size() - needle.size()), needle.size(), needle);
    const auto bytes = as_bytes(text);
    ASSERT_EQ(find_folded(bytes, needle), scalar::find_folded(bytes, needle)) << text << " in it " << needle;
    ASSERT_EQ(find_eight_bit(bytes), scalar::find_eight_bit(bytes)) << text;
  }
}

}  // namespace
}  // namespace ringpost::scan
