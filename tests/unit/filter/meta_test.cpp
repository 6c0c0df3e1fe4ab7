// What metas come to when little is known, and which rules can change them.
#include <cmath>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ringpost/filter/meta_clauses.hpp"

#include "filter/evaluation.hpp"
#include "filter/meta_watch.hpp"

namespace ringpost::filter {
namespace {

constexpr std::uint32_t kRules = 5;  // A to E, worth 0 to 1, but for E, which may be worth more

struct Meta {
  MetaTrees trees;
  std::uint32_t root = 0;
  // B costs least, then those behind it.
  explicit Meta(std::string_view text) {
    std::string lines;
    for (char name = 'A'; name < static_cast<char>('A' + kRules); ++name)
      lines += fmt::format("body {} /{}/\n", name, name);
    const RuleFile file{"local.cf", lines + fmt::format("meta M {}\n", text)};
    const auto rules = load_rules({&file, 1}, {});
    for (const Problem& problem : rules->problems()) ADD_FAILURE() << text << ": " << problem.text;
    root = trees.add(rules->rule(rules->find("M")).meta,
                     [](std::uint32_t rule) { return static_cast<double>((rule + kRules - 1) % kRules); });
  }
  MetaTrees::Tree tree() const { return trees.tree(root); }
};

using Values = std::array<double, kRules>;

// Rules that become known when they are asked for.
struct Mail {
  Values values{};
  std::array<bool, kRules> known{};
  std::string asked;

  double value(const Meta& meta) {
    return evaluate_with(
        meta.tree(),
        [this](std::uint32_t rule) {
          if (!known[rule]) asked += static_cast<char>('A' + rule);
          known[rule] = true;
          return values[rule];
        },
        [this](std::uint32_t rule) { return bounds(rule); });
  }
  Range bounds(std::uint32_t rule) const {
    if (known[rule]) return Range::exactly(values[rule]);
    return {0, rule + 1 == kRules ? Range::kEndless : 1};
  }
  Range range(const Meta& meta) const {
    return range_with(meta.tree(), meta.root, [this](std::uint32_t rule) { return bounds(rule); });
  }
};

std::string asked(std::string_view text, Mail mail) {
  const double value = mail.value(Meta(text));
  return fmt::format("{} = {}", mail.asked, value);
}

TEST(Meta, asks_for_no_part_of_a_sum_that_cannot_be_enough) {
  EXPECT_EQ(asked("A + B + C > 1", {.known = {true, true}}), " = 0");
  EXPECT_EQ(asked("A + B + C >= 4", {}), " = 0");
  EXPECT_EQ(asked("A + B + (C || D) < 4", {}), " = 1");
  EXPECT_EQ(asked("A + B == 3", {}), " = 0");
  EXPECT_EQ(asked("A + E > 1", {.known = {true}}), "E = 0");
}

TEST(Meta, asks_for_parts_of_a_sum_until_it_is_decided) {
  EXPECT_EQ(asked("A + B + C + D > 1", {.values = {1, 1, 1, 1}}), "BC = 1");
  EXPECT_EQ(asked("A + B + C > 1", {.values = {1, 0, 0}}), "BC = 0");
  EXPECT_EQ(asked("A + B + C != 5", {}), " = 1");
}

TEST(Meta, asks_for_what_costs_least_first) {
  EXPECT_EQ(asked("A && B", {.values = {1, 0}}), "B = 0");
  EXPECT_EQ(asked("A && B && C", {.values = {1, 1, 0}}), "BC = 0");
  EXPECT_EQ(asked("B && (A || C)", {.values = {0, 0, 1}}), "B = 0");
  EXPECT_EQ(asked("A && !C", {.values = {1, 0, 1}, .known = {false, false, true}}), " = 0");
}

TEST(Meta, is_worth_the_part_that_decided) {
  EXPECT_EQ(asked("A && E", {.values = {1, 0, 0, 0, 7}}), "EA = 7");
  EXPECT_EQ(asked("E && A", {.values = {1, 0, 0, 0, 7}}), "EA = 1");
  EXPECT_EQ(asked("A || E || B", {.values = {0, 1, 0, 0, 7}}), "AE = 7");
}

class Expressions {
 public:
  explicit Expressions(unsigned seed) : random_(seed) {}
  std::string make(unsigned depth = 0) {
    const unsigned kind = depth > 3 ? 0 : pick(8);
    const auto inside = [&] { return make(depth + 1); };
    switch (kind) {
      case 0:
      case 1:
        return std::string(1, static_cast<char>('A' + pick(kRules)));
      case 2:
        return fmt::format("({} && {} && {})", inside(), inside(), inside());
      case 3:
        return fmt::format("({} || {})", inside(), inside());
      case 4:
        return fmt::format("!{}", inside());
      case 5: {
        constexpr std::array<std::string_view, 6> kSigns{">", ">=", "<", "<=", "==", "!="};
        return fmt::format("(({} + {} + {}) {} {})", inside(), inside(), inside(), kSigns[pick(6)], pick(4));
      }
      case 6: {
        constexpr std::array<std::string_view, 4> kSigns{"-", "*", "/", "^"};
        return fmt::format("({} {} {})", inside(), kSigns[pick(4)], inside());
      }
      default:
        return fmt::format("({} ? {} : {})", inside(), inside(), inside());
    }
  }
  Mail mail(bool all_known) {
    Mail made;
    for (std::uint32_t rule = 0; rule < kRules; ++rule) {
      made.values[rule] = pick(rule + 1 == kRules ? 4 : 2);
      made.known[rule] = all_known || pick(2) == 0;
    }
    return made;
  }
  unsigned pick(unsigned count) { return std::uniform_int_distribution<unsigned>(0, count - 1)(random_); }

