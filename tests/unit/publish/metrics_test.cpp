#include "ringpost/publish/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringpost::publish {
namespace {

using testing::HasSubstr;
using testing::Not;

struct CoreFigures {
  CoreFigures() {
    registry.add("core_turns", "Turns of the loop.", turns);
    registry.add("core_busy_ns", "Time in turns.", busy);
    registry.add("open", "Open now.", open);
    registry.add("commit_ns", "Time of a commit.", commit);
    registry.add("batch", "Records.", batch);
  }
  observe::Registry registry;
  observe::Counter turns, busy;
  observe::Gauge open;
  observe::Histogram commit, batch;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Metrics, are_a_family_for_each_figure_with_a_series_for_each_core) {
  CoreFigures first, second;
  first.turns.add(7);
  second.turns.add(9);
  first.open.set(-2);
  first.busy.add(1'500'000'001);
  const std::array<const observe::Registry*, 2> cores{&first.registry, &second.registry};
  const std::string page = metrics_page({.version = "0.1", .started = {2'000'000'000}}, cores);
  EXPECT_THAT(page, HasSubstr("# HELP ringpost_core_turns_total Turns of the loop.\n"
                              "# TYPE ringpost_core_turns_total counter\n"
                              "ringpost_core_turns_total{core=\"0\"} 7\n"
                              "ringpost_core_turns_total{core=\"1\"} 9\n"));
  EXPECT_THAT(page, HasSubstr("ringpost_core_busy_seconds_total{core=\"0\"} 1.500000001\n"));
  EXPECT_THAT(page, HasSubstr("ringpost_open{core=\"0\"} -2\n"));
  EXPECT_THAT(page, HasSubstr("ringpost_build_info{version=\"0.1\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("ringpost_start_time_seconds 2\n"));
  EXPECT_EQ(count(page, "# TYPE ringpost_open gauge"), 1U);
}

TEST(Metrics, have_histograms_whose_buckets_add_up) {
  CoreFigures core;
  for (const std::uint64_t value : {0ULL, 1'023ULL, 1'024ULL, 5'000'000ULL, 1'000'000'000'000ULL})
    core.commit.record(value);
  for (const std::uint64_t value : {1U, 3U, 4U}) core.batch.record(value);
  const std::array<const observe::Registry*, 1> cores{&core.registry};
  const std::string page = metrics_page({}, cores);
  EXPECT_THAT(page, HasSubstr("# TYPE ringpost_commit_seconds histogram\n"
                              "ringpost_commit_seconds_bucket{core=\"0\",le=\"0.000001023\"} 2\n"
                              "ringpost_commit_seconds_bucket{core=\"0\",le=\"0.000004095\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("le=\"+Inf\"} 5\nringpost_commit_seconds_sum{core=\"0\"} 1000.005002047\n"
                              "ringpost_commit_seconds_count{core=\"0\"} 5\n"));
  EXPECT_THAT(page, HasSubstr("ringpost_batch_bucket{core=\"0\",le=\"0\"} 0\n"
                              "ringpost_batch_bucket{core=\"0\",le=\"3\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("ringpost_batch_sum{core=\"0\"} 8\n"));
}

TEST(Metrics, are_as_many_as_there_are_figures_whatever_was_counted) {
  CoreFigures core;
  const std::array<const observe::Registry*, 1> cores{&core.registry};
  const std::size_t before = count(metrics_page({}, cores), "\n");
  for (std::uint64_t i = 0; i < 1000; ++i) core.commit.record(i * i * i * 1'000'003);
  EXPECT_EQ(count(metrics_page({}, cores), "\n"), before);
}

TEST(Metrics, of_a_figure_that_not_every_core_has_name_those_that_have_it) {
  CoreFigures first, second;
  observe::Counter only;
  second.registry.add("pickup", "Files.", only);
  const std::array<const observe::Registry*, 2> cores{&first.registry, &second.registry};
  const std::string page = metrics_page({}, cores);
  EXPECT_THAT(page, HasSubstr("ringpost_pickup_total{core=\"1\"} 0\n"));
  EXPECT_THAT(page, Not(HasSubstr("ringpost_pickup_total{core=\"0\"}")));
}

}  // namespace
}  // namespace ringpost::publish
