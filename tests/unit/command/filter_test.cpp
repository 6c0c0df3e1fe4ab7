#include <sys/stat.h>

#include "command/mail_files.hpp"
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
              AllOf(HasSubstr("local.cf:2: BAD: "), HasSubstr("'nonsense'\n  mend: take the line out\n"),
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
  EXPECT_EQ(world.run({"filter", "lint", "--config", world.file("ringpost.toml")}), kDone) << world.out;
  world.write("local.cf", "body EVERYWHERE /(?=\\w)/\n");
  EXPECT_EQ(world.run({"filter", "lint", "--config", world.file("ringpost.toml")}), kFindings);
  EXPECT_THAT(world.out, AllOf(HasSubstr("local.cf:1: EVERYWHERE: no part"), HasSubstr("1 finding")));
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

TEST(Filter, check_names_notes_and_goes_on) {
  FilterWorld world;
  world.write("local.cf", "score NO_SUCH 3\n");
  EXPECT_EQ(world.run({"filter", "check", "--config", world.file("ringpost.toml")}), kDone);
  EXPECT_THAT(world.out,
              AllOf(HasSubstr("local.cf:1: note: score: there is no rule NO_SUCH"), HasSubstr("0 errors")));
}

TEST(Filter, names_files_that_are_none_and_sets_without_a_rule) {
  FilterWorld world;
  std::filesystem::create_symlink("gone", world.file("rules/30_gone.cf"));
  ASSERT_EQ(mkfifo(world.file("rules/40_pipe.cf").c_str(), 0600), 0);
  EXPECT_EQ(world.run({"filter", "check", "--config", world.file("ringpost.toml")}), kFindings);
  EXPECT_THAT(world.out, AllOf(HasSubstr("30_gone.cf: not read: No such file"),
                               HasSubstr("40_pipe.cf: not read: no regular file"), HasSubstr("5 rules"),
                               HasSubstr("2 errors")));
  EXPECT_EQ(world.run({"filter", "check", "--rules", world.file("rules/40_pipe.cf")}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("40_pipe.cf is no regular file"));
  std::filesystem::create_directory(world.file("empty"));
  EXPECT_EQ(world.run({"filter", "check", "--rules", world.file("empty")}), kFindings);
  EXPECT_THAT(world.err, AllOf(HasSubstr("there is no rule in"), HasSubstr("no .cf file is in this folder")));
  world.write("settings.cf", "required_score 5\n");
  EXPECT_EQ(world.run({"filter", "test", "--rules", world.file("settings.cf"), world.file("spam.eml")}),
            kFindings);
  EXPECT_THAT(world.err, HasSubstr("there is no rule in"));
}

TEST(Filter, rules_take_one_path_and_may_be_given_again) {
  FilterWorld world;
  EXPECT_EQ(world.run({"filter", "list", "--rules", world.file("rules"), "BUY_NOW"}), kDone) << world.err;
  EXPECT_THAT(world.out, AllOf(HasSubstr("BUY_NOW"), Not(HasSubstr("NOBODY"))));
  world.write("more.cf", "body MORE /more/\n");
  EXPECT_EQ(world.run({"filter", "list", "--rules", world.file("rules"), "--rules", world.file("more.cf")}),
            kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("BUY_NOW"), HasSubstr("MORE")));
}

TEST(Filter, test_refuses_what_may_have_no_end) {
  FilterWorld world;
  ASSERT_EQ(mkfifo(world.file("pipe").c_str(), 0600), 0);
  for (const std::string& path : {world.file("pipe"), std::string("/dev/zero")}) {
    EXPECT_EQ(world.run({"filter", "test", "--config", world.file("ringpost.toml"), path}), kFindings);
    EXPECT_THAT(world.err, HasSubstr("is no regular file"));
  }
}

// Mails of two kinds with words of their own.
struct LearnWorld : FilterWorld {
  LearnWorld() {
    write(
        "local.cf",
        "body BAYES_99 eval:check_bayes('0.99', '1.00')\ntflags BAYES_99 learn\nscore BAYES_99 0 0 3.5 3.5\n"
        "body BAYES_00 eval:check_bayes('0.00', '0.01')\ntflags BAYES_00 nice learn\nscore BAYES_00 0 0 -1.9 "
        "-1.9\n"
        "bayes_min_ham_num 5\nbayes_min_spam_num 5\n");
    std::filesystem::create_directories(file("Maildir/cur"));
    std::filesystem::create_directories(file("Maildir/new"));
    std::string mbox;
    for (int n = 0; n < 6; ++n) {
      write("Maildir/" + std::string(n % 2 == 0 ? "cur/" : "new/") + std::to_string(n),
            mail("meeting minutes agenda budget", n));
      mbox += "From someone@example.com Sat Jan  3 01:05:34 2026\n" + mail("pills casino winner lottery", n) +
              "\n";
    }
    write("spam.mbox", mbox);
  }
  static std::string mail(const std::string& words, int n) {
    return "Subject: hello\nDate: Thu, 1 Jan 2026 00:00:0" + std::to_string(n) + " +0000\n\nZZZ\n\n" + words +
           "\n>From here\n";
  }
  int learn(const char* kind, const std::string& path, std::initializer_list<std::string> more = {}) {
    std::vector<std::string> words{"filter", "learn", kind, "--config", file("ringpost.toml"), file(path)};
    words.insert(words.end(), more);
    return run(words);
  }
};

TEST(FilterLearn, teaches_what_test_then_says) {
  LearnWorld world;
  world.write("new.eml", LearnWorld::mail("casino lottery pills winner", 9));
  ASSERT_EQ(world.learn("ham", "Maildir"), kDone) << world.err;
  EXPECT_THAT(world.out, AllOf(HasSubstr("learned 6 of 6 mails as ham"),
                               HasSubstr("it has an opinion from 5 and 5 on")));
  ASSERT_EQ(world.run({"filter", "test", "--config", world.file("ringpost.toml"), world.file("new.eml")}),
            kDone);
  EXPECT_THAT(world.out, Not(HasSubstr("BAYES")));
  ASSERT_EQ(world.learn("spam", "spam.mbox", {"--json"}), kDone) << world.err;
  EXPECT_THAT(world.out,
              AllOf(HasSubstr(R"("learned":6)"), HasSubstr(R"("spam":6)"), HasSubstr(R"("ham":6)")));
  ASSERT_EQ(
      world.run({"filter", "test", "--all", "--config", world.file("ringpost.toml"), world.file("new.eml")}),
      kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("BAYES_99"), HasSubstr("Bayes: 0.99"), HasSubstr("casino")));
  ASSERT_EQ(world.run({"filter", "test", "--json", "--config", world.file("ringpost.toml"),
                       world.file("Maildir/cur/0")}),
            kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("BAYES_00"), HasSubstr(R"("bayes":0)")));
}