 private:
  std::mt19937 random_;
};

// What clauses say of it; nothing where it is of another form.
std::optional<MetaClauses::State> by_clauses(const Meta& meta, const Mail& mail) {
  MetaClauses clauses;
  clauses.add(meta.tree(), [](std::uint32_t) { return true; });
  if (!clauses.has(0)) return std::nullopt;
  std::array<MetaClauses::State, kRules + 1> states{MetaClauses::kZero};
  for (std::uint32_t rule = 0; rule < kRules; ++rule)
    states[rule + 1] =
        MetaClauses::state_of(mail.known[rule] ? static_cast<std::int32_t>(mail.values[rule]) : -1);
  return clauses.state(0, states);
}

TEST(Meta, is_clauses_where_it_can_be) {
  for (const std::string_view text :
       {"A", "!A", "A && B", "A && !(B && C) && (D || !E)", "A || B", "!(A || B)", "A && 1", "0"})
    EXPECT_TRUE(by_clauses(Meta(text), {})) << text;
  for (const std::string_view text : {"(A && B) || C", "A + B > 1", "A && (B + C)", "-A", "A ? B : C"})
    EXPECT_FALSE(by_clauses(Meta(text), {})) << text;
}

TEST(Meta, says_the_same_in_clauses) {
  Expressions expressions(2);
  int compared = 0;
  for (int n = 0; n < 6'000; ++n) {
    const std::string text = expressions.make();
    const Meta meta(text);
    for (int m = 0; m < 8; ++m) {
      const Mail mail = expressions.mail(m == 0);
      const auto state = by_clauses(meta, mail);
      if (!state) break;
      ++compared;
      const Range range = mail.range(meta);
      ASSERT_EQ(*state == MetaClauses::kMayBeZero, range.is_zero()) << text;
      ASSERT_EQ(*state == MetaClauses::kMayHit, range.is_true()) << text;
    }
  }
  EXPECT_GT(compared, 1'000);
}

TEST(Meta, is_0_in_clauses_where_a_rule_never_hits) {
  const Meta meta("A && B");
  MetaClauses clauses;
  clauses.add(meta.tree(), [](std::uint32_t rule) { return rule != 1; });
  const std::array<MetaClauses::State, kRules + 1> states{MetaClauses::kZero, MetaClauses::kOpen,
                                                          MetaClauses::kOpen};
  EXPECT_EQ(clauses.state(0, states), MetaClauses::kMayBeZero);
}

TEST(Meta, is_worth_the_same_whatever_is_known) {
  Expressions expressions(1);
  for (int n = 0; n < 3'000; ++n) {
    const std::string text = expressions.make();
    const Meta meta(text);
    for (int m = 0; m < 8; ++m) {
      Mail some = expressions.mail(false);
      Mail all = some;
      all.known.fill(true);
      const double value = all.value(meta);
      const Range known = all.range(meta), bounds = some.range(meta);
      ASSERT_TRUE(known.known() && known.least == value) << text;
      ASSERT_FALSE(value < bounds.least || value > bounds.most)
          << fmt::format("{} is {}, not from {} to {}", text, value, bounds.least, bounds.most);
      ASSERT_EQ(some.value(meta), value) << text;
    }
  }
}

TEST(Meta, changes_only_with_the_rules_that_are_watched) {
  Expressions expressions(2);
  std::size_t named = 0, watched = 0;
  for (int n = 0; n < 3'000; ++n) {
    const std::string text = expressions.make();
    const Meta meta(text);
    const MetaTrees::Tree tree = meta.tree();
    const MetaWatch watch(tree, [](std::uint32_t) { return 0; }, [](std::uint32_t rule) { return rule + 1; });
    for (std::uint32_t rule = 0; rule < kRules; ++rule) {
      named += text.find(static_cast<char>('A' + rule)) != std::string::npos ? 1 : 0;
      watched += std::ranges::find(watch.rules(), rule) != watch.rules().end() ? 1 : 0;
    }
    for (int m = 0; m < 8; ++m) {
      Mail mail = expressions.mail(true);
      for (const std::uint32_t rule : watch.rules()) mail.values[rule] = 0;
      ASSERT_EQ(mail.value(meta), watch.rest()) << text;
    }
  }
  EXPECT_LT(watched, named);
}

TEST(Meta, of_a_conjunction_watches_one_part) {
  const Meta meta("A && B && !C && (D || E)");
  const MetaTrees::Tree tree = meta.tree();
  const MetaWatch watch(tree, [](std::uint32_t) { return 0; }, [](std::uint32_t rule) { return 9 - rule; });
  EXPECT_EQ(watch.rules(), std::vector<std::uint32_t>{1});
}

}  // namespace
}  // namespace ringpost::filter
