// What is read of a run: distributions, the seconds of a series, the search for a rate, the choice by weight.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "limits.hpp"
#include "live_view.hpp"
#include "load_figures.hpp"
#include "rate_search.hpp"
#include "series.hpp"
#include "weighted.hpp"

namespace ringpost::loadgen {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Distribution, has_the_quantiles_of_the_histogram_it_was_taken_of) {
  observe::Histogram histogram;
  for (std::uint64_t i = 1; i <= 10'000; ++i) histogram.record(i * 1000);
  Distribution distribution;
  distribution.add(histogram);
  EXPECT_EQ(distribution.count(), 10'000U);
  for (const double fraction : {0.0, 0.5, 0.9, 0.99})
    EXPECT_EQ(distribution.quantile(fraction), histogram.quantile(fraction)) << fraction;
  EXPECT_EQ(distribution_of(buckets_json(distribution)).buckets(), distribution.buckets());
}

TEST(Distribution, since_is_what_came_in_between) {
  observe::Histogram histogram;
  histogram.record(5);
  Distribution before;
  before.add(histogram);
  histogram.record(5);
  histogram.record(20);
  Distribution now;
  now.add(histogram);
  EXPECT_THAT(now.since(before).buckets(), testing::ElementsAre(testing::Pair(5, 1), testing::Pair(20, 1)));
  EXPECT_EQ(Distribution{}.quantile(0.5), 0U);
}

Look look(Duration at, std::uint64_t first, std::uint64_t second, double cpu) {
  Look look;
  look.at = at;
  look.cores = {{.acknowledged = first, .cpu = cpu}, {.acknowledged = second, .wrong = second / 10}};
  return look;
}

TEST(Series, a_second_is_the_difference_of_two_looks) {
  Series series;
  series.add(look(0s, 0, 0, 0));
  series.add(look(1s, 100, 200, 0.5));
  series.add(look(3s, 400, 200, 1.5));
  ASSERT_EQ(series.seconds().size(), 2U);
  EXPECT_EQ(series.seconds()[0].acknowledged(), 300U);
  EXPECT_EQ(series.seconds()[0].wrong(), 20U);
  EXPECT_DOUBLE_EQ(series.seconds()[0].cores[0].cpu, 0.5);
  EXPECT_DOUBLE_EQ(series.seconds()[1].rate(), 150);
  EXPECT_DOUBLE_EQ(series.seconds()[1].cores[0].cpu, 0.5);
  EXPECT_EQ(series_json(series).list()[1]["cores"].list()[1]["acknowledged"].number(), 0);
}

TEST(Series, a_short_rest_belongs_to_the_second_before_it) {
  Series series;
  series.add(look(0s, 0, 0, 0));
  series.add(look(1s, 100, 100, 0.5));
  series.add(look(2s, 200, 200, 1.0));
  series.add(look(2s + 10ms, 201, 200, 1.0));
  ASSERT_EQ(series.seconds().size(), 2U);
  EXPECT_EQ(series.seconds()[1].acknowledged(), 201U);
  EXPECT_NEAR(series.seconds()[1].rate(), 201 / 1.01, 0.01);
  Series brief;
  brief.add(look(0s, 0, 0, 0));
  brief.add(look(10ms, 5, 5, 0));
  ASSERT_EQ(brief.seconds().size(), 1U);
}

TEST(ServerFigures, counters_become_rates_and_gauges_stay) {
  const auto at = [](const char* text) {
    ServerFigures figures;
    for (const char* line : {text, R"({"core":1,"name":"open","gauge":7})"})
      note_figure(*admin::parse_json(line), figures);
    return figures;
  };
  const ServerSecond second = between(at(R"({"core":1,"name":"sent","counter":100})"),
                                      at(R"({"core":1,"name":"sent","counter":150})"), 2);
  ASSERT_EQ(second.cores.size(), 2U);
  EXPECT_DOUBLE_EQ(second.cores[1].at("sent"), 25);
  EXPECT_DOUBLE_EQ(second.cores[1].at("open"), 7);
}

TEST(ServerFigures, quantiles_are_of_what_came_in_between_and_a_new_server_counts_from_nothing) {
  const auto at = [](const char* sent, const char* commits) {
    ServerFigures figures;
    for (const char* line : {sent, commits}) note_figure(*admin::parse_json(line), figures);
    return figures;
  };
  const ServerFigures before =
      at(R"({"core":0,"name":"sent","counter":100})",
         R"({"core":0,"name":"commit","count":90,"sum":1,"p50":5,"p99":5,"buckets":[[5,90]]})");
  const ServerFigures slower =
      at(R"({"core":0,"name":"sent","counter":110})",
         R"({"core":0,"name":"commit","count":100,"sum":2,"p50":5,"p99":80,"buckets":[[5,90],[80,10]]})");
  const ServerFigures anew =
      at(R"({"core":0,"name":"sent","counter":6})",
         R"({"core":0,"name":"commit","count":2,"sum":2,"p50":7,"p99":7,"buckets":[[7,2]]})");
  EXPECT_DOUBLE_EQ(between(before, slower, 1).cores[0].at("commit_p50"), 80);
  EXPECT_FALSE(between(slower, slower, 1).cores[0].contains("commit_p50"));
  EXPECT_DOUBLE_EQ(between(slower, anew, 2).cores[0].at("sent"), 3);
  EXPECT_DOUBLE_EQ(between(slower, anew, 2).cores[0].at("commit_p99"), 7);
}

TEST(RateSearch, finds_the_highest_rate_that_is_kept) {
  for (const double limit : {3.0, 90.0, 1234.0, 54'321.0}) {
    RateSearch search(100);
    unsigned steps = 0;
    while (const auto rate = search.next()) {
      search.learn(*rate <= limit);
      ++steps;
    }
    ASSERT_TRUE(search.best()) << limit;
    EXPECT_LE(*search.best(), limit);
    EXPECT_GT(*search.best() * 1.021, limit);
    EXPECT_LE(steps, 24U);
  }
}

TEST(RateSearch, says_when_nothing_was_kept) {
  RateSearch search(100);
  while (search.next()) search.learn(false);
  EXPECT_FALSE(search.best());
}

TEST(WeightedChoice, gives_each_its_share) {
  WeightedChoice choice;
  for (const double weight : {70.0, 25.0, 5.0}) choice.add(weight);
  std::array<int, 3> counts{};
  for (std::uint64_t i = 0; i < 100'000; ++i) ++counts[choice.pick(scattered(i))];
  EXPECT_NEAR(counts[0], 70'000, 700);
  EXPECT_NEAR(counts[1], 25'000, 700);
  EXPECT_NEAR(counts[2], 5'000, 350);
}

TEST(LiveView, draws_rates_against_the_largest) {
  EXPECT_EQ(sparkline({0, 5, 10}), "▁▄█");
  EXPECT_EQ(sparkline({0, 0}), "▁▁");
}

TEST(LiveView, takes_no_more_room_than_the_terminal_has) {
  const std::vector<std::string> lines{"12345", "123456", "▁▄█▁▄█", ""};
  EXPECT_THAT(fitted(lines, 5, 24), ElementsAre("12345", "12345", "▁▄█▁▄", ""));
  EXPECT_THAT(fitted(lines, 5, 3), ElementsAre("12345", "12345"));
  EXPECT_THAT(fitted(lines, 1, 1), IsEmpty());
}

TEST(LoadFigures, a_load_without_a_login_is_in_vain_when_each_connection_has_tried) {
  LoadFigures one;
  LoadFigures other;
  const std::vector<const LoadFigures*> cores{&one, &other};
  one.logins_refused.add(3);
  EXPECT_FALSE(without_login(cores, 4));
  other.logins_refused.add(kLoginsTried);
  EXPECT_FALSE(without_login(cores, 4)) << "all of them were told to come later";
  one.logins_denied.add();
  EXPECT_TRUE(without_login(cores, 4));
  EXPECT_TRUE(without_login(cores, kConnectionsMax));
  other.logins.add();
  EXPECT_FALSE(without_login(cores, 4)) << "others may log in";
}

}  // namespace
}  // namespace ringpost::loadgen
