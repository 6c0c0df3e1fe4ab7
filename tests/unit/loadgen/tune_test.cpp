#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_edit.hpp"
#include "tune_choice.hpp"

namespace ringpost::loadgen {
namespace {

using testing::HasSubstr;

TEST(ConfigEdit, sets_a_value_where_it_stands_and_leaves_the_rest) {
  const std::string text = "# mine\n[cores]\nuse = [0]  # one\nwait = \"sleep\"\n[spool]\nwait = 3\n";
  EXPECT_EQ(*with_value(text, "cores.wait", "\"adaptive\"", "better"),
            "# mine\n[cores]\nuse = [0]  # one\nwait = \"adaptive\"  # better\n[spool]\nwait = 3\n");
  EXPECT_EQ(*with_value(text, "cores.pin", "true", ""),
            "# mine\n[cores]\npin = true\nuse = [0]  # one\nwait = \"sleep\"\n[spool]\nwait = 3\n");
  EXPECT_EQ(*with_value("", "cores.pin", "true", ""), "[cores]\npin = true\n");
  EXPECT_THAT(*with_value(text, "listener.mx.x", "1", ""), HasSubstr("\n\n[listener.mx]\nx = 1\n"));
}

TEST(ConfigEdit, refuses_what_it_would_break) {
  EXPECT_FALSE(with_value("[cores]\nuse = [\n0]\n", "cores.use", "[1]", ""));
  EXPECT_FALSE(with_value("", "cores", "1", ""));
}

TEST(ConfigEdit, quotes_what_is_text) {
  EXPECT_EQ(toml_value("512"), "512");
  EXPECT_EQ(toml_value("[0, 1]"), "[0, 1]");
  EXPECT_EQ(toml_value("true"), "true");
  EXPECT_EQ(toml_value("adaptive"), "\"adaptive\"");
  EXPECT_EQ(toml_value("64MiB"), "\"64MiB\"");
}

TEST(TuneChoice, takes_what_is_better_beyond_noise) {
  const std::vector<Candidate> candidates{{"bad", {10, 11, 12, 10.5, 11.5, 10.2}},
                                          {"good", {20, 21, 22, 20.5, 21.5, 20.2}},
                                          {"middle", {15, 16, 14, 15.5, 14.5, 15.2}}};
  const Choice choice = choose(candidates, 0, true);
  EXPECT_TRUE(choice.changed);
  EXPECT_EQ(choice.index, 1U);
  EXPECT_THAT(choice.reason, HasSubstr("better than bad: x 1.9"));
  const Choice least = choose(candidates, 1, false);
  EXPECT_EQ(least.index, 0U);
}

TEST(TuneChoice, declines_between_equals) {
  const Choice choice = choose({{"a", {10, 11, 12, 13, 14}}, {"b", {10.5, 11.5, 12.5, 13.5, 14.5}}}, 0, true);
  EXPECT_FALSE(choice.changed);
  EXPECT_EQ(choice.index, 0U);
  EXPECT_THAT(choice.reason, HasSubstr("no real difference"));
}

TEST(TuneChoice, keeps_the_present_one_when_it_is_better) {
  const Choice choice = choose({{"a", {20, 21, 22, 23, 24}}, {"b", {10, 11, 12, 13, 14}}}, 0, true);
  EXPECT_FALSE(choice.changed);
  EXPECT_THAT(choice.reason, HasSubstr("better than all that was tried"));
}

TEST(TuneChoice, the_more_is_tried_the_more_it_takes) {
  const std::vector<double> base{10, 11, 12, 13};
  const std::vector<double> higher{14, 15, 16, 17};
  EXPECT_TRUE(choose({{"a", base}, {"b", higher}}, 0, true).changed);
  // p is 2/70 for one rival, and three times that for three.
  EXPECT_FALSE(choose({{"a", base}, {"b", higher}, {"c", base}, {"d", base}}, 0, true).changed);
}

TEST(TuneChoice, a_measurement_is_one_number_and_nothing_else) {
  EXPECT_EQ(measurement_in(" 12.5\n"), 12.5);
  EXPECT_EQ(measurement_in("-3e2"), -300);
  for (const std::string_view said : {"nan", "inf", "5 apples", "", "\n", "5 6", "0x10", "1e999"})
    EXPECT_FALSE(measurement_in(said)) << said;
}

TEST(TuneChoice, plots_each_value_on_one_scale) {
  const std::string plot = strip_plot({{"a", {0, 0, 0}}, {"b", {10, 10, 10}}});
  EXPECT_THAT(plot, HasSubstr("a |#"));
  EXPECT_THAT(plot, HasSubstr("#| median 10.00"));
}

}  // namespace
}  // namespace ringpost::loadgen
