// What DNS and Bayes say of a message before its rules run, and what is learned from the verdict.
#include <filesystem>

#include <gtest/gtest.h>

#include "ringpost/filter/rules.hpp"
#include "ringpost/intake/bayes_source.hpp"
#include "ringpost/intake/dns_source.hpp"
#include "ringpost/intake/limits.hpp"

#include "unit/resolve/harness.hpp"

namespace ringpost::intake {
namespace {

using resolve::run;
using resolve::ScriptedWorld;

std::shared_ptr<const filter::Engine> engine_of(std::string_view rules, filter::ScoreSet set) {
  const std::vector<filter::RuleFile> files{{"t.cf", "util_rb_tld example com\n" + std::string(rules)}};
  return filter::Engine::interim(filter::load_rules(files, {}), {.score_set = set});
}

// A message through the sources and the rules, as Judge does it.
struct Judged {
  Judged(std::shared_ptr<const filter::Engine> with, std::string text)
      : engine(std::move(with)), mail(std::move(text)) {
    view.emplace(mail, engine->view_settings(), facts, scratch);
  }
  void run_rules() {
    filter::Scan scan(engine, *view, facts, scratch);
    while (scan.advance()) {
    }
    verdict = scan.verdict();
  }
  bool hits(std::string_view rule) const {
    return std::ranges::any_of(
        verdict.hits, [&](const filter::Hit& hit) { return engine->rules().rule(hit.rule).name == rule; });
  }
  std::shared_ptr<const filter::Engine> engine;
  std::string mail;
  filter::Facts facts;
  patterns::Scratch scratch;
  std::optional<filter::MessageView> view;
  filter::Verdict verdict;
};

constexpr std::string_view kUriRules =
    "uridnssub NS sbl.example A 127.0.0.2\nbody NS eval:check_uridnsbl('NS')\ntflags NS net\n"
    "urirhsbl DBL dbl.example A\nbody DBL eval:check_uridnsbl('DBL')\ntflags DBL net\n";
constexpr std::string_view kLink = "Subject: x\n\nhttp://www.evil.com/\n";

TEST(DnsSource, asks_in_rounds_until_the_rules_know_all) {
  ScriptedWorld world;
  DnsSource source(world.core, *world.resolver);
  world.upstream->add("evil.com 300 NS ns.evil.com");
  world.upstream->add("ns.evil.com 300 A 203.0.113.53");
  world.upstream->add("53.113.0.203.sbl.example 300 A 127.0.0.2");
  Judged one(engine_of(kUriRules, filter::ScoreSet::net), std::string(kLink));
  run(world.core, source.add(*one.engine, *one.view, one.facts));
  one.run_rules();
  EXPECT_TRUE(one.hits("NS"));
  EXPECT_FALSE(one.hits("DBL"));
  EXPECT_EQ(world.figure("filter_dns_questions"), 4U);
  // The second one is answered from the cache, what is not listed too.
  Judged two(engine_of(kUriRules, filter::ScoreSet::net), std::string(kLink));
  run(world.core, source.add(*two.engine, *two.view, two.facts));
  EXPECT_EQ(world.upstream->asked(), 4U);
}

TEST(DnsSource, waits_no_longer_than_its_deadline) {
  ScriptedWorld world;
  DnsSource source(world.core, *world.resolver);
  world.upstream->stay_silent({*dns::Name::parse("evil.com.dbl.example"), dns::Type::a});
  Judged one(engine_of(std::string(kUriRules) + "rbl_timeout 7 1\n", filter::ScoreSet::net),
             std::string(kLink));
  const Instant before = world.core.now();
  run(world.core, source.add(*one.engine, *one.view, one.facts));
  EXPECT_EQ(world.core.now() - before, std::chrono::seconds(7));
  one.run_rules();
  EXPECT_FALSE(one.hits("DBL"));
  EXPECT_EQ(world.figure("filter_dns_failed"), 1U);
}

TEST(DnsSource, asks_nothing_for_rules_without_the_network) {
  ScriptedWorld world;
  DnsSource source(world.core, *world.resolver);
  Judged one(engine_of(kUriRules, filter::ScoreSet::plain), std::string(kLink));
  run(world.core, source.add(*one.engine, *one.view, one.facts));
  EXPECT_EQ(world.upstream->asked(), 0U);
  EXPECT_EQ(one.facts.dns, nullptr);
}

class BayesSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    bayes_ = *tables::Bayes::open(":memory:", {});
    ASSERT_TRUE(bayes_->load());
  }
  static constexpr std::string_view kRules =
      "body BAYES_99 eval:check_bayes('0.99', '1.00')\ntflags BAYES_99 learn\nscore BAYES_99 0 0 3 3\n"
      "body SPAMMY /casino/\nscore SPAMMY 7\nheader HEAD Subject =~ /win/\nscore HEAD 6\n"
      "bayes_min_ham_num 1\nbayes_min_spam_num 1\n";
  static std::string mail(std::string_view subject, std::string_view words, int n) {
    return "Subject: " + std::string(subject) + "\nDate: " + std::to_string(n) + "\n\nzzz\n\n" +
           std::string(words) + "\n";
  }
  std::unique_ptr<Judged> judged(BayesSource& source, const std::string& text,
                                 std::vector<std::string> recipients = {}) {
    auto one = std::make_unique<Judged>(engine_of(kRules, filter::ScoreSet::bayes), text);
    one->facts.recipients = std::move(recipients);
    run(world_.core, source.add(*one->engine, *one->view, one->facts));
    one->run_rules();
    source.judged(*one->engine, *one->view, one->verdict);
    run(world_.core, source.stop());
    return one;
  }
  ScriptedWorld world_;
  std::unique_ptr<tables::Bayes> bayes_;
};

