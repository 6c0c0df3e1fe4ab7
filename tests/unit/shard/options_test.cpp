#include "ringpost/shard/options.hpp"

#include <gtest/gtest.h>

#include "ringpost/base/option_table.hpp"
#include "ringpost/shard/limits.hpp"

namespace ringpost::shard {
namespace {

OptionValue text(std::string value) {
  return {.value = std::move(value)};
}
OptionValue number(std::int64_t value) {
  return {.value = value};
}
OptionValue cpus(std::initializer_list<std::int64_t> list) {
  OptionValue::List values;
  for (const std::int64_t cpu : list) values.push_back(number(cpu));
  return {.value = std::move(values)};
}

// What is wrong with one key, or "".
std::string problem(std::string key, OptionValue value, CoreOptions* into = nullptr) {
  CoreOptions options;
  OptionReader reader;
  const OptionValue table{.value = OptionValue::Table{{std::move(key), std::move(value)}}};
  option_table(&options).read(&options, table, reader);
  if (into != nullptr) *into = options;
  std::string all;
  for (const OptionProblem& each : reader.take_problems()) all += each.message;
  return all;
}

TEST(CoreOptions, defaults_pass_their_own_check) {
  CoreOptions options;
  OptionReader reader;
  const OptionValue written = option_table(&options).write(&options);
  EXPECT_TRUE(option_table(&options).read(&options, written, reader));
  EXPECT_EQ(reader.error_count(), 0U);
  EXPECT_EQ(option_table(&options).name(), "cores");
}

TEST(CoreOptions, use_is_all_or_a_list_without_repeats) {
  CoreOptions options;
  EXPECT_EQ(problem("use", text("all"), &options), "");
  EXPECT_TRUE(std::holds_alternative<Word<"all">>(options.use));
  EXPECT_EQ(problem("use", text("physical"), &options), "");
  EXPECT_TRUE(std::holds_alternative<Word<"physical">>(options.use));
  EXPECT_EQ(problem("use", cpus({0, 2, 4}), &options), "");
  EXPECT_EQ(std::get<std::vector<unsigned>>(options.use), (std::vector<unsigned>{0, 2, 4}));
  EXPECT_THAT(problem("use", cpus({2, 0, 2})), testing::HasSubstr("CPU 2 twice"));
  EXPECT_THAT(problem("use", cpus({})), testing::HasSubstr("names no CPU"));
  EXPECT_NE(problem("use", text("none")), "");
}

TEST(CoreOptions, use_takes_as_many_cpus_as_there_may_be_cores_and_not_one_more) {
  OptionValue::List list;
  for (std::int64_t cpu = 0; cpu < kCoresMax; ++cpu) list.push_back(number(cpu));
  EXPECT_EQ(problem("use", {.value = list}), "");
  list.push_back(number(kCoresMax));
  EXPECT_THAT(problem("use", {.value = list}), testing::HasSubstr("names 257 CPUs"));
}

TEST(CoreOptions, reads_every_way_to_wait_and_every_backend) {
  CoreOptions options;
  EXPECT_EQ(problem("wait", text("busy_poll"), &options), "");
  EXPECT_EQ(options.wait, WaitStrategy::busy_poll);
  EXPECT_NE(problem("wait", text("nap")), "");
  EXPECT_EQ(problem("backend", text("epoll"), &options), "");
  EXPECT_NE(problem("backend", text("kqueue")), "");
}

TEST(CoreOptions, bounds_stand_at_their_limits) {
  EXPECT_EQ(problem("offload_threads", number(1)), "");
  EXPECT_NE(problem("offload_threads", number(0)), "");
  EXPECT_EQ(problem("offload_threads", number(64)), "");
  EXPECT_NE(problem("offload_threads", number(65)), "");
  EXPECT_EQ(problem("watchdog", text("0s")), "");
  EXPECT_EQ(problem("watchdog", text("10s")), "");
  EXPECT_NE(problem("watchdog", text("9s")), "");
  EXPECT_EQ(problem("memory_limit", text("64MiB")), "");
  EXPECT_NE(problem("memory_limit", text("63MiB")), "");
}

TEST(CoreOptions, receive_buffers_leave_at_least_half_of_the_memory) {
  EXPECT_EQ(problem("receive_buffers", text("1GiB")), "");
  CoreOptions options;
  OptionReader reader;
  const OptionValue table{
      .value = OptionValue::Table{{"receive_buffers", text("1GiB")}, {"memory_limit", text("1GiB")}}};
  option_table(&options).read(&options, table, reader);
  EXPECT_EQ(reader.error_count(), 1U);
}

}  // namespace
}  // namespace ringpost::shard
