// Scenario files, and what is said of runs: page, text, CSV, comparison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report_command.hpp"
#include "report_page.hpp"
#include "run_groups.hpp"
#include "scenario.hpp"
#include "sink_arguments.hpp"
#include "svg_plot.hpp"

namespace ringpost::loadgen {
namespace {

using admin::Json;
using testing::HasSubstr;
using testing::Not;

Json run(std::string name, double rate, double p99 = 2) {
  Json second = Json().set("at", 1.0).set("rate", rate).set("max_ms", 3.0).set("p99_ms", p99).set("wrong", 0);
  Json next = second;
  Json summary =
      Json()
          .set("rate", rate)
          .set("latency",
               Json().set("p50_ms", 1.0).set("p99_ms", p99).set("p99_9_ms", 2.5).set("max_ms", 3.0))
          .set("cpu", Json().set("us_per_message", 7.5).set("saturated", false))
          .set("never_begun", 0);
  return Json()
      .set("name", std::move(name))
      .set("loop", "closed")
      .set("summary", std::move(summary))
      .set("histogram_ns", Json::List{Json(Json::List{Json(1'000'000), Json(10)})})
      .set("seconds", Json::List{std::move(second), std::move(next)});
}

std::vector<Json> repeated(const std::string& name, std::initializer_list<double> rates) {
  std::vector<Json> runs;
  for (const double rate : rates) runs.push_back(run(name, rate));
  return runs;
}

TEST(Report, runs_of_a_name_are_compared_with_those_of_the_first) {
  std::vector<Json> runs = repeated("old", {100, 101, 102, 103, 104});
  for (Json& one : repeated("new", {150, 151, 152, 153, 154})) runs.push_back(std::move(one));
  const auto groups = groups_of(runs);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[1].runs.size(), 5U);
  const auto all = differences(groups[0], groups[1]);
  EXPECT_EQ(verdict(all[0]), "better");
  EXPECT_NEAR(all[0].ratio.value, 152.0 / 102, 1e-9);
  EXPECT_EQ(verdict(all[1]), "no difference to be seen");
  EXPECT_THAT(report_text(runs), HasSubstr("new against old"));
  EXPECT_EQ(verdict(differences(groups[1], groups[0])[0]), "worse");
}

TEST(Report, one_run_each_is_too_few) {
  const std::vector<Json> runs{run("a", 1), run("b", 2)};
  EXPECT_EQ(verdict(differences(groups_of(runs)[0], groups_of(runs)[1])[0]), "too few runs to tell");
}

TEST(Report, the_page_is_complete_in_itself_and_escapes_names) {
  const std::string page = report_page({run("<script>alert(1)</script>&", 1234)});
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&amp;"));
  EXPECT_THAT(page, HasSubstr(R"(data-figure="rate">1234<)"));
  EXPECT_THAT(page, HasSubstr("<polyline"));
  for (const std::string_view outside : {"http://", "https://", "src=", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
}

TEST(Report, csv_has_a_line_for_each_second) {
  EXPECT_EQ(report_csv({run("a \"b\"", 5)}),
            "run,name,at,acknowledged,rate,wrong,p50_ms,p90_ms,p99_ms,p99_9_ms,max_ms\n"
            "0,\"a \"\"b\"\"\",1,0,5,0,0,0,2,0,3\n"
            "0,\"a \"\"b\"\"\",1,0,5,0,0,0,2,0,3\n");
}

TEST(Plot, keeps_every_peak_when_points_are_too_many) {
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 5000; ++i) points.emplace_back(i, i == 3333 ? 99 : 1);
  const auto fewer = thinned(points, 400);
  EXPECT_LE(fewer.size(), 400U);
  EXPECT_EQ(std::ranges::count(fewer, 99.0, &std::pair<double, double>::second), 1);
  EXPECT_EQ(svg_of({.title = "empty", .lines = {{"a", {}}}}), "");
}

TEST(Scenario, gives_each_run_what_all_have_and_its_own) {
  const auto scenario = parse_scenario(
      "folder = \"out\"\nrepeat = 2\n[all]\nto = [\"127.0.0.1:25\"]\nduration = "
      "\"2s\"\n[run.data]\nconnections = 64\n"
      "[run.bdat]\nbdat = true\nduration = \"3s\"\nsize = \"1KiB:1,2KiB-4KiB:2\"\n",
      "s.toml");
  ASSERT_TRUE(scenario) << scenario.error().text;
  EXPECT_EQ(scenario->folder, "out");
  EXPECT_EQ(scenario->repeat, 2U);
  ASSERT_EQ(scenario->runs.size(), 2U);
  EXPECT_EQ(std::get<SmtpOptions>(scenario->runs[0]).name, "data");
  EXPECT_EQ(std::get<SmtpOptions>(scenario->runs[0]).connections, 64U);
  EXPECT_EQ(std::get<SmtpOptions>(scenario->runs[0]).duration, std::chrono::seconds{2});
  EXPECT_FALSE(std::get<SmtpOptions>(scenario->runs[0]).bdat);
  EXPECT_TRUE(std::get<SmtpOptions>(scenario->runs[1]).bdat);
  EXPECT_EQ(std::get<SmtpOptions>(scenario->runs[1]).duration, std::chrono::seconds{3});
  EXPECT_EQ(std::get<SmtpOptions>(scenario->runs[1]).size.shares.size(), 2U);
}

TEST(Scenario, says_what_is_wrong_and_where) {
  const auto wrong = [](std::string_view text) {
    const auto scenario = parse_scenario(text, "s.toml");
    return scenario ? std::string("nothing") : scenario.error().text;
  };
  EXPECT_THAT(wrong("[run.a]\n"), HasSubstr("--to"));
  EXPECT_THAT(wrong("[run.a]\nto = \"x:1\"\nconections = 5\n"), HasSubstr("conections"));
  EXPECT_THAT(wrong("repeet = 5\n[run.a]\nto = \"x:1\"\n"), HasSubstr("s.toml:1: repeet"));
  EXPECT_THAT(wrong("run = [\n"), HasSubstr("s.toml:1"));
  EXPECT_THAT(wrong("repeat = 2\n"), HasSubstr("no table [run.NAME]"));
  EXPECT_THAT(wrong("[run.a]\nto = \"x:1\"\nramp = \"1..5\"\n"), HasSubstr("--ramp needs a --duration"));
}

TEST(Personas, are_read_from_tables) {
  const auto personas = parse_personas(
      "[persona.big]\nlisten = \"127.0.1.1\"\ndomains = [\"*.big.test\", \"big.test\"]\nmessage_rate = "
      "\"600/min\"\n"
      "storm = \"5s/1min\"\nmax_connections = 3\nmax_connections_reply = \"421 4.7.652 Too "
      "many\"\nreject_5xx = 0.25\n",
      "p.toml");
  ASSERT_TRUE(personas) << personas.error().text;
  ASSERT_EQ(personas->size(), 1U);
  const Persona& big = personas->front();
  EXPECT_EQ(big.name, "big");
  EXPECT_EQ(big.domains.size(), 2U);
  EXPECT_EQ(big.rate, (Rate{600, std::chrono::minutes{1}}));
  EXPECT_EQ(big.storm.length, std::chrono::seconds{5});
  EXPECT_EQ(big.connections_reply, (mail::Reply{421, {4, 7, 652}, "Too many"}));
  EXPECT_EQ(big.reject_permanent, 0.25);
  EXPECT_FALSE(parse_personas("[persona.a]\n", "p.toml"));
  EXPECT_FALSE(parse_personas("[persona.a]\nlisten = \"127.0.1.1\"\nstorm = \"5s\"\n", "p.toml"));
  EXPECT_FALSE(parse_personas("[persona.a]\nlisten = \"127.0.1.1\"\nstorm_reply = \"250 fine\"\n", "p.toml"));
}

}  // namespace
}  // namespace ringpost::loadgen
