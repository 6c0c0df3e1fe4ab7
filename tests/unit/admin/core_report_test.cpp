#include "admin/core_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/code_name.hpp"

namespace ringpost::admin {
namespace {

using testing::HasSubstr;

TEST(CodeName, is_that_of_the_function_which_the_address_lies_in) {
  EXPECT_THAT(code_name(reinterpret_cast<const void*>(&code_name)), HasSubstr("ringpost::admin::code_name"));
  EXPECT_EQ(code_name(nullptr), "");
  EXPECT_EQ(code_name(reinterpret_cast<const void*>(8)), "0x8");
}

TEST(CoreReport, has_every_figure_once_under_its_name) {
  observe::Registry registry;
  observe::Counter turns;
  observe::Gauge open;
  observe::Histogram commit;
  registry.add("turns", "Turns.", turns);
  registry.add("open", "Open.", open);
  registry.add("commit_ns", "Commit.", commit);
  turns.add(7);
  open.set(-2);
  for (const std::uint64_t value : {1U, 2U, 3U}) commit.record(value);
  const Json json = figures_json(registry);
  EXPECT_EQ(json["turns"], Json(7));
  EXPECT_EQ(json["open"], Json(-2));
  EXPECT_EQ(json["commit_ns"]["count"], Json(3));
  EXPECT_EQ(json["commit_ns"]["sum"], Json(6));
  EXPECT_EQ(json["commit_ns"]["p50"], Json(2));
  EXPECT_EQ(json["commit_ns"]["max"], Json(3));
  EXPECT_EQ(to_string(figures_json(observe::Registry())), "{}");
}

TEST(CoreReport, says_what_a_stall_is_blamed_on) {
  const shard::Stall stall{.time = {1'795'334'400'000'000'000},
                           .length = 3ms,
                           .phase = shard::TurnPhase::hooks,
                           .phase_length = 2ms,
                           .piece_length = 1ms,
                           .pieces = 2,
                           .code = reinterpret_cast<const void*>(&figures_json),
                           .off_cpu = 5us};
  const Json json = stalls_json({stall});
  ASSERT_EQ(json.list().size(), 1U);
  const Json& first = json.list()[0];
  EXPECT_EQ(first["time"].text(), "2026-11-22T08:00:00Z");
  EXPECT_EQ(first["length_ns"], Json(3'000'000));
  EXPECT_EQ(first["off_cpu_ns"], Json(5'000));
  EXPECT_EQ(first["phase"].text(), "hooks");
  EXPECT_EQ(first["pieces"], Json(2));
  EXPECT_THAT(first["code"].text(), HasSubstr("figures_json"));
}

}  // namespace
}  // namespace ringpost::admin
