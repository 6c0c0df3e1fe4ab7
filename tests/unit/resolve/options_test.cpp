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
  EXPECT_EQ(*parse_server("127.0.0.1:5353"), *parse_endpoint("127.0.0.1:5353"));
  EXPECT_EQ(*parse_server("::1"), *parse_endpoint("[::1]:53"));
  for (const char* server : {"127.0.0.1:5353", "127.0.0.1", "::1", "[::1]:5353"})
    EXPECT_TRUE(read("servers", texts(1, server)).good) << server;
  for (const char* server : {"", "dns.example.com", "127.0.0.1:0", "127.0.0.1:70000", "[::1]"})
    EXPECT_FALSE(read("servers", texts(1, server)).good) << server;
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
