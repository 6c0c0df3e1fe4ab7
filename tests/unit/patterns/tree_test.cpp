#include "patterns/tree.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ringpost/patterns/limits.hpp"

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
       {"(?|a|b)", "\\X", "\\p{L}", "(*FAIL)", "(", "a)", "*a", "a**", "a{2}{3}", "[a", "(?<n", "\\2(a)",
        "a{5,2}", "(a)\\4294967296", "(a)\\g{4294967296}", "(a)(?(4294967296)b)"})
    EXPECT_FALSE(parse({beyond, {}}).has_value()) << beyond;
}

TEST(Tree, reads_what_nests_up_to_a_limit) {
  const auto nested = [](std::string_view open, std::size_t times) {
    std::string text = "(a)";
    for (std::size_t n = 0; n < times; ++n) text += open;
    return parse({text + "b" + std::string(times, ')'), {}}).has_value();
  };
  for (const char* open : {"(", "(?:", "(?=", "(?i:", "(?(1)", "(?(1)x|"}) {
    EXPECT_TRUE(nested(open, kNestingMax - 1)) << open;
    EXPECT_FALSE(nested(open, kNestingMax)) << open;
    EXPECT_FALSE(nested(open, 80'000)) << open;  // what recurses without a bound does not come back from this
  }
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

std::vector<std::vector<std::string>> words(std::string_view expression, Flags flags = {}) {
  std::vector<std::vector<std::string>> groups;
  for (const Factor& factor : factors_of(*parse({std::string(expression), flags})))
    groups.push_back(factor.literals);
  return groups;
}

TEST(Tree, finds_the_words_that_must_occur) {
  using Groups = std::vector<std::vector<std::string>>;
  EXPECT_EQ(words("x?(?i:Viagra|cialis)\\d+"), (Groups{{"cialis", "viagra"}}));
  EXPECT_EQ(words("(?:long literal)?ab"), Groups{});
  EXPECT_EQ(words("long literal|ab"), Groups{});
  EXPECT_EQ(words("bank of nigeria.{1,9}transfer"), (Groups{{"bank of nigeria"}, {"transfer"}}));
  EXPECT_EQ(words("v[i1]agr[a@] (?:now|here)"),
            (Groups{{"v1agr@ here", "v1agr@ now", "v1agra here", "v1agra now", "viagr@ here", "viagr@ now",
                     "viagra here", "viagra now"}}));
  EXPECT_EQ(words("colou?r scheme"), (Groups{{"color scheme", "colour scheme"}}));
  EXPECT_EQ(words("zip(?=code)\\s+(?!x)needed"), (Groups{{"needed"}, {"code"}}));
  EXPECT_EQ(words("(?:word){2}"), (Groups{{"wordword"}}));
  EXPECT_EQ(words("(?:word)+ly"), (Groups{{"wordly"}, {"word"}}));
  EXPECT_EQ(words("(?:\\d+|word)ly"), Groups{});
  EXPECT_EQ(words("the"), Groups{});
}

TEST(Tree, counts_words_that_must_occur_several_times) {
  const auto found =
      factors_of(*parse({"(?:your )?(?:(?:name|age|ad+ress)[:.]?\\s?){5}", {.caseless = true}}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].literals, (std::vector<std::string>{"age", "dress", "name"}));
  EXPECT_EQ(found[0].times, 5U);
  for (const Factor& one : factors_of(*parse({"(?:(?:name|age) ?){2}", {}}))) EXPECT_EQ(one.times, 1U);
}

// "v-i-a-g": letters of a set each, and what may stand between them.
std::vector<std::string> runs(std::string_view expression) {
  std::vector<std::string> out;
  for (const LettersFactor& factor : letters_factors_of(*parse({std::string(expression), {}})))
    for (const Letters& run : factor.runs) {
      std::string& text = out.emplace_back();
      for (const Letter& letter : run) {
        text += fmt::format("{}", letter.set.count());
        if (letter.stay.any()) text += fmt::format("({})", letter.stay.count());
        text += ' ';
      }
    }
  return out;
}

// Of a run only the narrowest part that says enough.
TEST(Tree, finds_the_letters_that_must_occur) {
  EXPECT_EQ(runs("v[-_]{0,3}[i1]x?agr"), (std::vector<std::string>{"1(2) 2(1) 1 1 1 "}));
  EXPECT_EQ(runs("(?:e|&#(?:1|22);)zzq"), (std::vector<std::string>{"1 1 1 "}));
  EXPECT_EQ(runs("\\btue(?:s|sday)?\\b").size(), 1U);
  EXPECT_EQ(runs("[a-z]+ [a-z]+"), std::vector<std::string>{});
}

TEST(Tree, says_what_is_left_in_ascii) {
  const auto left = [](std::string expression) {
    const Tree tree = in_ascii(*parse({std::move(expression), {}}));
    return tree[tree.root].kind == NodeKind::never ? "never" : emit(tree, {.hyperscan = true});
  };
  EXPECT_EQ(left("(?:[e\\xe9]|\\xc3[\\xa8\\xa9]|3)x"), "(?:e|3)x");
  EXPECT_EQ(left("a(?:\\xc3\\xa9)?b"), "ab");
  EXPECT_EQ(left("a(?:\\xc3\\xa9)+b"), "never");
  EXPECT_EQ(left("[\\x80-\\xff]"), "never");
  EXPECT_EQ(left("a(?!\\xc3)b"), "ab");
  EXPECT_EQ(left("a(?=\\xc3)b"), "never");
}

TEST(Tree, writes_letters_of_many_ways_as_a_few) {
  Emission letters{.hyperscan = true, .relaxed = true};
  letters.coarse = 10;
  letters.letters = true;
  EXPECT_EQ(hyperscan("(?:[pP]|\\xce\\xa1|\\xd0[\\xa0\\xa1]|\\xe1\\xb9\\x94|&#1;|&#22;)x", letters),
            "(?:[Pp]|\\x26[\\x2312;]{3,4}|[\\xce\\xd0\\xe1][\\x94\\xa0\\xa1\\xb9]{1,2})x");
}

TEST(Tree, stops_at_its_depth) {
  EXPECT_TRUE(parse({std::string(150, '(') + "a" + std::string(150, ')'), {}}).has_value());
  EXPECT_FALSE(parse({std::string(5000, '(') + "a" + std::string(5000, ')'), {}}).has_value());
}

}  // namespace
}  // namespace ringpost::patterns