TEST_F(BayesSourceTest, learns_from_verdicts_and_then_has_an_opinion) {
  BayesSource source(world_.core, *bayes_, false);
  const auto first = judged(source, mail("win", "casino pills lottery jackpot roulette", 1));
  EXPECT_FALSE(first->facts.bayes.has_value());
  judged(source, mail("minutes", "agenda budget meeting project schedule", 2));
  EXPECT_EQ(world_.figure("bayes_learned_spam"), 1U);
  EXPECT_EQ(world_.figure("bayes_learned_ham"), 1U);
  EXPECT_EQ(bayes_->figures()->spam, 1U);
  const auto third = judged(source, mail("news", "pills lottery jackpot roulette", 3));
  ASSERT_TRUE(third->facts.bayes.has_value());
  EXPECT_GT(*third->facts.bayes, 0.9);
  EXPECT_EQ(world_.figure("bayes_judged"), 1U);
  // The same mail again teaches nothing new.
  judged(source, mail("win", "casino pills lottery jackpot roulette", 1));
  EXPECT_EQ(bayes_->figures()->spam, 1U);
}

TEST_F(BayesSourceTest, asks_the_user_who_has_taught_enough) {
  std::vector<tables::BayesLesson> lessons(2);
  BayesSource reader(world_.core, *bayes_, true);
  Judged words(engine_of(kRules, filter::ScoreSet::bayes),
               mail("a", "gamma delta epsilon zeta theta kappa", 7));
  run(world_.core, reader.add(*words.engine, *words.view, words.facts));
  for (int n = 0; n < 2; ++n) {
    lessons[static_cast<std::size_t>(n)].owner = "joe@here.example";
    lessons[static_cast<std::size_t>(n)].message[0] = static_cast<std::byte>(n);
    lessons[static_cast<std::size_t>(n)].as = n == 0 ? tables::Learned::spam : tables::Learned::ham;
  }
  lessons[0].tokens = words.facts.bayes_tokens;
  ASSERT_TRUE(bayes_->learn(lessons, 0));
  const std::string text = mail("a", "gamma delta epsilon zeta theta kappa", 8);
  EXPECT_TRUE(judged(reader, text, {"Joe@Here.example"})->facts.bayes.has_value());
  EXPECT_FALSE(judged(reader, text, {"ann@here.example"})->facts.bayes.has_value());
  EXPECT_FALSE(judged(reader, text, {"joe@here.example", "ann@here.example"})->facts.bayes.has_value());
}

TEST_F(BayesSourceTest, is_silent_when_rules_switch_it_off) {
  BayesSource source(world_.core, *bayes_, false);
  Judged one(engine_of(std::string(kRules) + "use_bayes 0\n", filter::ScoreSet::plain),
             mail("win", "casino", 1));
  run(world_.core, source.add(*one.engine, *one.view, one.facts));
  one.run_rules();
  source.judged(*one.engine, *one.view, one.verdict);
  EXPECT_EQ(world_.figure("bayes_learned_spam"), 0U);
  EXPECT_TRUE(one.facts.bayes_tokens.empty());
}

}  // namespace
}  // namespace ringpost::intake
