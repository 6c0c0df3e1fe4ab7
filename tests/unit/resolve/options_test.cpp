#include "ringpost/resolve/options.hpp"

#include <gtest/gtest.h>

#include "ringpost/base/option_table.hpp"

namespace ringpost::resolve {
namespace {

struct Read {
  ResolverOptions options;
  bool good = false;
};
Read read(std::string key, OptionValue value) {
  Read result;
  OptionReader reader({.directories = {"/etc/ringpost"}});
  OptionValue::Table entries;
  entries.push_back({std::move(key), std::move(value)});
  result.good = option_table(&result.options).read(&result.options, {.value = std::move(entries)}, reader);
  return result;
}
OptionValue text(std::string value) {
  return {.value = std::move(value)};
}
OptionValue texts(std::size_t count, const std::string& value) {
  return {.value = OptionValue::List(count, text(value))};
}

TEST(ResolverOptions, takes_servers_with_and_without_a_port) {
  const Read with = read("servers", texts(1, "127.0.0.1:5353"));
  ASSERT_TRUE(with.good);
  EXPECT_EQ(std::get<Endpoint>(with.options.servers.at(0)), *parse_endpoint("127.0.0.1:5353"));
  const Read without = read("servers", texts(1, "::1"));
  ASSERT_TRUE(without.good);
  EXPECT_EQ(std::get<IpAddress>(without.options.servers.at(0)), *parse_address("::1"));
  EXPECT_FALSE(read("servers", texts(1, "dns.example.com")).good);
}

TEST(ResolverOptions, keep_their_ranges) {
  EXPECT_TRUE(read("servers", texts(8, "127.0.0.1")).good);
  EXPECT_FALSE(read("servers", texts(9, "127.0.0.1")).good);
  EXPECT_TRUE(read("attempts", {.value = std::int64_t{10}}).good);
  EXPECT_FALSE(read("attempts", {.value = std::int64_t{11}}).good);
  EXPECT_FALSE(read("attempts", {.value = std::int64_t{0}}).good);
  EXPECT_TRUE(read("timeout", text("50ms")).good);
  EXPECT_FALSE(read("timeout", text("49ms")).good);
  EXPECT_TRUE(read("cache_size", text("64KiB")).good);
  EXPECT_FALSE(read("cache_size", text("63KiB")).good);
}

TEST(ResolverOptions, can_do_without_a_hosts_file) {
  const Read none = read("hosts_file", text(""));
  ASSERT_TRUE(none.good);
  EXPECT_TRUE(none.options.hosts_file.empty());
}

}  // namespace
}  // namespace ringpost::resolve
