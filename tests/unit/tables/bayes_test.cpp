#include "ringpost/tables/bayes.hpp"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "ringpost/tables/sqlite.hpp"

namespace ringpost::tables {
namespace {

constexpr std::int64_t kDay = 24 * 60 * 60;
constexpr std::int64_t kNow = 20'000 * kDay;

TEST(TokenTable, keeps_counts_and_says_nothing_of_others) {
  TokenTable table(100);
  const TokenCount count{7, 9, half_day_of(kNow)};
  ASSERT_TRUE(table.put(token_key(1, 5), count));
  EXPECT_EQ(table.get(token_key(1, 5)), count);
  EXPECT_EQ(table.get(token_key(2, 5)), TokenCount{});
  ASSERT_TRUE(table.put(token_key(1, 5), {kTokenCountMax, kTokenCountMax, 65'535}));
  EXPECT_EQ(table.get(token_key(1, 5)), (TokenCount{kTokenCountMax, kTokenCountMax, 65'535}));
  EXPECT_EQ(table.size(), 1U);
}

TEST(TokenTable, takes_as_many_tokens_as_it_has_room_for) {
  TokenTable table(1000);
  for (std::uint64_t token = 1; token <= 1000; ++token)
    ASSERT_TRUE(table.put(token_key(1, token), {1, 0, 0}));
  EXPECT_FALSE(table.put(token_key(1, 1001), {1, 0, 0}));
  EXPECT_TRUE(table.put(token_key(1, 1000), {2, 0, 0}));
  EXPECT_EQ(table.get(token_key(1, 1000)).spam, 2U);
  EXPECT_EQ(table.get(token_key(1, 1001)), TokenCount{});
  std::vector<TokenKey> keys;
  for (std::uint64_t token = 990; token <= 1010; ++token) keys.push_back(token_key(1, token));
  std::vector<TokenCount> counts(keys.size());
  table.look_up(keys, counts);
  for (std::size_t n = 0; n < keys.size(); ++n) EXPECT_EQ(counts[n], table.get(keys[n]));
}

TEST(TokenTable, is_read_while_it_is_written) {
  TokenTable table(50'000);
  std::atomic<bool> done{false};
  std::thread reader([&] {
    // Both halves of a count are written at once: a reader never sees one without the other.
    while (!done.load()) {
      for (std::uint64_t token = 1; token <= 50'000; token += 97) {
        const TokenCount count = table.get(token_key(1, token));
        ASSERT_EQ(count.spam, count.ham);
      }
    }
  });
  for (std::uint32_t round = 1; round <= 3; ++round)
    for (std::uint64_t token = 1; token <= 50'000; ++token)
      ASSERT_TRUE(table.put(token_key(1, token), {round, round, 0}));
  done.store(true);
  reader.join();
}

class BayesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "bayesXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Bayes> open(Bayes::Limits limits = {}) const {
    auto bayes = Bayes::open(folder_ + "/bayes.db", limits);
    EXPECT_TRUE(bayes.has_value()) << bayes.error().text;
    return *std::move(bayes);
  }
  static BayesLesson lesson(unsigned message, Learned as, std::vector<std::uint64_t> tokens,
                            std::int64_t time = kNow) {
    BayesLesson made{.as = as, .time = time, .tokens = std::move(tokens)};
    made.message[0] = static_cast<std::byte>(message & 0xFFU);
    made.message[1] = static_cast<std::byte>(message >> 8U & 0xFFU);
    made.message[2] = static_cast<std::byte>(message >> 16U);
    return made;
  }
  static BayesOutcome learn(Bayes& bayes, const BayesLesson& one) {
    auto outcome = bayes.learn(std::span(&one, 1), kNow);
    EXPECT_TRUE(outcome.has_value());
    return *outcome;
  }
  // {spam, ham} of a token; what the site's mails are when `token` is 0.
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  static Pair counts(const Bayes& bayes, std::uint64_t token, std::string_view owner = "") {
    const auto view = bayes.view();
    const BayesView::Owner* of = view->owner(owner);
    if (of == nullptr) return {0, 0};
    if (token == 0) return {of->spam.load(), of->ham.load()};
    const TokenCount count = view->tokens().get(token_key(of->id, token));
    return {count.spam, count.ham};
  }
  std::string folder_;
};

TEST_F(BayesTest, learns_each_mail_once_and_keeps_it_over_a_restart) {
  {
    auto bayes = open();
    ASSERT_TRUE(bayes->load());
    EXPECT_EQ(learn(*bayes, lesson(1, Learned::spam, {10, 11})).learned, 1U);
    EXPECT_EQ(learn(*bayes, lesson(2, Learned::ham, {11, 12})).learned, 1U);
    const BayesOutcome again = learn(*bayes, lesson(1, Learned::spam, {10, 11}));
    EXPECT_EQ(again.learned, 0U);
    EXPECT_EQ(again.unchanged, 1U);
    EXPECT_EQ(counts(*bayes, 11), Pair(1, 1));
  }
  auto bayes = open();
  ASSERT_TRUE(bayes->load());
  EXPECT_EQ(counts(*bayes, 10), Pair(1, 0));
  EXPECT_EQ(counts(*bayes, 11), Pair(1, 1));
  EXPECT_EQ(counts(*bayes, 12), Pair(0, 1));
  EXPECT_EQ(counts(*bayes, 0), Pair(1, 1));
}

TEST_F(BayesTest, forgets_a_mail_before_it_learns_it_as_the_other_kind) {
  auto bayes = open();
  ASSERT_TRUE(bayes->load());
  learn(*bayes, lesson(1, Learned::spam, {10, 11}));
  learn(*bayes, lesson(2, Learned::spam, {10}));
  const BayesOutcome outcome = learn(*bayes, lesson(1, Learned::ham, {10, 11}));
  EXPECT_EQ(outcome.learned, 1U);
  EXPECT_EQ(outcome.relearned, 1U);
  EXPECT_EQ(counts(*bayes, 10), Pair(1, 1));
  EXPECT_EQ(counts(*bayes, 11), Pair(0, 1));
  EXPECT_EQ(counts(*bayes, 0), Pair(1, 1));
}

TEST_F(BayesTest, leaves_alone_what_a_person_said_when_it_learns_by_itself) {
  auto bayes = open();
  ASSERT_TRUE(bayes->load());
  learn(*bayes, lesson(1, Learned::ham, {10}));
  BayesLesson automatic = lesson(1, Learned::spam, {10});
  automatic.only_if_new = true;
  EXPECT_EQ(learn(*bayes, automatic).unchanged, 1U);
  EXPECT_EQ(counts(*bayes, 10), Pair(0, 1));
}

TEST_F(BayesTest, forgets_what_it_learned_and_nothing_else) {
  auto bayes = open();
  ASSERT_TRUE(bayes->load());
  learn(*bayes, lesson(1, Learned::ham, {10}));
  const std::vector<BayesLesson> both{lesson(1, Learned::ham, {10}), lesson(2, Learned::ham, {10})};
  const auto outcome = bayes->forget(both);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->forgotten, 1U);
  EXPECT_EQ(outcome->unchanged, 1U);
  EXPECT_EQ(counts(*bayes, 10), Pair(0, 0));
  EXPECT_EQ(counts(*bayes, 0), Pair(0, 0));
}

TEST_F(BayesTest, keeps_users_apart) {
  auto bayes = open();
  ASSERT_TRUE(bayes->load());
  BayesLesson of_joe = lesson(1, Learned::spam, {10});
  of_joe.owner = "joe";
  learn(*bayes, of_joe);
  learn(*bayes, lesson(1, Learned::ham, {10}));
  EXPECT_EQ(counts(*bayes, 10, "joe"), Pair(1, 0));
  EXPECT_EQ(counts(*bayes, 10), Pair(0, 1));
  EXPECT_EQ(counts(*bayes, 0, "ann"), Pair(0, 0));
}

TEST_F(BayesTest, says_the_same_after_compaction) {
  auto bayes = open();
  ASSERT_TRUE(bayes->load());
  for (unsigned message = 0; message < 300; ++message)
    learn(*bayes,
          lesson(message, message % 3 == 0 ? Learned::spam : Learned::ham, {message, 7000 + message % 10}));
  const Pair before = counts(*bayes, 7003);
  ASSERT_EQ(bayes->compact(true).value(), true);
  EXPECT_EQ(counts(*bayes, 7003), before);
  EXPECT_EQ(bayes->figures()->journal_size, 0U);
  learn(*bayes, lesson(1000, Learned::spam, {7003}));
  bayes.reset();
  bayes = open();
  ASSERT_TRUE(bayes->load());
  EXPECT_EQ(counts(*bayes, 7003), Pair(before.first + 1, before.second));
  EXPECT_EQ(learn(*bayes, lesson(5, Learned::ham, {5})).unchanged, 1U);
}

TEST_F(BayesTest, compacts_when_the_journal_is_long_and_not_before) {
  auto bayes = open({.journal_size_max = 1000});
  EXPECT_EQ(bayes->compact().value(), false);
  std::vector<std::uint64_t> tokens(200);
  for (std::size_t n = 0; n < tokens.size(); ++n) tokens[n] = n + 1;
  learn(*bayes, lesson(1, Learned::spam, tokens));
  EXPECT_EQ(bayes->compact().value(), false);  // 1000 bytes
  learn(*bayes, lesson(2, Learned::spam, {1}));
  EXPECT_EQ(bayes->compact().value(), true);
  EXPECT_EQ(bayes->figures()->tokens, 200U);
}

TEST_F(BayesTest, lets_tokens_go_that_were_of_no_use_for_long) {
  auto bayes = open({.tokens_max = 1000});
  ASSERT_TRUE(bayes->load());
  std::vector<std::uint64_t> old, used, young;
  for (std::uint64_t n = 1; n <= 400; ++n) {
    old.push_back(n);
    used.push_back(1000 + n);
    young.push_back(2000 + n);
  }
  learn(*bayes, lesson(1, Learned::ham, old, kNow - 100 * kDay));
  learn(*bayes, lesson(2, Learned::ham, used, kNow - 100 * kDay));
  learn(*bayes, lesson(3, Learned::ham, young, kNow));
  const BayesUse use{.owner = "", .time = kNow, .tokens = used};
  ASSERT_TRUE(bayes->touch(std::span(&use, 1)));
  ASSERT_EQ(bayes->compact().value(), true);  // 1200 tokens are too many
  EXPECT_EQ(bayes->figures()->tokens, 750U);
  EXPECT_EQ(counts(*bayes, 1), Pair(0, 0));
  EXPECT_EQ(counts(*bayes, 400), Pair(0, 0));
  std::uint64_t left = 0;
  for (std::uint64_t n = 1; n <= 400; ++n)
    left += counts(*bayes, 1000 + n).second + counts(*bayes, 2000 + n).second;
  EXPECT_EQ(left, 750U);
  EXPECT_EQ(counts(*bayes, 0), Pair(0, 3));  // mails stay counted
}

TEST_F(BayesTest, refuses_new_tokens_when_it_is_full_and_counts_them) {
  auto bayes = open({.tokens_max = 1000});
  ASSERT_TRUE(bayes->load());
  std::vector<std::uint64_t> tokens;
  for (std::uint64_t n = 1; n <= 1251; ++n) tokens.push_back(n);
  learn(*bayes, lesson(1, Learned::ham, tokens));
  EXPECT_EQ(bayes->figures()->refused, 1U);
  EXPECT_EQ(bayes->view()->tokens().size(), 1250U);
}

TEST_F(BayesTest, takes_in_what_another_process_learned) {
  auto server = open();
  ASSERT_TRUE(server->load());
  auto command = open();
  learn(*command, lesson(1, Learned::spam, {10}));
  EXPECT_EQ(counts(*server, 10), Pair(0, 0));
  EXPECT_EQ(server->refresh().value(), true);
  EXPECT_EQ(counts(*server, 10), Pair(1, 0));
  EXPECT_EQ(server->refresh().value(), false);
  // Compaction takes rows away that the other has not read.
  learn(*command, lesson(2, Learned::spam, {10}));
  ASSERT_EQ(command->compact(true).value(), true);
  learn(*command, lesson(3, Learned::spam, {10}));
  EXPECT_EQ(server->refresh().value(), true);
  EXPECT_EQ(counts(*server, 10), Pair(3, 0));
  EXPECT_EQ(counts(*server, 0), Pair(3, 0));
}

TEST_F(BayesTest, remembers_no_more_mails_than_it_may) {
  auto bayes = open({.messages_max = 100});
  for (unsigned message = 0; message < 120; ++message) {
    const BayesLesson one = lesson(message, Learned::ham, {1});
    ASSERT_TRUE(bayes->learn(std::span(&one, 1), kNow + message));
  }
  ASSERT_TRUE(bayes->compact(true));
  EXPECT_EQ(learn(*bayes, lesson(119, Learned::ham, {1})).unchanged, 1U);
  EXPECT_EQ(learn(*bayes, lesson(0, Learned::ham, {1})).learned, 1U);
}

TEST_F(BayesTest, keeps_a_million_tokens) {
  auto bayes = open({.tokens_max = 1'000'000});
  ASSERT_TRUE(bayes->load());
  std::vector<BayesLesson> lessons;
  for (unsigned message = 0; message < 100; ++message) {
    std::vector<std::uint64_t> tokens(10'000);
    for (std::size_t n = 0; n < tokens.size(); ++n)
      tokens[n] = (message * 10'000U + n + 1) * 0x9E3779B97FU & 0xFFFFFFFFFFU;
    lessons.push_back(lesson(message, Learned::spam, std::move(tokens)));
  }
  ASSERT_TRUE(bayes->learn(lessons, kNow));
  ASSERT_TRUE(bayes->compact(true));
  EXPECT_EQ(bayes->figures()->tokens, 1'000'000U);
  bayes = open({.tokens_max = 1'000'000});
  ASSERT_TRUE(bayes->load());
  EXPECT_EQ(counts(*bayes, lessons[99].tokens[9'999]), Pair(1, 0));
}

}  // namespace
}  // namespace ringpost::tables
