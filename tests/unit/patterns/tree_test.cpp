#include "patterns/tree.hpp"

#include <gtest/gtest.h>

namespace ringpost::patterns {
namespace {

std::string hyperscan(const std::string& expression, Emission how = {.hyperscan = true}) {
  const auto tree = parse({expression, {}});
  return tree ? emit(*tree, how) : "beyond";
}

TEST(Tree, writes_what_hyperscan_reads) {
  EXPECT_EQ(hyperscan("ab|c{2,}"), "ab|c{2,}");
  EXPECT_EQ(hyperscan("(?i)ab(?-i:c)d"), "(?i:ab)c(?i:d)");
  EXPECT_EQ(hyperscan("(a|b)+x"), "(?:a|b)+x");
  EXPECT_EQ(hyperscan(".\\d\\."), "[^\\x0a][0-9]\\x2e");
  EXPECT_EQ(hyperscan("[\\w-]"), "[\\x2d0-9A-Z_a-z]");
  EXPECT_EQ(hyperscan("\\d{1,3}\\N{2}"), "beyond");
  EXPECT_EQ(hyperscan("\\d{1,3}x"), "[0-9]{1,3}x");
}

TEST(Tree, relaxes_what_hyperscan_cannot_say) {
  const Emission relaxed{.hyperscan = true, .relaxed = true};
  EXPECT_EQ(hyperscan("a(?=b)c(?<!d)", relaxed), "ac");
  EXPECT_EQ(hyperscan("(?>ab)c++", relaxed), "(?:ab)c+");
  EXPECT_EQ(hyperscan("([xy])-\\1", relaxed), "(?:[xy])\\x2d(?:[xy])");
}

TEST(Tree, knows_what_it_cannot_read) {
  for (const char* beyond :
       {"(?|a|b)", "\\X", "\\p{L}", "(*FAIL)", "(", "a)", "*a", "a**", "[a", "(?<n", "\\2(a)", "a{5,2}"})
    EXPECT_FALSE(parse({beyond, {}}).has_value()) << beyond;
}

TEST(Tree, translates_the_braces_of_perl) {
  EXPECT_EQ(parse({"a{,3}b{ 1, 2 }c{x}", {}})->pcre2, "a{0,3}b{1,2}c{x}");
  EXPECT_EQ(parse({"x\\x{456}|y", {}})->pcre2, "x(?!)|y");
  EXPECT_EQ(parse({"[a\\x{456}]", {}})->pcre2, "a");
}

TEST(Tree, measures) {
  const Traits traits = traits_of(*parse({"ab(?:c|de){2,3}\\s", {}}));
  EXPECT_EQ(traits.width_min, 5U);
  EXPECT_EQ(traits.positions, 2U + 9U + 1U);
  EXPECT_TRUE(traits.takes_newline);
  EXPECT_FALSE(traits.anchored);
  EXPECT_FALSE(traits_of(*parse({"a\\S", {}})).takes_newline);
  EXPECT_TRUE(traits_of(*parse({"^a", {}})).anchored);
}

TEST(Tree, finds_the_literals_that_must_occur) {
  const Factor factor = factor_of(*parse({"x?(?i:Viagra|cialis)\\d+", {}}));
  EXPECT_EQ(factor.literals, (std::vector<std::string>{"cialis", "viagra"}));
  EXPECT_TRUE(factor.caseless);
  EXPECT_TRUE(factor_of(*parse({"(?:long literal)?ab", {}})).literals.empty());
  EXPECT_TRUE(factor_of(*parse({"long literal|ab", {}})).literals.empty());
}

TEST(Tree, stops_at_its_depth) {
  EXPECT_TRUE(parse({std::string(150, '(') + "a" + std::string(150, ')'), {}}).has_value());
  EXPECT_FALSE(parse({std::string(5000, '(') + "a" + std::string(5000, ')'), {}}).has_value());
}

}  // namespace
}  // namespace ringpost::patterns
