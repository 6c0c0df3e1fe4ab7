// What the command line takes, and what it does not: numbers, times, places, and options that go together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_arguments.hpp"
#include "sink_arguments.hpp"
#include "smtp_arguments.hpp"

namespace ringpost::loadgen {
namespace {

using testing::HasSubstr;

// What is wrong with `words`; empty: nothing.
template <class Options, class Add>
std::string wrong_with(std::vector<std::string> words, Add add) {
  CLI::App app;
  Options options;
  add(app, options);
  std::ranges::reverse(words);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return complaint(options);
}
std::string smtp(std::vector<std::string> words) {
  words.insert(words.begin(), {"--to", "127.0.0.1:25"});
  return wrong_with<SmtpOptions>(std::move(words), add_smtp);
}
std::string sink(std::vector<std::string> words) {
  words.insert(words.begin(), {"--listen", "127.0.0.1:0"});
  return wrong_with<SinkOptions>(std::move(words), add_sink);
}

TEST(SmtpArguments, take_what_can_be_done) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"--rate", "100", "--spacing", "poisson"},
                                             {"--ramp", "0..100", "--duration", "2s"},
                                             {"--search-p99", "50ms", "--rate", "10"},
                                             {"--search-p99", "1min", "--messages", "10"},
                                             {"--retry", "2", "--retry-after", "0s"},
                                             {"--domains", "3", "--recipient-domain", "a.test"},
                                             {"--cores", "0"}})
    EXPECT_EQ(smtp(words), "") << testing::PrintToString(words);
}

TEST(SmtpArguments, refuse_what_would_mean_something_else) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> all{
      {{"--rate", "0"}, "a rate above 0 is wanted"},
      {{"--duration", "0s"}, "a time above 0 is wanted"},
      {{"--timeout", "0s"}, "a time above 0 is wanted"},
      {{"--search-p99", "0s"}, "a time above 0 is wanted"},
      {{"--search-p99", "10s"}, "could not be missed within steps of 10s"},
      {{"--search-p99", "2s", "--duration", "1s"}, "could not be missed within steps of 1s"},
      {{"--spacing", "poisson"}, "--spacing needs --rate or --ramp or --search-p99"},
      {{"--rate", "5", "--ramp", "1..5", "--duration", "1s"}, "--rate and --ramp exclude each other"},
      {{"--ramp", "1..5"}, "--ramp needs --duration"},
      {{"--retry-after", "1s"}, "--retry-after needs --retry"},
      {{"--tls-resume"}, "--tls-resume needs --tls"},
      {{"--recipient", "a@b.test", "--domains", "5"}, "--recipient and --domains exclude each other"},
      {{"--recipient", "a@b.test", "--recipients", "5"}, "--recipient and --recipients exclude each other"},
      {{"--messages", "-1"}, "\"-1\" is no whole number from 0"},
      {{"--messages", "99999999999999999999999"}, "is no whole number from 0"},
      {{"--messages", "5x"}, "is no whole number from 0"},
      {{"--connections", "0"}, "is no whole number from 1 to 50000"},
      {{"--cores", "0,0"}, "CPU 0 is there twice"},
      {{"--cores", "4095", "--no-pin"}, "this machine has no CPU 4095"},
      {{"--cores", "1-0"}, "the larger number comes second"}};
  for (const auto& [words, said] : all)
    EXPECT_THAT(smtp(words), HasSubstr(said)) << testing::PrintToString(words);
}

TEST(SmtpArguments, a_port_is_one) {
  for (const std::string to : {"host:70000", "127.0.0.1:0", "host:", "host", ":25", "host:-1"})
    EXPECT_NE(wrong_with<SmtpOptions>({"--to", to}, add_smtp), "") << to;
  for (const std::string to : {"host:65535", "[::1]:25", "127.0.0.1:1", "mx.example.org:smtp"})
    EXPECT_EQ(wrong_with<SmtpOptions>({"--to", to}, add_smtp), "") << to;
}

TEST(SinkArguments, refuse_what_would_do_nothing) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> all{
      {{"--tls-required"}, "--tls-required needs --tls"},
      {{"--tls-required", "--tls", "none"}, "--tls-required needs --tls starttls"},
      {{"--reject-4xx", "nan"}, "is no share from 0 to 1"},
      {{"--reject-4xx", "0.6", "--reject-5xx", "0.6"}, "together at most 1"},
      {{"--drop", "1.5"}, "is no share from 0 to 1"},
      {{"--message-rate", "0/s"}, "a rate above 0 is wanted"},
      {{"--max-connections", "-1"}, "is no whole number from 0"},
      {{"--greylist-reply", "451 later"}, "--greylist-reply needs --greylist"},
      {{"--storm-reply", "451 later"}, "--storm-reply needs --storm"},
      {{"--greylist", "1s", "--greylist-reply", "451 a\r\n250 b"}, "one line without controls"},
      {{"--dns", "127.0.0.1:0"}, "--dns needs --domains"},
      {{"--domains", "example.org", "--dns-ttl", "5"}, "--dns-ttl needs --dns"},
      {{"--dns", "127.0.0.1:0", "--domains", "*.*.x"}, "is no domain"},
      {{"--dns", "127.0.0.1:0", "--domains", "a.*.x"}, "is no domain"},
      {{"--duration", "0s"}, "a time above 0 is wanted"},
      {{"--listen", "127.0.0.1:2600", "--listen", "127.0.0.1:2600"}, "127.0.0.1:2600 is there twice"}};
  for (const auto& [words, said] : all)
    EXPECT_THAT(sink(words), HasSubstr(said)) << testing::PrintToString(words);
  EXPECT_EQ(sink({"--listen", "127.0.0.1:0", "--tls", "starttls", "--tls-required"}), "");
  EXPECT_EQ(sink({"--reject-4xx", "0.5", "--reject-5xx", "0.5", "--reject-5xx-reply", "550 5.1.1 No"}), "");
}

TEST(Personas, are_refused_at_the_line_of_the_key) {
  const auto wrong = [](std::string_view text) {
    const auto personas = parse_personas(text, "p.toml");
    return personas ? std::string("nothing") : personas.error().text;
  };
  const std::string begin = "[persona.a]\nlisten = \"127.0.1.1\"\n";
  EXPECT_THAT(wrong(begin + "drop = 0.1\nmax_connections = -1\n"), testing::StartsWith("p.toml:4: "));
  EXPECT_THAT(wrong(begin + "message_rate = \"0/s\"\n"), testing::StartsWith("p.toml:3: "));
  EXPECT_THAT(wrong(begin + "tls_required = true\n"), HasSubstr("--tls-required needs --tls"));
  EXPECT_THAT(wrong(begin + "reject_4xx = 0.7\nreject_5xx = 0.7\n"), HasSubstr("together at most 1"));
  EXPECT_THAT(wrong(begin + "domains = [\"*.*.x\"]\n"), testing::StartsWith("p.toml:3: "));
  SinkOptions options;
  options.listen = {{IpAddress::loopback(), 2600}};
  options.personas = *parse_personas(begin + "[persona.b]\nlisten = \"127.0.1.1\"\n", "p.toml");
  EXPECT_EQ(complaint(options), "127.0.1.1:2600 is there twice");
}

}  // namespace
}  // namespace ringpost::loadgen
