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
            "is the text \"*\", and the type is table / write it as { domain = \"text\" }");
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

struct Strict {
  std::string name;
  std::vector<std::string> items;
  Named<Match> routes;
};
const OptionTable& option_table(const Strict*) {
  static const OptionTable table = options_of<Strict>(
      "strict", "Must be set.",
      {field<&Strict::name>("name", "A name.", required(), example("\"mx\""),
                            checked([](const std::string& name) -> std::optional<OptionComplaint> {
                              if (name.find(' ') == std::string::npos) return std::nullopt;
                              return OptionComplaint{"has a space", "use a dash"};
                            })),
       field<&Strict::items>("items", "Items.", not_empty()), field<&Strict::routes>("routes", "Routes.")});
  return table;
}
std::vector<OptionProblem> strict_problems(OptionValue::Table entries, OptionReader::Settings settings = {}) {
  Strict options;
  OptionReader reader(std::move(settings));
  option_table(&options).read(&options, table(std::move(entries)), reader);
  return reader.take_problems();
}

TEST(Options, ask_for_what_is_required_unless_parts_are_missing) {
  const auto problems = strict_problems({});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].key, "name");
  EXPECT_EQ(problems[0].source.line, 6U);
  EXPECT_EQ(problems[0].mend, "add name = \"mx\"");
  EXPECT_TRUE(strict_problems({}, {.complete = false}).empty());
}

TEST(Options, refuse_by_a_check_of_their_own_and_when_empty) {
  EXPECT_EQ(strict_problems({{"name", text("a b")}}).at(0).mend, "use a dash");
  EXPECT_EQ(strict_problems({{"name", text("a")}, {"items", list({})}}).at(0).message, "is empty");
  EXPECT_EQ(strict_problems({{"name", text("a\r\nb")}}).at(0).message,
            "has a control character or a line break");
}

TEST(Options, name_unknown_keys_with_the_whole_way_to_them) {
  const auto problems = strict_problems({{"name", text("a")},
                                         {"routes", table({{"x.y", table({{"domian", text("b")}})}})},
                                         {"zzzzzz", table({})}});
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].key, "routes.\"x.y\".domian");
  EXPECT_EQ(problems[0].mend, "did you mean \"domain\"?");
  EXPECT_EQ(problems[1].message, "unknown table");
  EXPECT_EQ(problems[1].mend, "known here: name, items, routes");
}

TEST(Options, leave_a_member_alone_when_its_value_is_wrong) {
  EXPECT_EQ(read("size", text("x")).options.size, 16_MiB);
  EXPECT_TRUE(read("listen", list({text("[::]:25"), text("x")})).options.listen.empty());
}

TEST(Options, report_what_contradicts_at_the_line_of_the_key) {
  Everything options;
  OptionReader reader;
  OptionValue off = integer(0);
  off.source.line = 9;
  EXPECT_FALSE(
      option_table(&options).read(&options, table({{"flag", {.value = true}}, {"port", off}}), reader));
  const auto problems = reader.take_problems();
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].key, "port");
  EXPECT_EQ(problems[0].source.line, 9U);
}

TEST(Options, accept_what_only_earns_a_warning) {
  const Read result = read("score", {.value = 99.5});
  EXPECT_TRUE(result.good);
  ASSERT_EQ(result.problems.size(), 1U);
  EXPECT_TRUE(result.problems[0].warning);
}

TEST(Options, remember_who_set_each_key) {
  Everything options;
  OptionReader reader;
  option_table(&options).read(
      &options, table({{"port", integer(1)}, {"routes", table({{"x", table({{"domain", text("d")}})}})}}),
      reader);
  EXPECT_EQ(reader.sources().at("port").line, 7U);
  EXPECT_EQ(reader.sources().at("routes.x.domain").line, 7U);
  EXPECT_FALSE(reader.sources().contains("flag"));
}

TEST(Options, write_what_they_read) {
  Everything options;
  options.routes["x"].domain = "d";
  options.layered.unset = true;
  options.space = 10_GiB;
  options.weights["a"] = 3;
  const OptionValue written = option_table(&options).write(&options);
  EXPECT_EQ(written.find("limit"), nullptr);
  EXPECT_EQ(to_toml(*written.find("routes")), "{ x = { domain = \"d\" } }");
  Everything again;
  OptionReader reader;
  EXPECT_TRUE(option_table(&again).read(&again, written, reader));
  EXPECT_EQ(to_toml(option_table(&again).write(&again)), to_toml(written));
}

TEST(Options, visit_each_leaf_with_its_dotted_key) {
  Everything options;
  options.routes["x.y"];
  std::vector<std::string> keys;
  option_table(&options).visit(
      &options, "top", [&](const std::string& key, const OptionField&, const void*) { keys.push_back(key); });
  EXPECT_EQ(keys.front(), "top.flag");
  EXPECT_NE(std::find(keys.begin(), keys.end(), "top.match.domain"), keys.end());
  EXPECT_NE(std::find(keys.begin(), keys.end(), "top.routes.\"x.y\".tenant"), keys.end());
  EXPECT_EQ(std::find(keys.begin(), keys.end(), "top.routes"), keys.end());
}

TEST(OptionValue, prints_as_toml_and_json) {
  const OptionValue value = table({{"a b", text("q\"\\\n\x01")},
                                   {"n", {.value = 2.0}},
                                   {"l", list({integer(-1), {.value = false}})},
                                   {"u", {}},
                                   {"e", table({})}});
  EXPECT_EQ(to_toml(value),
            "{ \"a b\" = \"q\\\"\\\\\\n\\u0001\", n = 2.0, l = [-1, false], u = \"unset\", e = {} }");
  EXPECT_EQ(to_json(value),
            "{\"a b\": \"q\\\"\\\\\\n\\u0001\", \"n\": 2.0, \"l\": [-1, false], \"u\": null, \"e\": {}}");
}

TEST(Nearest, finds_slips_and_swaps_but_nothing_far) {
  EXPECT_EQ(nearest("hostnme", {"origin", "hostname"}), "hostname");
  EXPECT_EQ(nearest("Hostname", {"origin", "hostname"}), "hostname");
  EXPECT_EQ(nearest("sue", {"use"}), "use");
  EXPECT_EQ(nearest("abc", {"use"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), {"use"}), "");
}

TEST(Choice, has_a_name_both_ways) {
  EXPECT_EQ(choice_name(Wait::busy_poll), "busy_poll");
  EXPECT_EQ(choice_named<Wait>("sleep"), Wait::sleep);
  EXPECT_EQ(choice_named<Wait>("nap"), std::nullopt);
}

}  // namespace
}  // namespace ringpost
