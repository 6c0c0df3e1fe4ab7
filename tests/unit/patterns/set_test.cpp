#include "ringpost/patterns/set.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "ringpost/patterns/limits.hpp"

namespace ringpost::patterns {
namespace {

Pattern perl(std::string_view delimited) {
  auto parsed = parse_delimited(delimited);
  EXPECT_TRUE(parsed.has_value()) << delimited;
  return parsed.value_or(Pattern{});
}

std::vector<Pattern> perl(std::initializer_list<const char*> list) {
  std::vector<Pattern> patterns;
  for (const char* text : list) patterns.push_back(perl(text));
  return patterns;
}

// What matches in one subject, as a caller of a set finds it out.
std::vector<std::uint32_t> hits(const Set& set, std::string_view subject, Scratch& scratch) {
  std::vector<std::uint32_t> found;
  const auto search = [&](std::uint32_t index) {
    if (set.search(index, subject, scratch) == Match::yes) found.push_back(index);
  };
  if (!set.in_hyperscan()) {
    for (std::uint32_t index = 0; index < set.size(); ++index) search(index);
    return found;
  }
  set.candidates(subject, scratch, [&](const Set::Candidate& candidate) {
    if (candidate.certain)
      found.push_back(candidate.index);
    else
      search(candidate.index);
  });
  std::ranges::sort(found);
  return found;
}

// What matches in any of the lines: by searching each, and by what a set says.
std::vector<std::uint32_t> searched(const Set& set, std::span<const std::string> lines, Scratch& scratch) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t index = 0; index < set.size(); ++index)
    if (std::ranges::any_of(lines,
                            [&](const auto& line) { return set.search(index, line, scratch) == Match::yes; }))
      found.push_back(index);
  return found;
}
std::vector<std::uint32_t> named(const Set& set, std::span<const std::string> lines, Scratch& scratch) {
  std::set<std::uint32_t> found;
  set.candidates(lines, scratch, [&](const Set::Candidate& candidate) {
    const bool every = candidate.subject == Set::kEverySubject;
    const auto among = every ? lines : lines.subspan(candidate.subject, 1);
    if (candidate.certain || std::ranges::any_of(among, [&](const auto& line) {
          return set.search(candidate.index, line, scratch) == Match::yes;
        }))
      found.insert(candidate.index);
  });
  return {found.begin(), found.end()};
}

TEST(Pattern, reads_delimiters_and_letters) {
  EXPECT_EQ(perl("/a\\/b/i"), (Pattern{"a\\/b", {.caseless = true}}));
  EXPECT_EQ(perl("m{^a{2}}sx"), (Pattern{"^a{2}", {.dot_all = true, .extended = true}}));
  EXPECT_EQ(perl("m!x!"), (Pattern{"x", {}}));
  for (const char* bad : {"a", "/a", "/a/b/", "/a/e", "m\\a\\", "mxax", ""})
    EXPECT_FALSE(parse_delimited(bad).has_value()) << bad;
}

// Perl takes \\Q away while it reads a program, not in a text that becomes an expression; nor does SpamAssassin.
TEST(Set, has_letters_where_perl_has_no_escape) {
  const auto set = Set::interim(perl({"/\\Qa.b\\E/", "/\\Lx\\U\\l\\u\\F/"}), Subjects::whole);
  Scratch scratch;
  EXPECT_EQ(set->problem(0), "");
  EXPECT_EQ(set->problem(1), "");
  EXPECT_EQ(set->search(0, "a.b", scratch), Match::no);
  EXPECT_EQ(set->search(0, "QaxbE", scratch), Match::yes);
  EXPECT_EQ(set->search(1, "LxUluF", scratch), Match::yes);
}

