#include "ringpost/config/toml_text.hpp"

#include <random>

#include "ringpost/config/limits.hpp"

#include "config/key_depth.hpp"
#include "unit/config/sample_options.hpp"

namespace ringpost::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::uint32_t> error_lines(std::string_view text) {
  std::vector<std::uint32_t> lines;
  for (const SyntaxError& error : read_toml(text, 0).errors) lines.push_back(error.line);
  return lines;
}

TEST(TomlText, keeps_kinds_and_lines) {
  const TomlText read = read_toml("a = 1\n[t]\nb = [true,\n 2.5]\nd = 1979-05-27\n", 3);
  EXPECT_THAT(read.errors, IsEmpty());
  EXPECT_EQ(to_toml(read.root), "{ a = 1, t = { b = [true, 2.5], d = 1979-05-27 } }");
  EXPECT_EQ(read.root.find("t")->source, (OptionSource{3, 2}));
  EXPECT_EQ(read.root.find("t")->find("b")->source, (OptionSource{3, 3}));
  EXPECT_EQ(read.root.find("t")->find("b")->as<OptionValue::List>()->at(1).source, (OptionSource{3, 4}));
}

TEST(TomlText, reports_each_of_several_syntax_errors_and_keeps_the_rest) {
  const TomlText read = read_toml("a = x y\nb = 2\nc: 3\nd = \"open\ne = 5\n", 0);
  ASSERT_EQ(read.errors.size(), 3U);
  EXPECT_EQ(read.errors[0].mend, "put the value in quotes: a = \"x y\"");
  EXPECT_EQ(read.errors[1].mend, "write c = \"3\"");
  EXPECT_EQ(read.errors[2].mend, "end the text with the quote that it begins with");
  EXPECT_FALSE(read.complete);
  EXPECT_EQ(to_toml(read.root), "{ b = 2, e = 5 }");
}

TEST(TomlText, finds_where_an_unclosed_list_begins) {
  const TomlText read = read_toml("[t]\na = [\"x\",\n  \"y\"\nb = 2\nc = 3\n", 0);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].line, 2U);
  EXPECT_EQ(read.errors[0].key, "t.a");
  EXPECT_EQ(to_toml(read.root), "{ t = { b = 2, c = 3 } }");
  EXPECT_THAT(error_lines("a = 1\nb = [1, 2\n"), ElementsAre(2U));
}

TEST(TomlText, sets_a_table_with_a_broken_header_aside_as_a_whole) {
  const TomlText read = read_toml("[a]\nx = 1\n[b\ny = 2\n[c]\nz = 3\n", 0);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].line, 3U);
  EXPECT_EQ(to_toml(read.root), "{ a = { x = 1 }, c = { z = 3 } }");
}

TEST(TomlText, keeps_the_first_of_two_values_and_stays_complete) {
  const TomlText read = read_toml("[t]\na.b = 1\na.b = [\n 2,\n]\nc = 3\n", 0);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].line, 3U);
  EXPECT_EQ(read.errors[0].key, "t.a.b");
  EXPECT_EQ(read.errors[0].message, "is set a second time; the first is in line 2");
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(to_toml(read.root), "{ t = { a = { b = 1 }, c = 3 } }");
}

TEST(TomlText, names_the_first_place_of_a_table_that_stands_twice) {
  const TomlText read = read_toml("[t.u]\na = 1\n[v]\n[t.u]\nb = 1\n", 0);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].key, "t.u");
  EXPECT_EQ(read.errors[0].message, "this table stands here a second time; the first is in line 1");
}

// The library asserts that these cannot be; it must not take the program down with it.
TEST(TomlText, finds_the_line_of_what_the_parser_asserts_against) {
  EXPECT_THAT(error_lines("a = 1\n[&\nb = 2\n"), ElementsAre(2U));
  EXPECT_THAT(error_lines("a = 1\nb = [}]\nc = 2\n"), ElementsAre(2U));
  EXPECT_EQ(to_toml(read_toml("a = 1\nb = [}]\nc = 2\n", 0).root), "{ a = 1, c = 2 }");
}

TEST(TomlText, takes_letters_of_any_script_in_texts_and_refuses_them_elsewhere) {
  EXPECT_THAT(error_lines("a = \"\u00e9\u0436\" # \u00e9\n\"\u00e9\" = 1\n"), IsEmpty());
  EXPECT_THAT(error_lines("\u00e9 = 1\na = \u0436\nb = 1\u00e9\nc = 1 \u0628\n"),
              ElementsAre(1U, 2U, 3U, 4U));
}

