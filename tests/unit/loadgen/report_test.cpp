// Scenario files, and what is said of runs: page, text, CSV, comparison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report_command.hpp"
#include "report_csv.hpp"
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
  Json summary = Json()
                     .set("rate", rate)
                     .set("latency", Json()
                                         .set("count", 10)
                                         .set("p50_ms", 1.0)
                                         .set("p99_ms", p99)
                                         .set("p99_9_ms", 2.5)
                                         .set("max_ms", 3.0))
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
  EXPECT_EQ(seconds_csv({run("a \"b\"", 5)}),
            "run,name,at,acknowledged,rate,wrong,p50_ms,p90_ms,p99_ms,p99_9_ms,max_ms\n"
            "0,\"a \"\"b\"\"\",1,0,5,0,0,0,2,0,3\n"
            "0,\"a \"\"b\"\"\",1,0,5,0,0,0,2,0,3\n");
}

// A run in which nothing came.
Json empty_run(std::string name) {
  return Json()
      .set("name", std::move(name))
      .set("loop", "closed")
      .set("summary", Json()
                          .set("rate", 0)
                          .set("refused", 12)
                          .set("connect_failures", 3)
                          .set("codes", Json().set("550", 10).set("451", 2))
                          .set("examples", Json().set("550", "550 no").set("451", "451 \"later\""))
                          .set("troubles", Json().set("connect: refused", 3))
                          .set("latency", Json().set("count", 0).set("p50_ms", 0.0).set("p99_ms", 0.0)))
      .set("histogram_ns", Json::List())
      .set("seconds", Json::List());
}

TEST(Report, a_run_without_mail_has_no_latency_and_is_better_in_nothing) {
  std::vector<Json> runs = repeated("old", {100, 101, 102, 103, 104});
  for (int i = 0; i < 5; ++i) runs.push_back(empty_run("dead"));
  const auto groups = groups_of(runs);
  for (const Difference& d : differences(groups[0], groups[1]))
    EXPECT_EQ(verdict(d), d.figure->key == "rate" ? "worse" : "none") << d.figure->key;
  EXPECT_EQ(verdict(differences(groups[1], groups[0])[0]), "better");
  EXPECT_THAT(report_text({empty_run("dead")}), testing::ContainsRegex("p50 +none ms"));
  EXPECT_TRUE(report_json({empty_run("dead")})["runs"].list()[0]["p50_ms"].is_null());
  EXPECT_TRUE(report_json(runs)["comparison"].list()[1]["ratio"].is_null());
  EXPECT_THAT(report_page({empty_run("dead")}), HasSubstr(R"(data-figure="p50_ms">none<)"));
}

TEST(Report, tells_what_went_wrong_everywhere) {
  const std::string said = "12 refused, 3 connections refused; by code 550: 10, 451: 2";
  EXPECT_THAT(report_text({empty_run("a")}), HasSubstr(said));
  EXPECT_THAT(report_page({empty_run("a")}), HasSubstr(said));
  const Json json = report_json({empty_run("a")})["runs"].list()[0];
  EXPECT_EQ(json["errors"]["refused"].number(), 12);
  EXPECT_EQ(json["errors"]["codes"]["550"].number(), 10);
  EXPECT_EQ(json["errors"]["examples"]["550"].text(), "550 no");
  const std::string csv = errors_csv({empty_run("a")});
  EXPECT_THAT(csv, HasSubstr("0,\"a\",figure,\"refused\",12,\"\"\n"));
  EXPECT_THAT(csv, HasSubstr("0,\"a\",code,\"451\",2,\"451 \"\"later\"\"\"\n"));
  EXPECT_THAT(csv, HasSubstr("0,\"a\",trouble,\"connect: refused\",3,\"\"\n"));
  EXPECT_EQ(failures(run("good", 5)), "");
}

TEST(Report, says_what_makes_a_run_less_than_it_seems) {
  Json cut = run("cut", 5);
  Json summary = cut["summary"];
  summary.set("silent_seconds", 3.0)
      .set("interrupted", true)
      .set("not_complete", Json::List{Json("write x: full")});
  Json whole = Json().set("name", "cut").set("loop", "closed").set("summary", summary);
  whole.set("search", Json().set("limit_found", false));
  EXPECT_THAT(remarks(whole),
              testing::IsSupersetOf({HasSubstr("nothing came in the last 3.0 s"),
                                     HasSubstr("interrupted by a signal"), HasSubstr("write x: full"),
                                     HasSubstr("before any rate was too high")}));
  EXPECT_TRUE(remarks(run("good", 5)).empty());
}

TEST(Report, csv_has_cores_and_what_the_server_said) {
  Json run =
      Json().set("name", "a").set("histogram_ns", Json::List{Json(Json::List{Json(1'500'000), Json(10)})});
  const auto core = [](int count) {
    return Json().set("acknowledged", count).set("bytes", 9).set("wrong", 0).set("busy", 0.5);
  };
  Json second = Json().set("at", 1).set("acknowledged", 3).set("rate", 3);
  second.set("cores", Json::List{core(1), core(2)}).set("memory_mb", 7.5);
  second.set("server", Json::List{Json().set("journal_frames", 4)});
  run.set("seconds", Json::List{second});
  EXPECT_EQ(
      seconds_csv({run}),
      "run,name,at,acknowledged,rate,wrong,p50_ms,p90_ms,p99_ms,p99_9_ms,max_ms,"
      "core0_acknowledged,core0_bytes,core0_wrong,core0_busy,core1_acknowledged,core1_bytes,core1_wrong,"
      "core1_busy,server_memory_mb,server0_journal_frames\n"
      "0,\"a\",1,3,3,0,0,0,0,0,0,1,9,0,0.5,2,9,0,0.5,7.5,4\n");
  EXPECT_EQ(histogram_csv({run}), "run,name,upper_bound_ms,count\n0,\"a\",1.5,10\n");
  EXPECT_EQ(report_json({run})["runs"].list()[0]["seconds"], run["seconds"]);
  EXPECT_EQ(report_json({run})["runs"].list()[0]["histogram_ns"], run["histogram_ns"]);
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
  EXPECT_THAT(wrong("[run.a]\nto = \"x:1\"\nmessages = -1\n"), HasSubstr("s.toml:3: "));
  for (const std::string name : {"\"../../evil\"", "\"\"", "\".hidden\"", "\"a/b\""})
    EXPECT_THAT(wrong("[run." + name + "]\nto = \"x:1\"\n"), HasSubstr("cannot be the name of a file"))
        << name;
  EXPECT_THAT(wrong("[run.a]\nto = \"x:1\"\nrun_file = \"b\"\n"), HasSubstr("run_file is given by the name"));
  EXPECT_THAT(wrong("run = [\n"), HasSubstr("s.toml:1"));
  EXPECT_THAT(wrong("repeat = 2\n"), HasSubstr("no table [run.NAME]"));
  EXPECT_THAT(wrong("[run.a]\nto = \"x:1\"\nramp = \"1..5\"\n"), HasSubstr("--ramp needs --duration"));
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
