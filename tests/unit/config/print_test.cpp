#include "ringpost/config/print.hpp"

#include "unit/config/sample_options.hpp"

namespace ringpost::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Reference, lists_each_key_with_type_default_and_range) {
  Everything options;
  const std::string page = reference(options.schema());
  EXPECT_THAT(page, HasSubstr("## [cores]\n\nOne pinned thread and one spool shard each.\n\n"));
  EXPECT_THAT(
      page,
      HasSubstr("| `use` | \"all\", or list of integers | `\"all\"` | Which CPUs to run on. A change needs "
                "a restart. |\n"));
  EXPECT_THAT(
      page,
      HasSubstr("| `receive_buffers` | size | `\"16MiB\"` | Receive buffers of each core. Allowed: 1MiB to "
                "1GiB. |\n"));
  EXPECT_THAT(
      page,
      HasSubstr("| `hostname` | text | required | Name in EHLO and Received. Postfix: `myhostname`. |\n"));
  EXPECT_THAT(page, HasSubstr("## [listener.NAME]\n"));
  EXPECT_THAT(
      page,
      HasSubstr("| `tls` | \"none\" \\| \"offered\" \\| \"required\" \\| \"implicit\" | `\"offered\"` |"));
  EXPECT_THAT(page, HasSubstr("| `sni.NAME.key` | path | required |"));
  EXPECT_THAT(page, HasSubstr("| `session_lifetime` | duration | unset |"));
  EXPECT_THAT(page,
              HasSubstr("| `intervals` | list of durations, or { first, factor } | `[\"5m\", \"15m\"]` |"));
  EXPECT_THAT(page, HasSubstr("| `default.connection_limit` | integer, or \"unset\" | unset |"));
  EXPECT_THAT(page, HasSubstr("| `weights` | table of name = integer | `{}` |"));
}

TEST(WaitingForRestart, names_what_a_reload_cannot_change_and_nothing_else) {
  Everything running, fresh;
  EXPECT_THAT(waiting_for_restart(running.schema(), fresh.schema()), IsEmpty());
  fresh.server.hostname = "other.example.com";
  EXPECT_THAT(waiting_for_restart(running.schema(), fresh.schema()), IsEmpty());
  fresh.cores.use = std::vector<unsigned>{1};
  EXPECT_THAT(waiting_for_restart(running.schema(), fresh.schema()), testing::ElementsAre("cores.use"));
}

TEST(Reference, is_the_same_whatever_the_structs_hold) {
  Everything fresh;
  Everything loaded;
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\norigin = \"b\"\n[listener.mx]\naddress = [\"[::]:25\"]\n",
                  &loaded),
      IsEmpty());
  EXPECT_EQ(reference(fresh.schema()), reference(loaded.schema()));
}

TEST(Reference, ends_at_a_table_that_holds_its_own_kind) {
  Everything options;
  const std::string page = reference(options.schema());
  EXPECT_THAT(page, HasSubstr("`domain.NAME.source.NAME`"));
  EXPECT_THAT(page, Not(HasSubstr("`domain.NAME.source.NAME.source")));
}

constexpr const char* kText =
    "[server]\nhostname = \"a\"\n\n[cores]\nuse = [0]\n[tls]\nsni.\"b.example\" = { certificate = \"c\", key "
    "= \"k\" }\n"
    "[listener.mx]\naddress = [\"[::]:25\"]\n[shaping.domain.\"x.org\"]\nconnection_limit = \"unset\"\n"
    "[pool.bulk]\nweights = { a1 = 20 }\n";

Loaded load_text(const std::string& text, Everything& options) {
  const Disk disk{{{kMain, text}}};
  return load(options.schema(), kMain, disk.loader(), disk.glob());
}

TEST(Show, names_the_line_that_set_a_value) {
  Everything options;
  const Loaded loaded = load_text(kText, options);
  const std::string text = show(options.schema(), loaded);
  const auto line_of = [&](std::string_view start) {
    const auto at = text.find("\n" + std::string(start));
    return at == std::string::npos ? "none" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  };
  EXPECT_THAT(line_of("hostname"), HasSubstr("hostname = \"a\"  "));
  EXPECT_THAT(line_of("hostname"), HasSubstr("# /etc/ringpost/ringpost.toml:2"));
  EXPECT_THAT(line_of("origin"), HasSubstr("# default"));
  EXPECT_THAT(line_of("use = [0]"), HasSubstr("ringpost.toml:5"));
  EXPECT_THAT(line_of("sni.\"b.example\".key = \"/etc/ringpost/k\""), HasSubstr("ringpost.toml:7"));
  EXPECT_THAT(line_of("address"), HasSubstr("ringpost.toml:9"));
  EXPECT_THAT(line_of("# session_lifetime is unset"), HasSubstr("# default"));
}