TEST(TomlText, gives_up_after_the_limit_of_syntax_errors) {
  std::string text;
  for (std::size_t i = 0; i < kSyntaxErrorsMax; ++i) text += "k" + std::to_string(i) + " = x y\n";
  EXPECT_EQ(to_toml(read_toml(text + "good = 1\n", 0).root), "{ good = 1 }");
  text += "last = x y\n";
  const TomlText read = read_toml(text + "good = 1\n", 0);
  EXPECT_EQ(read.errors.size(), kSyntaxErrorsMax + 1);
  EXPECT_EQ(to_toml(read.root), "{}");
}

TEST(TomlText, bounds_the_size_of_a_file) {
  std::string text(kFileSizeMax.count, '\n');
  EXPECT_THAT(read_toml(text, 0).errors, IsEmpty());
  text += '\n';
  ASSERT_EQ(read_toml(text, 0).errors.size(), 1U);
  EXPECT_EQ(read_toml(text, 0).errors[0].message, "is larger than 1MiB");
}

std::string deep_key(std::size_t parts) {
  std::string key = "a";
  for (std::size_t i = 1; i < parts; ++i) key += ".a";
  return key;
}

TEST(TomlText, bounds_the_parts_of_a_key) {
  EXPECT_THAT(error_lines("x = 1\n" + deep_key(kKeyDepthMax) + " = 1\n"), IsEmpty());
  EXPECT_THAT(error_lines("x = 1\n" + deep_key(kKeyDepthMax + 1) + " = 1\n"), ElementsAre(2U));
  EXPECT_THAT(error_lines("[" + deep_key(100'000) + "]\n"), ElementsAre(1U));
}

TEST(TomlText, bounds_the_nesting_of_values) {
  const auto nested = [](std::size_t depth) {
    return "a = " + std::string(depth, '[') + std::string(depth, ']') + "\n";
  };
  EXPECT_THAT(error_lines(nested(kValueDepthMax)), IsEmpty());
  EXPECT_THAT(error_lines(nested(kValueDepthMax + 1)), ElementsAre(1U));
  EXPECT_THAT(error_lines(nested(100'000)), ElementsAre(1U));
}

TEST(KeyDepth, is_not_misled_by_quotes) {
  EXPECT_EQ(line_of_deep_key("a.b.c = 1", 3), 0U);
  EXPECT_EQ(line_of_deep_key("a.b.c.d = 1", 3), 1U);
  EXPECT_EQ(line_of_deep_key("a.\"=\".c.d = 1", 3), 1U);
  EXPECT_EQ(line_of_deep_key("a = \"1.2.3.4.5\" # 1.2.3.4.5\nb = '....'", 3), 0U);
  EXPECT_EQ(line_of_deep_key("a = \"\\\"....\"", 3), 0U);
  EXPECT_EQ(line_of_deep_key("a = \"\"\"x\n....\"\"\"\"\"\nb.c.d.e = 1", 3), 3U);
  EXPECT_EQ(line_of_deep_key("a = ''\nb = '''\n....'''\nc.d.e.f = 1", 3), 4U);
  EXPECT_EQ(line_of_deep_key("a = [1.5, 2.5, 3.5, 4.5, 5.5]", 3), 0U);
  EXPECT_EQ(line_of_deep_key("\"open\na.b.c.d = 1", 3), 2U);
}

// Whatever the bytes are, there is an answer: every broken text has an error with a line that exists.
TEST(TomlText, survives_any_bytes) {
  const std::string base =
      "include = [\"x\"]\n[server]\nhostname = \"a\"\nmatch = { a = 1, b = [1, 2.5] "
      "}\n[listener.mx]\naddress = [\n"
      "\"0.0.0.0:25\",\n]\ntext = \"\"\"\nx\n\"\"\"\nd = 1979-05-27T07:32:00Z\n[[array]]\nq.\"r s\".t = "
      "'''x'''\n";
  std::mt19937 random(20240611);
  const std::string_view alphabet = "\"'[]{}=.,#\n\r\t \\abc019-_:\xff\xc3\x00";
  for (int round = 0; round < 3000; ++round) {
    std::string text = base;
    for (unsigned edits = 1 + random() % 6; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        default:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
      }
    }
    const TomlText read = read_toml(text, 0);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const SyntaxError& error : read.errors) {
      ASSERT_GE(error.line, 1U) << text;
      ASSERT_LE(error.line, lines) << text;
    }
    if (!read.complete) ASSERT_FALSE(read.errors.empty()) << text;
    findings_of(text);
  }
}

}  // namespace
}  // namespace ringpost::config
