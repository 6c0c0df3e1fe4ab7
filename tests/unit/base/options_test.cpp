#include <gtest/gtest.h>

#include "ringpost/base/option_table.hpp"

namespace ringpost {
namespace {

enum class Wait : unsigned char { sleep, adaptive, busy_poll };
constexpr auto option_choices(const Wait*) {
  return std::to_array<Choice<Wait>>(
      {{"sleep", Wait::sleep}, {"adaptive", Wait::adaptive}, {"busy_poll", Wait::busy_poll}});
}

struct Match {
  std::string domain = "*";
  std::optional<std::string> tenant;
};
const OptionTable& option_table(const Match*) {
  static const OptionTable table =
      options_of<Match>("match", "Which mail.",
                        {field<&Match::domain>("domain", "Domain pattern.", not_empty()),
                         field<&Match::tenant>("tenant", "Tenant.")});
  return table;
}

struct Backoff {
  Duration first = 20min;
  unsigned factor = 2;
};
const OptionTable& option_table(const Backoff*) {
  static const OptionTable table =
      options_of<Backoff>("backoff", "Growing intervals.",
                          {field<&Backoff::first>("first", "The first.", range(1s, 1h)),
                           field<&Backoff::factor>("factor", "Growth.", range(1, 10))});
  return table;
}

struct Everything {
  bool flag = false;
  std::uint16_t port = 25;
  double score = 5.0;
  Bytes size = 16_MiB;
  Duration time = 30s;
  Rate rate{60, 1min};
  Percent free{10};
  std::string text = "hello";
  FilePath path = "/etc/x";
  Wait wait = Wait::adaptive;
  std::vector<std::string> words;
  std::vector<Endpoint> listen;
  std::optional<unsigned> limit;
  Layered<unsigned> layered;
  std::optional<IpAddress> source;
  std::vector<Network> networks;
  std::variant<Word<"all">, std::vector<unsigned>> use;
  std::variant<std::vector<Duration>, Backoff> intervals;
  std::variant<Percent, Bytes> space;
  Match match;
  Named<Match> routes;
  Named<int> weights;
  std::string backend = "auto";
};
void check_everything(const Everything& options, OptionReport& report) {
  if (options.flag && options.port == 0) report.error("port", "is 0 although flag is set", "set a port");
  if (options.score > 99) report.warning("score", "is very high", "lower it");
}
const OptionTable& option_table(const Everything*) {
  using E = Everything;
  static const OptionTable table =
      options_of<E>("everything", "All the types.",
                    {field<&E::flag>("flag", "A flag."),
                     field<&E::port>("port", "A port."),
                     field<&E::score>("score", "A score.", range(0.0, 100.0)),
                     field<&E::size>("size", "A size.", range(1_MiB, 1_GiB), needs_restart()),
                     field<&E::time>("time", "A time.", at_least(1s)),
                     field<&E::rate>("rate", "A rate."),
                     field<&E::free>("free", "Free space."),
                     field<&E::text>("text", "A text.", postfix("the_text")),
                     field<&E::path>("path", "A path."),
                     field<&E::wait>("wait", "How to wait."),
                     field<&E::words>("words", "Words.", items_at_most(3)),
                     field<&E::listen>("listen", "Addresses."),
                     field<&E::limit>("limit", "A limit.", range(1, 100)),
                     field<&E::layered>("layered", "A layer."),
                     field<&E::source>("source", "An address."),
                     field<&E::networks>("networks", "Networks."),
                     field<&E::use>("use", "CPUs.", at_most(1023)),
                     field<&E::intervals>("intervals", "Intervals.", range(1s, 24h)),
                     field<&E::space>("space", "Space."),
                     field<&E::match>("match", "Match."),
                     field<&E::routes>("routes", "Routes."),
                     field<&E::weights>("weights", "Weights.", range(0, 100)),
                     field<&E::backend>("backend", "Backend.", one_of("auto", "uring", "epoll"))},
                    &check_everything);
  return table;
}

OptionValue text(std::string t) {
  return {.value = std::move(t), .source = {0, 7}};
}
OptionValue integer(std::int64_t n) {
  return {.value = n, .source = {0, 7}};
}
OptionValue list(OptionValue::List items) {
  return {.value = std::move(items), .source = {0, 7}};
}
OptionValue table(OptionValue::Table entries) {
  return {.value = std::move(entries), .source = {0, 6}};
}

struct Read {
  Everything options;
  std::vector<OptionProblem> problems;
  bool good = false;
};
Read read(std::string key, OptionValue value) {
  Read result;
  OptionReader reader({.directories = {"/etc/ringpost"}});
  result.good = option_table(&result.options)
                    .read(&result.options, table({{std::move(key), std::move(value)}}), reader);
  result.problems = reader.take_problems();
  return result;
}
// What is wrong and the mend, of the one problem.
std::string complaint(std::string key, OptionValue value) {
  const std::string named = key;
  const Read result = read(std::move(key), std::move(value));
  EXPECT_FALSE(result.good);
  if (result.problems.size() != 1) return std::to_string(result.problems.size()) + " problems";
  EXPECT_EQ(result.problems[0].source.line, 7U);
  EXPECT_TRUE(result.problems[0].key.starts_with(named)) << result.problems[0].key;
  return result.problems[0].message + " / " + result.problems[0].mend;
}

TEST(Options, read_every_member_type) {
  EXPECT_TRUE(read("flag", {.value = true}).options.flag);
  EXPECT_EQ(read("port", integer(587)).options.port, 587);
  EXPECT_EQ(read("score", integer(7)).options.score, 7.0);
  EXPECT_EQ(read("score", {.value = 7.5}).options.score, 7.5);
  EXPECT_EQ(read("size", text("2MiB")).options.size, 2_MiB);
  EXPECT_EQ(read("time", text("5m")).options.time, 5min);
  EXPECT_EQ(read("rate", text("10/s")).options.rate, (Rate{10, 1s}));
  EXPECT_EQ(read("free", text("2.5%")).options.free, Percent{2.5});
  EXPECT_EQ(read("text", text("x")).options.text, "x");
  EXPECT_EQ(read("path", text("tls/key.pem")).options.path.text, "/etc/ringpost/tls/key.pem");
  EXPECT_EQ(read("path", text("/a/b")).options.path.text, "/a/b");
  EXPECT_EQ(read("wait", text("busy_poll")).options.wait, Wait::busy_poll);
  EXPECT_EQ(read("words", list({text("a"), text("b")})).options.words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read("listen", list({text("[::]:25")})).options.listen.at(0), *parse_endpoint("[::]:25"));
  EXPECT_EQ(read("limit", integer(5)).options.limit, 5U);
  EXPECT_EQ(read("limit", text("unset")).options.limit, std::nullopt);
  EXPECT_EQ(read("layered", integer(5)).options.layered.value, 5U);
  EXPECT_TRUE(read("layered", text("unset")).options.layered.unset);
  EXPECT_EQ(read("source", text("2001:db8::1")).options.source, *parse_address("2001:db8::1"));
  EXPECT_EQ(read("networks", list({text("10.0.0.0/8")})).options.networks.at(0),
            *parse_network("10.0.0.0/8"));
  EXPECT_EQ(std::get<1>(read("use", list({integer(0), integer(2)})).options.use),
            (std::vector<unsigned>{0, 2}));
  EXPECT_EQ(read("use", text("all")).options.use.index(), 0U);
  EXPECT_EQ(std::get<0>(read("intervals", list({text("5m")})).options.intervals).at(0), 5min);
  EXPECT_EQ(std::get<1>(read("intervals", table({{"factor", integer(3)}})).options.intervals).factor, 3U);
  EXPECT_EQ(std::get<0>(read("space", text("10%")).options.space), Percent{10});
  EXPECT_EQ(std::get<1>(read("space", text("10GiB")).options.space), 10_GiB);
  EXPECT_EQ(read("match", table({{"domain", text("a.example")}})).options.match.domain, "a.example");
  EXPECT_EQ(read("routes", table({{"x.y", table({{"tenant", text("t")}})}})).options.routes.at("x.y").tenant,
            "t");
  EXPECT_EQ(read("weights", table({{"a1", integer(20)}})).options.weights.at("a1"), 20);
}

TEST(Options, refuse_a_wrong_type_and_show_the_right_spelling) {
  EXPECT_EQ(complaint("flag", text("yes")),
            "is the text \"yes\", and the type is true or false / write it as true, without quotes");
  EXPECT_EQ(complaint("port", text("25")), "is the text \"25\", and the type is integer / write it as 25");
  EXPECT_EQ(complaint("size", integer(16)),
            "is the integer 16, and the type is size / write it as \"64MiB\"");
  EXPECT_EQ(complaint("text", integer(16)), "is the integer 16, and the type is text / write it as \"16\"");
  EXPECT_EQ(complaint("words", text("a")),
            "is the text \"a\", and the type is list of texts / write it as [\"a\"]");
  EXPECT_EQ(
      complaint("listen", text("[::]:25")),
      "is the text \"[::]:25\", and the type is list of addresses with port / write it as [\"[::]:25\"]");
  EXPECT_EQ(
      complaint("use", text("some")),
      "is the text \"some\", and the type is \"all\", or list of integers / write it as \"all\" or [25]");
  EXPECT_EQ(complaint("match", text("*")),
            "is the text \"*\", and the type is table / write it as { key = value }");
  EXPECT_EQ(complaint("text", {.value = OptionValue::Date{"1979-05-27"}, .source = {0, 7}}),
            "is a date or time, and the type is text / write it as \"1979-05-27\"");
}

TEST(Options, refuse_bad_units_with_an_example) {
  EXPECT_EQ(complaint("size", text("16Mib")), "\"16Mib\" is not a size / write it as \"64MiB\" or \"10GB\"");
  EXPECT_EQ(complaint("time", text("5 minutes")),
            "\"5 minutes\" is not a duration / write it as \"30s\", \"250ms\" or \"1h30m\"");
  EXPECT_EQ(complaint("rate", text("60")), "\"60\" is not a rate / write it as \"600/min\" or \"10/s\"");
  EXPECT_EQ(complaint("free", text("101%")),
            "\"101%\" is not a percentage / write it as \"10%\", from 0% to 100%");
  EXPECT_EQ(complaint("source", text("1.2.3")),
            "\"1.2.3\" is not an IP address / write it as \"192.0.2.1\" or \"2001:db8::1\"");
}

TEST(Options, hold_ranges_at_their_ends) {
  EXPECT_TRUE(read("size", text("1MiB")).good);
  EXPECT_TRUE(read("size", text("1GiB")).good);
  EXPECT_EQ(complaint("size", text("1048575")), "\"1048575\" is out of range / allowed is 1MiB to 1GiB");
  EXPECT_EQ(complaint("size", text("1073741825")),
            "\"1073741825\" is out of range / allowed is 1MiB to 1GiB");
  EXPECT_EQ(complaint("time", text("999ms")), "\"999ms\" is out of range / allowed is at least 1s");
  EXPECT_TRUE(read("port", integer(65535)).good);
  EXPECT_EQ(complaint("port", integer(65536)), "65536 is out of range / allowed is 0 to 65535");
  EXPECT_EQ(complaint("port", integer(-1)), "-1 is out of range / allowed is 0 to 65535");
  EXPECT_EQ(complaint("score", {.value = 100.5, .source = {0, 7}}),
            "100.5 is out of range / allowed is 0.0 to 100.0");
}

TEST(Options, hold_ranges_inside_optionals_lists_variants_and_maps) {
  EXPECT_TRUE(read("limit", integer(100)).good);
  EXPECT_EQ(complaint("limit", integer(101)), "101 is out of range / allowed is 1 to 100");
  EXPECT_EQ(complaint("use", list({integer(0), integer(1024)})),
            "1024 is out of range / allowed is at most 1023");
  EXPECT_EQ(complaint("intervals", list({text("5m"), text("25h")})),
            "\"1d1h\" is out of range / allowed is 1s to 1d");
  OptionValue weights = table({{"a", integer(-1)}});
  weights.source.line = 7;
  EXPECT_EQ(complaint("weights", weights), "-1 is out of range / allowed is 0 to 100");
  EXPECT_TRUE(read("words", list({text("a"), text("b"), text("c")})).good);
  EXPECT_EQ(complaint("words", list({text("a"), text("b"), text("c"), text("d")})),
            "has 4 items / allowed are 3");
}

TEST(Options, name_the_choices_and_the_nearest) {
  EXPECT_EQ(complaint("wait", text("adaptve")),
            "\"adaptve\" is not one of the choices / did you mean \"adaptive\"? allowed: \"sleep\" | "
            "\"adaptive\" | \"busy_poll\"");
  EXPECT_EQ(complaint("backend", text("kqueue")),
            "\"kqueue\" is not one of the choices / allowed: \"auto\" | \"uring\" | \"epoll\"");
}

}  // namespace
}  // namespace ringpost