TEST(Set, takes_the_best_way_for_each) {
  const auto set = Set::compiled(
      perl({"/viagra/i", "/buy(?! nothing) now/", "/(\\w)\\1\\1/", "/(?>secret|word)x?+$/", "/[/"}),
      Subjects::whole);
  EXPECT_EQ(set->way(0), Way::exact);
  EXPECT_EQ(set->way(1), Way::prefilter);
  EXPECT_EQ(set->way(2), Way::prefilter);
  EXPECT_EQ(set->way(3), Way::prefilter);
  EXPECT_EQ(set->way(4), Way::broken);
  EXPECT_NE(set->problem(4), "");
  Scratch scratch;
  EXPECT_EQ(hits(*set, "buy Viagra now", scratch), (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(hits(*set, "buy now, buy nothing now", scratch), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(hits(*set, "aaah secret", scratch), (std::vector<std::uint32_t>{2, 3}));
}

TEST(Set, answers_the_same_before_it_is_compiled) {
  const auto patterns =
      perl({"/viagra/i", "/buy(?! nothing) now/", "/(\\w)\\1\\1/", "/^a.*z$/m", "/\\bfree\\b/", "/x{,2}y/"});
  const auto interim = Set::interim(patterns, Subjects::whole);
  const auto compiled = Set::compiled(patterns, Subjects::whole);
  EXPECT_FALSE(interim->in_hyperscan());
  EXPECT_TRUE(compiled->in_hyperscan());
  std::mt19937 random(7);
  Scratch scratch;
  for (int round = 0; round < 2000; ++round) {
    std::string subject;
    for (int i = 0; i < 8; ++i) {
      static constexpr const char* kWords[] = {"viagra", "VIA", "gra", "buy now", "buy nothing now",
                                               "aaa",    "\na", "z\n", " free ",  "freeze",
                                               "xxy",    "y",   " "};
      subject += kWords[random() % std::size(kWords)];
    }
    EXPECT_EQ(hits(*interim, subject, scratch), hits(*compiled, subject, scratch)) << subject;
  }
}

// Lines in one buffer give what line by line gives, over every join: newlines that are taken, anchors, boundaries.
TEST(Set, sees_each_line_for_itself) {
  const auto patterns = perl({"/foo\\s+bar/", "/^bar/", "/foo$/", "/o\\s$/", "/\\bfoo\\b/", "/[^x]b/",
                              "/\\Abar\\z/", "/bar\\Z/", "/r\\n/", "/o(?=\\sb)/", "/foo.bar/s"});
  const auto set = Set::compiled(patterns, Subjects::lines);
  Scratch scratch;
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> lines(1 + random() % 3);
    for (std::string& line : lines) {
      for (unsigned i = random() % 4; i > 0; --i) {
        static constexpr const char* kWords[] = {"foo", "bar", " ", "x", "foo bar"};
        line += kWords[random() % std::size(kWords)];
      }
      line += '\n';
    }
    EXPECT_EQ(named(*set, lines, scratch), searched(*set, lines, scratch))
        << fmt::format("{}", fmt::join(lines, ""));
  }
}

// Text beyond ASCII goes through another database, in which letters have more ways to be written.
TEST(Set, sees_the_same_in_any_text) {
  const std::string e = "(?:[e3\\xe9]|\\xc3[\\xa8-\\xab]|\\xd0\\xb5|&#(?:233|1077);)";
  const auto patterns =
      std::vector<Pattern>{{"(?!fre)fr" + e + "[_ ]?" + e, {.caseless = true}},
                           {"\\b" + e + "asy money", {.caseless = true}},
                           {"[\\x80-\\xff]{3}", {}},
                           {"caf\\xc3\\xa9", {}},
                           {"caf(?!\\xc3)", {}},
                           {"caf(?=\\xc3)", {}},
                           {"(\\xc3\\xa9)?x\\1?y", {}},
                           {"[^a]b", {}},
                           {"free (?:gift|pri" + std::string("z") + e + ")s? (?:now|today)", {}}};
  const auto set = Set::compiled(patterns, Subjects::lines);
  ASSERT_TRUE(set->in_hyperscan());
  const auto whole = Set::compiled(patterns, Subjects::whole);
  Scratch scratch;
  std::mt19937 random(5);
  static constexpr const char* kWords[] = {
      "fr", "e",    "\xc3\xa9", "3", "&#233;",        "asy money",  "_",      "caf",     "x",
      "y",  "\xe9", " ",        "b", "free gift now", "free prize", " today", "\xd0\xb5"};
  for (int round = 0; round < 4000; ++round) {
    std::vector<std::string> lines(1 + random() % 4);
    for (std::string& line : lines) {
      for (unsigned i = random() % 6; i > 0; --i) line += kWords[random() % std::size(kWords)];
      line += '\n';
    }
    EXPECT_EQ(named(*set, lines, scratch), searched(*set, lines, scratch))
        << fmt::format("{}", fmt::join(lines, ""));
    EXPECT_EQ(hits(*whole, lines[0], scratch), searched(*whole, std::span(lines).first(1), scratch))
        << lines[0];
  }
}

// All words of an expression have to be in one line before it is searched there.
TEST(Set, names_only_lines_with_all_that_is_needed) {
  const auto patterns =
      perl({"/claim\\b[^.]{0,99}\\bcertificate/i", "/[ck]redit[\\W_]{1,9}card(?! no)/i", "/abcd/"});
  const auto set = Set::compiled(patterns, Subjects::lines);
  EXPECT_EQ(set->way(0), Way::literal);
  EXPECT_EQ(set->way(1), Way::literal);
  Scratch scratch;
  const std::vector<std::string> lines{"claim it\n", "your certificate\n", "Claim the Certificate\n",
                                       "kredit\n", "Credit - Card\n"};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> told;
  set->candidates(lines, scratch,
                  [&](const Set::Candidate& one) { told.emplace_back(one.index, one.subject); });
  EXPECT_EQ(told, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 2}, {1, 4}}));
}

