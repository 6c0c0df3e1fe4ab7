#include <gtest/gtest.h>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/scan.hpp"

#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

constexpr BayesTotals kTotals{.spam = 1000, .ham = 2000};

BayesJudgement judged(const std::vector<BayesCount>& counts, const BayesTotals& totals = kTotals,
                      const BayesSettings& settings = {}) {
  std::vector<BayesToken> tokens;
  for (std::size_t n = 0; n < counts.size(); ++n) tokens.push_back(n + 1);
  return judge(tokens, counts, totals, settings);
}

TEST(Bayes, gives_a_token_its_probability) {
  // As many of each kind's mails: (0.03 * 0.538 + 3 * 0.5) / 3.03.
  EXPECT_NEAR(token_probability({1, 2}, kTotals, {}).value(), 0.50038, 1e-5);
  EXPECT_NEAR(token_probability({1, 0}, kTotals, {}).value(), (0.01614 + 1) / 1.03, 1e-9);
  EXPECT_NEAR(token_probability({0, 1}, kTotals, {}).value(), 0.01614 / 1.03, 1e-9);
  EXPECT_FALSE(token_probability({0, 0}, kTotals, {}).has_value());
  BayesSettings without_hapaxes;
  without_hapaxes.counts_hapaxes = false;
  EXPECT_FALSE(token_probability({1, 0}, kTotals, without_hapaxes).has_value());
}

TEST(Bayes, says_nothing_before_enough_was_learned) {
  const std::vector<BayesCount> counts(20, BayesCount{50, 0});
  EXPECT_TRUE(judged(counts, {200, 200}).probability.has_value());
  EXPECT_FALSE(judged(counts, {199, 200}).probability.has_value());
  EXPECT_FALSE(judged(counts, {200, 199}).probability.has_value());
  BayesSettings eager;
  eager.ham_min = eager.spam_min = 0;
  EXPECT_TRUE(judged(counts, {1, 1}, eager).probability.has_value());
  EXPECT_FALSE(judged(counts, {1, 0}, eager).probability.has_value());
}

TEST(Bayes, tells_spam_from_ham_and_from_what_it_does_not_know) {
  EXPECT_GT(judged(std::vector<BayesCount>(20, BayesCount{50, 0})).probability.value(), 0.999);
  EXPECT_LT(judged(std::vector<BayesCount>(20, BayesCount{0, 50})).probability.value(), 0.001);
  std::vector<BayesCount> both(20, BayesCount{50, 0});
  both.insert(both.end(), 20, BayesCount{0, 50});
  EXPECT_NEAR(judged(both).probability.value(), 0.5, 0.05);
  // Nothing that says anything: every token is as frequent in ham as in spam, or new.
  const BayesJudgement nothing = judged({{10, 20}, {0, 0}});
  EXPECT_FALSE(nothing.probability.has_value());
  EXPECT_EQ(nothing.known, 1U);
}

TEST(Bayes, combines_as_the_published_formula_does) {
  const BayesTotals totals{.spam = 400, .ham = 400};
  const BayesJudgement judgement = judged({{30, 0}, {1, 0}, {0, 1}}, totals);
  const double a = (0.01614 + 30) / 30.03, b = (0.01614 + 1) / 1.03, c = 0.01614 / 1.03;
  const auto tail = [](double m) { return std::exp(-m) * (1 + m + m * m / 2); };  // 6 degrees of freedom
  const double spam = -std::log(0.5 * (1 - a) * (1 - b) * (1 - c)), ham = -std::log(0.5 * a * b * c);
  EXPECT_NEAR(judgement.probability.value(), ((1 - tail(spam)) - (1 - tail(ham)) + 1) / 2, 1e-12);
  EXPECT_EQ(judgement.spammy, 2U);
  EXPECT_EQ(judgement.hammy, 1U);
}

TEST(Bayes, counts_the_tokens_that_say_most) {
  std::vector<BayesCount> counts(kBayesSignificantMax + 50, BayesCount{1, 0});
  counts.back() = {100, 0};
  const BayesJudgement judgement = judged(counts);
  EXPECT_EQ(judgement.significant.size(), kBayesSignificantMax);
  EXPECT_EQ(judgement.significant.front(), counts.size() - 1);
}

TEST(Bayes, stays_finite_for_many_sure_tokens) {
  const double spam = judged(std::vector<BayesCount>(500, BayesCount{1000, 0})).probability.value();
  EXPECT_GT(spam, 0.999999);
  EXPECT_LE(spam, 1.0);
}

class Autolearn : public testing::Test {
 protected:
  static Verdict verdict(double all, double head, double body, double learned = 0) {
    Verdict made;
    made.score = all + learned;
    made.autolearn = {.all = all, .head = head, .body = body, .learned = learned, .forced = false};
    return made;
  }
  std::optional<MailKind> learned(const Verdict& made) const { return autolearned(made, *rules_, settings_); }
  std::shared_ptr<const RuleSet> rules_ = load_rules({}, {});
  BayesSettings settings_;
};