TEST(Show, reads_back_as_the_same_configuration) {
  Everything first;
  const Loaded loaded = load_text(kText, first);
  ASSERT_TRUE(loaded.ok());
  Everything second;
  const Loaded again = load_text(show(first.schema(), loaded), second);
  EXPECT_THAT(texts(again), IsEmpty());
  EXPECT_EQ(second.tls.sni.at("b.example").key.text, "/etc/ringpost/k");
  EXPECT_TRUE(second.shaping.domain.at("x.org").connection_limit.unset);
  EXPECT_FALSE(second.shaping.domain.at("x.org").message_rate.said());
  EXPECT_EQ(second.pool.at("bulk").weights.at("a1"), 20U);
  EXPECT_EQ(show(first.schema(), Loaded{}), show(second.schema(), Loaded{}));
}

TEST(Show, prints_json_with_file_and_line) {
  Everything options;
  const Loaded loaded = load_text(kText, options);
  const std::string json = show_json(options.schema(), loaded);
  EXPECT_THAT(json, HasSubstr("{\"key\": \"server.hostname\", \"value\": \"a\", \"file\": "
                              "\"/etc/ringpost/ringpost.toml\", \"line\": 2}"));
  EXPECT_THAT(
      json,
      HasSubstr("{\"key\": \"server.origin\", \"value\": \"example.com\", \"file\": null, \"line\": null}"));
  EXPECT_THAT(json, HasSubstr("{\"key\": \"tls.session_lifetime\", \"value\": null, "));
  EXPECT_THAT(json, HasSubstr("{\"key\": \"pool.bulk.weights\", \"value\": {\"a1\": 20}, "));
}

TEST(Sample, works_and_names_every_key) {
  Everything options;
  const std::string text = sample(options.schema(), "Made for a test.\nEdit it.",
                                  {{"server", "hostname", "\"mx1.example.com\""},
                                   {"listener.mx", "address", "[\"0.0.0.0:25\"]"},
                                   {"listener.submissions", "address", "[\"[::]:465\"]"},
                                   {"listener.submissions", "tls", "\"implicit\""}});
  EXPECT_TRUE(text.starts_with("# Made for a test.\n# Edit it.\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "\n[server]\nhostname = \"mx1.example.com\"                  # Name in EHLO and Received.\n"));
  EXPECT_THAT(text, HasSubstr("\n#receive_buffers = \"16MiB\"  "));
  EXPECT_THAT(text, HasSubstr("\n#default.connection_limit = 25  "));
  EXPECT_THAT(text, HasSubstr("\n#[pool.NAME]\n#weights = {}"));
  EXPECT_THAT(text, HasSubstr("\n[listener.submissions]\naddress = [\"[::]:465\"]"));
  Everything read;
  EXPECT_THAT(findings_of(text, &read), IsEmpty());
  EXPECT_EQ(read.listener.at("submissions").tls, TlsUse::implicit);
}

// What stands in the comments is right too: every key can be uncommented as it is.
TEST(Sample, has_comments_that_can_be_uncommented) {
  Everything options;
  std::string text = sample(options.schema(), "",
                            {{"server", "hostname", "\"a\""}, {"listener.mx", "address", "[\"[::]:25\"]"}});
  for (auto at = text.find("\n#"); at != std::string::npos; at = text.find("\n#", at + 1))
    if (text[at + 2] != ' ') text.erase(at + 1, 1);
  Everything read;
  EXPECT_THAT(findings_of(text, &read), testing::Each(HasSubstr("key: is not set")));
  EXPECT_EQ(read.cores.receive_buffers, 16_MiB);
}

TEST(SampleDeathTest, refuses_a_value_for_a_key_that_is_not_there) {
  Everything options;
  EXPECT_DEATH(sample(options.schema(), "", {{"server", "hostnme", "\"a\""}}), "this must hold");
}

}  // namespace
}  // namespace ringpost::config