// What must be there several times counts words that do not overlap: neither fewer, or a match would be missed, nor one word for two.
TEST(Set, counts_words_that_do_not_overlap) {
  const auto patterns = perl({"/(?:(?:name|names|age|sex)[,: ]{0,3}){5}/i", "/abcd/", "/efgh/"});
  const auto set = Set::compiled(patterns, Subjects::lines);
  ASSERT_EQ(set->way(0), Way::literal);
  Scratch scratch;
  const std::vector<std::string> lines{"agesexagesexage\n", "names, names: names, names. Names\n",
                                       "name names age, sex,name\n"};
  std::vector<std::uint32_t> told;
  set->candidates(lines, scratch, [&](const Set::Candidate& one) { told.push_back(one.subject); });
  EXPECT_EQ(told, (std::vector<std::uint32_t>{0, 1, 2}));
  const std::vector<std::string> few{"names, names and names\n"};
  set->candidates(few, scratch, [&](const Set::Candidate& one) { told.push_back(one.subject); });
  EXPECT_EQ(told.size(), 3U);
  EXPECT_EQ(named(*set, lines, scratch), (std::vector<std::uint32_t>{0}));
}

// Runs of letters are no stricter than the expression: what stands between them, at the edge of a word, at either end of the
// text, written in several ways, or there several times.
TEST(Set, misses_nothing_by_its_letters) {
  const auto patterns =
      perl({"/\\b[_\\W]{0,3}v[_\\W]{0,3}[i1!|][_\\W]{0,3}[a4@]\\b/i", "/\\bv[i1]a(?:s|sab)?\\b/",
            "/(?:v|&#(?:1|22);)+[i1]{2,3}(?:a|4)x/", "/v.{0,4}1\\s+a\\B/", "/(?!via)v[i1](?=a)./",
            "/(?:(?:via|v1a|[a4]v) ?){3}/", "/x(?:v1a|via[sx])?(?<=[xas])\\b[ ]v/", "/^(?:v|1)[a4]{3,}$/m",
            "/\\b(?:v1)+a4/", "/\\b(?:x)?via[14]/", "/v\\b[- ]\\b1a/"});
  Scratch scratch;
  std::mt19937 random(3);
  static constexpr const char* kWords[] = {"v", "i",   "a",   "1", "4", "@",     " ",  "_",
                                           "-", "via", "v1a", "s", "x", "&#22;", "x v"};
  const auto lines_set = Set::compiled(patterns, Subjects::lines);
  const auto whole_set = Set::compiled(patterns, Subjects::long_whole);
  ASSERT_TRUE(lines_set->in_hyperscan() && whole_set->in_hyperscan());
  for (int round = 0; round < 6000; ++round) {
    std::vector<std::string> lines(1 + random() % 3);
    for (std::string& line : lines) {
      for (unsigned i = random() % 9; i > 0; --i) line += kWords[random() % std::size(kWords)];
      line += '\n';
    }
    EXPECT_EQ(named(*lines_set, lines, scratch), searched(*lines_set, lines, scratch))
        << fmt::format("{}", fmt::join(lines, ""));
    std::vector<std::string> whole{fmt::format("{}", fmt::join(lines, ""))};
    if (random() % 2 == 0) whole[0].pop_back();
    EXPECT_EQ(hits(*whole_set, whole[0], scratch), searched(*whole_set, whole, scratch)) << whole[0];
  }
}