TEST_F(Autolearn, needs_a_threshold) {
  EXPECT_EQ(learned(verdict(0.09, 0, 0)), MailKind::ham);
  EXPECT_EQ(learned(verdict(0.1, 0, 0)), std::nullopt);
  EXPECT_EQ(learned(verdict(11.9, 6, 6)), std::nullopt);
  EXPECT_EQ(learned(verdict(12, 6, 6)), MailKind::spam);
}

TEST_F(Autolearn, needs_three_points_from_header_and_body_unless_forced) {
  EXPECT_EQ(learned(verdict(12, 2.9, 9)), std::nullopt);
  EXPECT_EQ(learned(verdict(12, 9, 2.9)), std::nullopt);
  EXPECT_EQ(learned(verdict(12, 3, 3)), MailKind::spam);
  Verdict forced = verdict(12, 12, 0);
  forced.autolearn.forced = true;
  EXPECT_EQ(learned(forced), MailKind::spam);
}

TEST_F(Autolearn, does_not_go_against_bayes_or_the_score) {
  EXPECT_EQ(learned(verdict(12, 6, 6, -1.1)), std::nullopt);
  EXPECT_EQ(learned(verdict(12, 6, 6, -1)), MailKind::spam);
  EXPECT_EQ(learned(verdict(0, 0, 0, 1.1)), std::nullopt);
  Verdict welcome = verdict(12, 6, 6);
  welcome.score = -88;
  EXPECT_EQ(learned(welcome), std::nullopt);
  Verdict blocked = verdict(0, 0, 0);
  blocked.score = 100;
  EXPECT_EQ(learned(blocked), std::nullopt);
}

TEST_F(Autolearn, can_be_off_or_for_errors_only) {
  settings_.autolearns = false;
  EXPECT_EQ(learned(verdict(0, 0, 0)), std::nullopt);
  settings_.autolearns = settings_.autolearns_on_error_only = true;
  const std::vector<RuleFile> files{{"a.cf", "body BAYES_00 /x/\nbody BAYES_99 /y/\n"}};
  rules_ = load_rules(files, {});
  Verdict agrees = verdict(0, 0, 0);
  EXPECT_EQ(learned(agrees), MailKind::ham);
  agrees.hits.push_back({.rule = rules_->find("BAYES_00"), .count = 1, .score = -1});
  EXPECT_EQ(learned(agrees), std::nullopt);
}

TEST(BayesSettings, come_from_the_rule_files) {
  const BayesSettings defaults = make_bayes_settings(settings_of(""));
  EXPECT_TRUE(defaults.used && defaults.autolearns && defaults.counts_hapaxes);
  EXPECT_EQ(defaults.ham_min, 200U);
  EXPECT_EQ(defaults.tokens_max, kBayesTokensDefault);
  const BayesSettings other = make_bayes_settings(
      settings_of("use_bayes 0\nbayes_min_ham_num 3\nbayes_auto_learn_threshold_spam 8.5\n"
                  "bayes_expiry_max_db_size 1000000\nbayes_use_hapaxes 0\n"));
  EXPECT_FALSE(other.used || other.autolearns || other.counts_hapaxes);
  EXPECT_EQ(other.ham_min, 3U);
  EXPECT_EQ(other.autolearn_spam_from, 8.5);
  EXPECT_EQ(other.tokens_max, 1'000'000U);
}

TEST(BayesIgnore, is_for_senders_and_recipients_that_rules_name) {
  const ViewOf mail("From: news@shop.example\nTo: ann@example.org\n\nx\n");
  const auto ignored = [&](std::string_view lines) {
    return is_ignored_by_bayes(*mail, make_bayes_settings(settings_of(lines)));
  };
  EXPECT_FALSE(ignored(""));
  EXPECT_TRUE(ignored("bayes_ignore_from *@Shop.example\n"));
  EXPECT_TRUE(ignored("bayes_ignore_to ann@*\n"));
  EXPECT_FALSE(ignored("bayes_ignore_from ann@*\n"));
}

TEST(Learning, knows_a_mail_by_to_date_and_body) {
  const auto id = [](const std::string& mail) { return learning_id(*ViewOf(mail)); };
  const auto one = id("To: a@b.example\nDate: now\nReceived: here\n\nbody\n");
  EXPECT_EQ(one, id("Received: there\nReceived: here\nTo: a@b.example\nDate: now\n\nbody\n"));
  EXPECT_NE(one, id("To: c@b.example\nDate: now\n\nbody\n"));
  EXPECT_NE(one, id("To: a@b.example\nDate: now\n\nother\n"));
}

TEST(Learning, takes_the_time_from_the_nearest_received_field) {
  EXPECT_EQ(
      received_time(*ViewOf(
          "Received: a by b; Thu, 1 Jan 2026 00:00:10 +0000\nDate: Thu, 1 Jan 2025 00:00:00 +0000\n\nx\n")),
      1767225610);
  EXPECT_EQ(received_time(*ViewOf("Date: Wed, 1 Jan 2025 00:00:00 +0000\n\nx\n")), 1735689600);
  EXPECT_EQ(received_time(*ViewOf("Subject: x\n\nx\n")), std::nullopt);
}

}  // namespace
}  // namespace ringpost::filter