TEST(FilterLearn, knows_mails_again_and_lets_them_change_sides) {
  LearnWorld world;
  ASSERT_EQ(world.learn("spam", "spam.mbox"), kDone) << world.err;
  ASSERT_EQ(world.learn("spam", "spam.mbox"), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("learned 0 of 6"), HasSubstr("6 were known")));
  ASSERT_EQ(world.learn("ham", "spam.mbox"), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("learned 6 of 6"), HasSubstr("6 had been learned as spam"),
                               HasSubstr("knows 0 spam and 6 ham")));
  ASSERT_EQ(world.learn("ham", "spam.mbox", {"--forget"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("forgot 6 of 6"), HasSubstr("knows 0 spam and 0 ham")));
}

TEST(FilterLearn, keeps_users_apart_and_reads_folders) {
  LearnWorld world;
  std::filesystem::create_directories(world.file("folder/below"));
  world.write("folder/a.eml", LearnWorld::mail("one", 1));
  world.write("folder/below/b.eml", LearnWorld::mail("two", 2));
  world.write("folder/.hidden", LearnWorld::mail("three", 3));
  ASSERT_EQ(world.learn("spam", "folder", {"--user", "joe"}), kDone) << world.err;
  EXPECT_THAT(world.out, HasSubstr("learned 2 of 2"));
  ASSERT_EQ(world.learn("spam", "folder"), kDone);
  EXPECT_THAT(world.out, HasSubstr("learned 2 of 2"));
}

TEST(FilterLearn, says_why_it_cannot) {
  LearnWorld world;
  EXPECT_EQ(world.learn("spam", "nowhere"), kFindings);
  EXPECT_THAT(world.err, HasSubstr("nowhere"));
  world.write("local.cf", "use_bayes 0\n");
  EXPECT_EQ(world.learn("spam", "spam.mbox"), kFindings);
  EXPECT_THAT(world.err, HasSubstr("use_bayes"));
}

TEST(FilterLearn, refuses_what_may_have_no_end) {
  LearnWorld world;
  ASSERT_EQ(mkfifo(world.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(world.learn("spam", "pipe"), kFindings);
  EXPECT_THAT(world.err, HasSubstr("is no regular file"));
  EXPECT_EQ(world.run({"filter", "learn", "spam", "--config", world.file("ringpost.toml"), "/dev/zero"}),
            kFindings);
  EXPECT_THAT(world.err, HasSubstr("is no regular file"));
}

std::vector<std::string> mails_of(const World& world, const std::string& text, std::size_t size_max) {
  world.write("mails", text);
  std::vector<std::string> mails;
  const auto done = for_each_mail({world.file("mails"), text.size()}, size_max, [&](const MailInFile& mail) {
    mails.emplace_back(mail.text);
    return true;
  });
  EXPECT_TRUE(done);
  return mails;
}

TEST(MailFiles, read_long_lines_in_pieces) {
  FilterWorld world;
  const std::string from = "From a@example.com Sat Jan  3 01:05:34 2026\n";
  for (const std::size_t size : std::initializer_list<std::size_t>{65'533, 65'534, 65'535, 65'536, 65'537,
                                                                   131'070, 131'071, 200'000}) {
    const std::string line(size, 'x');
    EXPECT_EQ(mails_of(world, line, 1'000'000), std::vector{line}) << size;
    EXPECT_EQ(mails_of(world, line + "\n", 1'000'000), std::vector{line + "\n"}) << size;
    EXPECT_EQ(mails_of(world, line + "\n", 100), std::vector{line.substr(0, 100)}) << size;
    // What looks like the start of a mail, at a piece's start, is none.
    const std::string inside = "\n" + line + from;
    EXPECT_EQ(mails_of(world, from + inside + "\n" + from + ">From b\n", 1'000'000),
              (std::vector<std::string>{inside + "\n", "From b\n"}))
        << size;
  }
  const std::string zeros(70'000, '\0');
  EXPECT_EQ(mails_of(world, zeros, 1'000'000), std::vector{zeros});
}

}  // namespace
}  // namespace ringpost::command
