#include "unit/command/world.hpp"

namespace ringpost::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Rules, a mail, and a configuration that names them.
struct FilterWorld : World {
  FilterWorld() {
    std::filesystem::create_directory(file("rules"));
    std::filesystem::create_directory(file("state"));
    write("rules/10_a.cf",
          "body BUY_NOW /buy now/i\ndescribe BUY_NOW Wants you to buy\nscore BUY_NOW 4\nbody __OFFER "
          "/offer/\nmeta BUY_OFFER BUY_NOW && __OFFER\n"
          "score BUY_OFFER 1.5\n");
    write("rules/20_b.cf",
          "body NOBODY /nothing of this kind/\nbody TWICE /(\\w)\\1/\ntest BUY_NOW ok BUY NOW\ntest BUY_NOW "
          "fail buy nothing\n");
    write("rules/README", "not a rule file\n");
    write("local.cf", "score BUY_OFFER 2\n");
    write("ringpost.toml",
          "[server]\nstate_directory = \"state\"\n[filter]\nrules = [\"rules\", "
          "\"local.cf\"]\n[listener.mx]\naddress = [\"127.0.0.1:2525\"]\n");
    write("spam.eml",
          "From someone@example.com Sat Jan  3 01:05:34 2026\nSubject: hello\n\nAn offer: buy now\n");
  }
};

TEST(Filter, test_says_what_hits) {
  FilterWorld world;
  ASSERT_EQ(world.run({"filter", "test", "--config", world.file("ringpost.toml"), world.file("spam.eml")}),
            kDone)
      << world.err;
  EXPECT_THAT(world.out, AllOf(HasSubstr("spam, score 7.0 of 5.0"), HasSubstr("Wants you to buy"),
                               HasSubstr("TWICE"), Not(HasSubstr("__OFFER"))));
  ASSERT_EQ(world.run({"filter", "test", "--json", "--all", "--config", world.file("ringpost.toml"),
                       world.file("spam.eml")}),
            kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr(R"({"rule":"BUY_OFFER","score":2)"), HasSubstr("__OFFER"),
                               HasSubstr(R"("spam":true)")));
}

TEST(Filter, compile_keeps_what_test_then_reads) {
  FilterWorld world;
  ASSERT_EQ(world.run({"filter", "compile", "--config", world.file("ringpost.toml")}), kDone) << world.err;
  EXPECT_THAT(world.out, AllOf(HasSubstr("body"), HasSubstr("kept in")));
  std::size_t caches = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.file("state"))) {
    ++caches;
    std::filesystem::resize_file(entry.path(), 100);  // a torn one is made anew
  }
  EXPECT_EQ(caches, 1U);
  EXPECT_EQ(world.run({"filter", "test", "--config", world.file("ringpost.toml"), world.file("spam.eml")}),
            kDone);
  EXPECT_THAT(world.out, HasSubstr("score 7.0"));
  for (const auto& entry : std::filesystem::directory_iterator(world.file("state")))
    EXPECT_GT(std::filesystem::file_size(entry.path()), 100U);
}

TEST(Filter, check_names_errors_with_their_line) {
  FilterWorld world;
  EXPECT_EQ(world.run({"filter", "check", "--config", world.file("ringpost.toml")}), kDone);
  EXPECT_THAT(world.out, HasSubstr("5 rules in 3 files, 0 errors"));
  world.write("local.cf", "body GOOD /x/\nbody BAD /(/\nheader WORSE eval:check_nothing()\nnonsense 1\n");
  EXPECT_EQ(world.run({"filter", "check", "--config", world.file("ringpost.toml")}), kFindings);
  EXPECT_THAT(world.out,
              AllOf(HasSubstr("local.cf:2: BAD: "),
                    HasSubstr("local.cf:3: not supported: WORSE: there is no function check_nothing()"),
                    HasSubstr("local.cf:4: there is no setting 'nonsense'"), HasSubstr("2 errors")));
}

TEST(Filter, list_and_show_tell_a_rule) {
  FilterWorld world;
  ASSERT_EQ(world.run({"filter", "list", "--config", world.file("ringpost.toml"), "BUY"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("BUY_NOW"), HasSubstr("BUY_OFFER"), Not(HasSubstr("NOBODY"))));
  ASSERT_EQ(world.run({"filter", "show", "--config", world.file("ringpost.toml"), "BUY_NOW"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("/buy now/i"), HasSubstr("10_a.cf:1"), HasSubstr("BUY_OFFER"),
                               HasSubstr("exact")));
  EXPECT_EQ(world.run({"filter", "show", "--config", world.file("ringpost.toml"), "NO_SUCH"}), kFindings);
}

TEST(Filter, lint_finds_costly_rules_and_broken_promises) {
  FilterWorld world;
  EXPECT_EQ(world.run({"filter", "lint", "--config", world.file("ringpost.toml")}), kFindings);
  EXPECT_THAT(world.out, AllOf(HasSubstr("20_b.cf:2: TWICE: "), Not(HasSubstr("BUY_NOW"))));
  world.write(
      "local.cf",
      "test BUY_NOW ok sell\ntest NONE ok x\nmeta M NOT_THERE\nbody MANY /a/\ntflags MANY multiple\n");
  EXPECT_EQ(world.run({"filter", "lint", "--config", world.file("ringpost.toml")}), kFindings);
  EXPECT_THAT(
      world.out,
      AllOf(HasSubstr("local.cf:1: BUY_NOW: should hit \"sell\""), HasSubstr("local.cf:2: NONE"),
            HasSubstr("M: names a rule that does not exist"), HasSubstr("MANY: `multiple` without maxhits")));
}

TEST(Filter, says_what_is_missing) {
  FilterWorld world;
  EXPECT_EQ(world.run({"filter", "check", "--rules", world.file("nowhere")}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("nowhere"));
  EXPECT_EQ(world.run({"filter", "test", "--rules", world.file("rules"), "--score-set", "odd",
                       world.file("spam.eml")}),
            kFindings);
  EXPECT_THAT(world.err, HasSubstr("bayes-net"));
}

}  // namespace
}  // namespace ringpost::command
