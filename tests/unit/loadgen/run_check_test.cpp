// A run file is believed only when every figure in it can be one.
#include "run_check.hpp"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

using admin::Json;

constexpr std::string_view kGood = R"({"name":"a","loop":"closed","options":{},
  "summary":{"loop":"closed","acknowledged":3,"begun":3,"bytes":9,"seconds":1.5,"rate":2,"never_begun":0,"refused":1,"unanswered":0,
    "attempts":0,"connections":1,"connect_failures":0,"greet_failures":0,"lost_connections":0,"timeouts":0,
    "latency":{"count":3,"p50_ms":1,"p90_ms":1.5,"p99_ms":2,"p99_9_ms":2,"max_ms":2},
    "cpu":{"us_per_message":7.5,"saturated":false},"codes":{"550":1},"examples":{"550":"550 no"},"troubles":{"lost":1}},
  "histogram_ns":[[1000,1],[2000,2]],
  "seconds":[{"at":1,"acknowledged":2,"rate":2,"wrong":0,"p50_ms":1,"p90_ms":1,"p99_ms":1,"p99_9_ms":1,"max_ms":1,
    "cores":[{"acknowledged":2,"bytes":6,"wrong":0,"busy":0.5}],"server":[{"journal_frames":3.5}]}]})";

std::string fault(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto json = admin::parse_json(text);
  EXPECT_TRUE(json) << text;
  return fault_of(*json);
}

TEST(RunCheck, takes_what_loadgen_writes) {
  EXPECT_EQ(fault_of(*admin::parse_json(kGood)), "");
}

TEST(RunCheck, names_the_key_and_what_is_wrong) {
  EXPECT_EQ(fault(R"("rate":2,"never)", R"("rate":"fast","never)"),
            "summary.rate is not a number from 0 to 4e15");
  EXPECT_EQ(fault(R"("rate":2,"never)", R"("rate":-2,"never)"),
            "summary.rate is not a number from 0 to 4e15");
  EXPECT_EQ(fault(R"("rate":2,"never)", R"("rate":1e308,"never)"),
            "summary.rate is not a number from 0 to 4e15");
  EXPECT_EQ(fault(R"("refused":1,)", ""), "summary.refused is missing");
  EXPECT_EQ(fault(R"("refused":1,)", R"("refused":0.5,)"),
            "summary.refused is not a whole number from 0 to 4e15");
  EXPECT_EQ(fault(R"("name":"a")", R"("name":5)"), "name is not a text");
  EXPECT_EQ(fault(R"("loop":"closed","options")", R"("loop":"ajar","options")"),
            R"(loop is not "open" or "closed")");
  EXPECT_EQ(fault(R"("saturated":false)", R"("saturated":0)"), "summary.cpu.saturated is not true or false");
  EXPECT_EQ(fault(R"({"550":1})", R"({"550":"many"})"),
            "summary.codes.550 is not a whole number from 0 to 4e15");
  EXPECT_EQ(fault(R"({"550":"550 no"})", R"({"550":5})"), "summary.examples.550 is not a text");
  EXPECT_EQ(fault(R"("busy":0.5)", R"("busy":null)"), "seconds[0].cores[0].busy is missing");
  EXPECT_EQ(fault(R"({"journal_frames":3.5})", R"({"journal_frames":"x"})"),
            "seconds[0].server[0].journal_frames is not a number");
  EXPECT_EQ(fault(R"("at":1)", R"("at":0)"), "seconds[0].at does not rise");
}

TEST(RunCheck, a_run_has_a_summary_with_latencies) {
  Json run = *admin::parse_json(kGood);
  Json without;
  for (const auto& [key, value] : run.object())
    if (key != "summary") without.set(key, value);
  EXPECT_EQ(fault_of(without), "summary is missing");
  EXPECT_EQ(fault(R"("latency":{"count":3,"p50_ms":1,"p90_ms":1.5,"p99_ms":2,"p99_9_ms":2,"max_ms":2})",
                  R"("latency":null)"),
            "summary.latency is missing");
  EXPECT_EQ(fault_of(Json(5)), "it is not an object");
}

TEST(RunCheck, a_histogram_rises_and_counts_what_the_summary_counts) {
  EXPECT_EQ(fault("[[1000,1],[2000,2]]", "[[2000,1],[1000,2]]"), "histogram_ns: the bounds do not rise");
  EXPECT_EQ(fault("[[1000,1],[2000,2]]", "[[1000,1]]"),
            "histogram_ns counts 1, and summary.latency.count is 3");
  EXPECT_EQ(fault("[[1000,1],[2000,2]]", "[[1000,-1],[2000,4]]"),
            "histogram_ns is not a list of [upper bound, count]");
  EXPECT_EQ(fault("[[1000,1],[2000,2]]", "[7]"), "histogram_ns is not a list of [upper bound, count]");
}

}  // namespace
}  // namespace ringpost::loadgen