// What has neither words nor a cheap database is walked: it is named where it may match, in no other line, and in all when the
// text makes more states than one pass may.
TEST(Set, walks_what_has_no_words) {
  const auto patterns = perl(
      {"/\\bo[\\W_]?f[\\W_]?f[\\W_]?[e3][\\W_]?r\\b/i", "/^[a-z]{3,9}\\d{2}[a-z]+$/", "/abcd/", "/efgh/"});
  const auto set = Set::compiled(patterns, Subjects::lines);
  EXPECT_EQ(set->way(0), Way::literal);
  EXPECT_EQ(set->way(1), Way::prefilter);
  Scratch scratch;
  const std::vector<std::string> lines{"nothing here\n", "an o-f-f-3-r\n", "abc12z\n", "xx abc12z\n"};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> told;
  set->candidates(lines, scratch,
                  [&](const Set::Candidate& one) { told.emplace_back(one.index, one.subject); });
  EXPECT_EQ(told, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 1}, {1, 2}}));
  const auto again = Set::restored(patterns, Subjects::lines, set->serialized());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(named(**again, lines, scratch), named(*set, lines, scratch));
}

// One automaton and two, which go over two lines at once, and more than go over a text together: each says the same as alone, in
// few texts and in those that make too many states.
TEST(Set, walks_many_together) {
  for (const unsigned count : {5U, 10U, 30U}) {
    std::vector<Pattern> patterns;
    for (unsigned n = 0; n < count; ++n)
      patterns.push_back(
          perl(fmt::format("/^[a-z]{{{},{}}}\\d{{1,{}}}[a-z]+\\d$/", 1 + n % 3, 5 + n, 2 + n % 4)));
    const auto set = Set::compiled(patterns, Subjects::lines);
    for (std::size_t n = 0; n < patterns.size(); ++n) ASSERT_EQ(set->way(n), Way::prefilter);
    std::mt19937 random(5);
    Scratch scratch;
    std::size_t found = 0;
    for (int round = 0; round < 300; ++round) {
      std::vector<std::string> lines(round % 150 == 149 ? 2'000 : 1 + random() % 6);
      for (std::string& line : lines) {
        for (unsigned i = 1 + random() % 4; i > 0; --i) line += static_cast<char>('a' + random() % 26);
        for (unsigned i = random() % 5; i > 0; --i) line += static_cast<char>('0' + random() % 10);
        for (unsigned i = random() % 3; i > 0; --i) line += static_cast<char>('a' + random() % 26);
        line += fmt::format("{}{}\n", static_cast<char>('a' + random() % 8), random() % 10);
      }
      const auto all = searched(*set, lines, scratch);
      ASSERT_EQ(named(*set, lines, scratch), all) << count;
      found += all.size();
    }
    EXPECT_GT(found, 100U);
  }
}

// Then it names every line, which is never wrong: in one text with too many, and when the table of many texts is full and begins anew.
TEST(Set, names_what_makes_too_many_states) {
  for (const unsigned count : {5U, 10U}) {
    std::vector<Pattern> patterns;
    for (unsigned n = 0; n < count; ++n)
      patterns.push_back(perl(fmt::format("/^[{}-{}]?[a-z]{{2}}[{}-{}][a-z]{{6,9}}\\d{{1,3}}[a-z]+\\d$/",
                                          char('a' + n), char('m' + n), char('b' + n), char('n' + n))));
    const auto set = Set::compiled(patterns, Subjects::lines);
    for (std::size_t n = 0; n < patterns.size(); ++n) ASSERT_EQ(set->way(n), Way::prefilter);
    std::mt19937 random(7);
    const auto line = [&] {
      std::string text;
      for (unsigned i = 8 + random() % 7; i > 0; --i) text += static_cast<char>('a' + random() % 26);
      return text +
             fmt::format("{}{}{}\n", random() % 100, static_cast<char>('a' + random() % 26), random() % 10);
    };
    Scratch scratch;
    std::size_t named_in_vain = 0;
    for (int round = 0; round < 400; ++round) {
      std::vector<std::string> lines(round == 0 ? 4'000 : 40);
      std::ranges::generate(lines, line);
      std::set<std::pair<std::uint32_t, std::uint32_t>> told;
      set->candidates(lines, scratch, [&](const Set::Candidate& one) {
        if (one.subject == Set::kEverySubject)
          for (std::uint32_t n = 0; n < lines.size(); ++n) told.emplace(one.index, n);
        else
          told.emplace(one.index, one.subject);
      });
      std::size_t found = 0;
      for (std::uint32_t n = 0; n < lines.size(); ++n)
        for (std::uint32_t index = 0; index < count; ++index) {
          if (set->search(index, lines[n], scratch) != Match::yes) continue;
          ++found;
          ASSERT_TRUE(told.contains({index, n})) << count << " " << round << " " << lines[n];
        }
      named_in_vain += told.size() - found;
    }
    EXPECT_GT(named_in_vain, 4'000U) << "no automaton has given up";
  }
}

TEST(Set, comes_back_from_its_bytes) {
  const auto patterns = perl({"/viagra/i", "/buy(?! nothing) now/", "/(\\w)\\1\\1/", "/[/"});
  const auto set = Set::compiled(patterns, Subjects::whole);
  const std::string bytes = set->serialized();
  const auto again = Set::restored(patterns, Subjects::whole, bytes);
  ASSERT_TRUE(again.has_value());
  Scratch scratch;
  for (const char* subject : {"VIAGRA", "buy now", "aaa", "buy nothing now"})
    EXPECT_EQ(hits(**again, subject, scratch), hits(*set, subject, scratch));
  EXPECT_EQ((*again)->way(3), Way::broken);
  EXPECT_EQ((*again)->problem(3), set->problem(3));
}

TEST(Set, refuses_bytes_of_another_set_and_damaged_ones) {
  const auto patterns = perl({"/abcd/", "/efgh/", "/ijkl/"});
  const std::string bytes = Set::compiled(patterns, Subjects::whole)->serialized();
  EXPECT_FALSE(Set::restored(perl({"/abcd/", "/efgh/", "/ijkm/"}), Subjects::whole, bytes).has_value());
  EXPECT_FALSE(Set::restored(patterns, Subjects::lines, bytes).has_value());
  EXPECT_TRUE(Set::restored(patterns, Subjects::whole, bytes).has_value());
  for (std::size_t size :
       {std::size_t{0}, std::size_t{8}, std::size_t{60}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_FALSE(Set::restored(patterns, Subjects::whole, bytes.substr(0, size)).has_value()) << size;
  for (std::size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_FALSE(Set::restored(patterns, Subjects::whole, damaged).has_value()) << at;
  }
}

TEST(Set, gives_up_on_what_explodes) {
  const auto set = Set::interim(perl({"/^(?:a|aa|a(?=a))+$/"}), Subjects::whole);
  Scratch scratch;
  const std::string subject = std::string(5000, 'a') + "!";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(set->search(0, subject, scratch), Match::gave_up);
}

TEST(Set, compiles_what_is_too_large_for_pcre2_with_subroutines) {
  std::string letter = "(?:";
  for (int i = 0; i < 400; ++i)
    letter += (i != 0 ? "|" : "") + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i);
  letter += ")";
  std::string expression = "\\b";
  for (int i = 0; i < 40; ++i) expression += letter;
  const auto set = Set::interim({{expression, {}}}, Subjects::whole);
  ASSERT_EQ(set->way(0), Way::alone) << set->problem(0);
  std::string subject = " ";
  for (int i = 0; i < 40; ++i) subject += "b1";
  Scratch scratch;
  EXPECT_EQ(set->search(0, subject, scratch), Match::yes);
  subject.pop_back();
  EXPECT_EQ(set->search(0, subject, scratch), Match::no);
}

TEST(Set, compiles_a_large_part_that_is_repeated) {
  std::string words = "(?:";
  for (int i = 0; i < 4000; ++i) words += (i != 0 ? "|w" : "w") + std::to_string(i) + "x";
  const auto set =
      Set::interim({{"^" + words + "){5}$", {}}, {"^(?:" + words + ")[,.]?){2,3}+!", {}}}, Subjects::whole);
  ASSERT_NE(set->way(0), Way::broken) << set->problem(0);
  ASSERT_NE(set->way(1), Way::broken) << set->problem(1);
  Scratch scratch;
  EXPECT_EQ(set->search(0, "w1xw22xw333xw5xw3999x", scratch), Match::yes);
  EXPECT_EQ(set->search(0, "w1xw22xw333xw5x", scratch), Match::no);
  EXPECT_EQ(set->search(1, "w1x,w2x!", scratch), Match::yes);
  EXPECT_EQ(set->search(1, "w1x!", scratch), Match::no);
}

// A large expression is walked before it is searched, and comes to what a search alone comes to; with the start of a line in it too.
TEST(Set, searches_large_expressions_as_if_alone) {
  constexpr std::array<std::string_view, 12> kWords{"company", "address",  "telephone", "occupation",
                                                    "country", "surname",  "religion",  "birthday",
                                                    "account", "passport", "salary",    "employer"};
  std::string choice;
  for (const std::string_view word : kWords) choice += (choice.empty() ? "" : "|") + std::string(word);
  const std::string item = "(?:your )?(?:" + choice + ")(?: of (?:residence|birth|work))?[ :.,]{1,40}";
  const std::vector<Pattern> patterns{perl("/(?:" + item + "){5}/i"), perl("/^" + item + "number$/im"),
                                      perl("/viagra/i"), perl("/cialis/i")};
  const auto set = Set::compiled(patterns, Subjects::long_whole);
  EXPECT_EQ(set->way(0), Way::literal);
  std::mt19937 random(3);
  Scratch scratch;
  std::array<int, 2> matched{};
  constexpr int kTexts = 400;
  for (int n = 0; n < kTexts; ++n) {
    std::string text;
    for (unsigned words = 4 + random() % 8; words > 0; --words) {
      if (random() % 3 == 0) text += "Your ";
      text += random() % 12 == 0 ? "something" : std::string(kWords[random() % kWords.size()]);
      text += std::array{": ", " ", "\n", ", number\n", " of birth . "}[random() % 5];
    }
    for (std::size_t index = 0; index < matched.size(); ++index) {
      const Match alone = Expression::compile(patterns[index])->search(text, scratch);
      EXPECT_EQ(set->search(index, text, scratch), alone) << text;
      EXPECT_EQ(set->count(index, text, 1, scratch), alone == Match::yes ? 1U : 0U);
      matched[index] += alone == Match::yes ? 1 : 0;
    }
  }
  for (const int count : matched) {
    EXPECT_GT(count, kTexts / 20);
    EXPECT_LT(count, kTexts * 19 / 20);
  }
}

TEST(Expression, counts_as_perl_does) {
  Scratch scratch;
  EXPECT_EQ(Expression::compile(perl("/aa/"))->count("aaaaa", 100, scratch), 2U);
  EXPECT_EQ(Expression::compile(perl("/a*/"))->count("aab", 100, scratch), 3U);
  EXPECT_EQ(Expression::compile(perl("/a/"))->count("aaaa", 3, scratch), 3U);
  EXPECT_EQ(Expression::compile(perl("/[eE\\xe8]|\\xc3[\\x88\\xa8]/"))->count("Eve even", 100, scratch), 4U);
  EXPECT_EQ(
      Expression::compile(perl("/[eE\\xe8]|\\xc3[\\x88\\xa8]/"))->count("\xc3\xa8 \xe8 e", 100, scratch), 3U);
  EXPECT_EQ(Expression::compile(perl("/\\xe8/"))->count("even", 100, scratch), 0U);
}

TEST(Expression, tells_where_its_groups_are) {
  const auto expression = Expression::compile(perl("/(?<user>\\w+)@(\\w+)(x)?/"));
  ASSERT_TRUE(expression.has_value());
  Scratch scratch;
  std::array<Span, 4> spans{};
  ASSERT_EQ(expression->search("to bob@example", 0, scratch, spans), Match::yes);
  EXPECT_EQ(spans[0], (Span{3, 14}));
  EXPECT_EQ(spans[expression->group("user")], (Span{3, 6}));
  EXPECT_EQ(spans[3], (Span{SIZE_MAX, SIZE_MAX}));
  EXPECT_EQ(expression->group("none"), 0U);
}

}  // namespace
}  // namespace ringpost::patterns
