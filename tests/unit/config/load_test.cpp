#include "unit/config/sample_options.hpp"

namespace ringpost::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kGood = R"(
[server]
hostname = "mx1.example.com"
[cores]
use = [0, 2]
[tls]
certificate = "tls/fullchain.pem"
session_lifetime = "2h"
sni."mail.example.net" = { certificate = "tls/net.pem", key = "/keys/net.key" }
[listener.mx]
address = ["0.0.0.0:25", "[::]:25"]
connection_limit = 20_000
[listener.submissions]
address = ["[::]:465"]
tls = "implicit"
[retry]
intervals = { first = "30m", factor = 3 }
[shaping.default]
connection_limit = 20
[shaping.domain."example.org"]
connection_limit = "unset"
message_rate = "600/min"
source.a1.connection_limit = 3
[pool.bulk]
weights = { a1 = 20, a2 = 80 }
)";

TEST(Load, fills_every_registered_struct) {
  Everything options;
  EXPECT_THAT(findings_of(kGood, &options), IsEmpty());
  EXPECT_EQ(options.server.hostname, "mx1.example.com");
  EXPECT_EQ(std::get<1>(options.cores.use), (std::vector<unsigned>{0, 2}));
  EXPECT_EQ(options.tls.session_lifetime, 2h);
  EXPECT_EQ(options.listener.size(), 2U);
  EXPECT_EQ(options.listener.at("mx").address.at(1), *parse_endpoint("[::]:25"));
  EXPECT_EQ(options.listener.at("mx").connection_limit, 20'000U);
  EXPECT_EQ(options.listener.at("submissions").tls, TlsUse::implicit);
  EXPECT_EQ(std::get<Backoff>(options.retry.intervals).first, 30min);
  EXPECT_EQ(options.shaping.everyone.connection_limit.value, 20U);
  const Limits& inner = options.shaping.domain.at("example.org");
  EXPECT_TRUE(inner.connection_limit.unset);
  EXPECT_EQ(inner.message_rate.value, (Rate{600, 1min}));
  EXPECT_EQ(inner.source.at("a1").connection_limit.value, 3U);
  EXPECT_EQ(options.pool.at("bulk").weights, (Named<unsigned>{{"a1", 20}, {"a2", 80}}));
}

TEST(Load, completes_relative_paths_with_the_folder_of_their_file) {
  Everything options;
  const Disk disk{
      {{kMain,
        "include = [\"conf.d/*.toml\"]\n[server]\nhostname = \"a\"\n[tls]\ncertificate = \"tls/a.pem\"\n"},
       {"/etc/ringpost/conf.d/sni.toml",
        "[tls]\nsni.b = { certificate = \"b.pem\", key = \"/k/b.key\" }\n"}}};
  EXPECT_TRUE(load(options.schema(), kMain, disk.loader(), disk.glob()).ok());
  EXPECT_EQ(options.tls.certificate.text, "/etc/ringpost/tls/a.pem");
  EXPECT_EQ(options.tls.sni.at("b").certificate.text, "/etc/ringpost/conf.d/b.pem");
  EXPECT_EQ(options.tls.sni.at("b").key.text, "/k/b.key");
}

// Ten broken configurations; each answer names file, line, key, what is wrong and the mend.
TEST(BrokenConfiguration, unknown_key_is_answered_with_the_nearest) {
  EXPECT_THAT(
      findings_of("[server]\nhostnme = \"a\"\n"),
      ElementsAre("ringpost.toml:1: error: server.hostname: is not set and has no default; add hostname = "
                  "\"mx1.example.com\"",
                  "ringpost.toml:2: error: server.hostnme: unknown key; did you mean \"hostname\"?"));
}
TEST(BrokenConfiguration, unknown_table_is_answered_with_the_nearest) {
  EXPECT_THAT(findings_of("[server]\nhostname = \"a\"\n[listeners.mx]\naddress = [\"0.0.0.0:25\"]\n"),
              ElementsAre("ringpost.toml:3: error: listeners: unknown table; did you mean [listener]?"));
}
TEST(BrokenConfiguration, wrong_type_is_answered_with_the_right_spelling) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\n[listener.mx]\naddress = \"0.0.0.0:25\"\n"),
      ElementsAre(
          "ringpost.toml:4: error: listener.mx.address: is the text \"0.0.0.0:25\", and the type is list "
          "of addresses with port; write it as [\"0.0.0.0:25\"]"));
}
TEST(BrokenConfiguration, bad_unit_is_answered_with_an_example) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\n\n[cores]\nreceive_buffers = \"16 megs\"\n"),
      ElementsAre("ringpost.toml:5: error: cores.receive_buffers: \"16 megs\" is not a size; write it as "
                  "\"64MiB\" or \"10GB\""));
}
TEST(BrokenConfiguration, value_out_of_range_is_answered_with_the_range) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\n[cores]\nreceive_buffers = \"2GiB\"\n"),
      ElementsAre(
          "ringpost.toml:4: error: cores.receive_buffers: \"2GiB\" is out of range; allowed is 1MiB to "
          "1GiB"));
}
TEST(BrokenConfiguration, wrong_choice_is_answered_with_the_choices) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\n[listener.mx]\naddress = [\"[::]:25\"]\ntls = \"starttls\"\n"),
      ElementsAre("ringpost.toml:5: error: listener.mx.tls: \"starttls\" is not one of the choices; allowed: "
                  "\"none\" | \"offered\" | \"required\" | \"implicit\""));
}
TEST(BrokenConfiguration, text_without_quotes_is_answered_with_the_quoted_line) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = mx1.example.com\norigin = \"b\"\n"),
      ElementsAre(testing::AllOf(HasSubstr("ringpost.toml:2: error: server.hostname: is not TOML: "),
                                 HasSubstr("; put the value in quotes: hostname = \"mx1.example.com\""))));
}
TEST(BrokenConfiguration, key_set_twice_is_answered_with_both_lines) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\norigin = \"b\"\nhostname = \"c\"\n"),
      ElementsAre(
          "ringpost.toml:4: error: server.hostname: is set a second time; the first is in line 2; keep "
          "one of the two"));
}
TEST(BrokenConfiguration, table_without_its_name_is_answered_with_the_header) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\n[listener]\naddress = [\"[::]:25\"]\n"),
      ElementsAre(
          "ringpost.toml:4: error: listener.address: stands in a table without a name; give the table "
          "one: [listener.NAME]"));
}
TEST(BrokenConfiguration, contradiction_is_answered_by_the_check_of_the_table) {
  EXPECT_THAT(
      findings_of(
          "[server]\nhostname = \"a\"\n[listener.mx]\naddress = [\"[::]:25\"]\nconnection_limit = 10\n"),
      ElementsAre(
          "ringpost.toml:3: error: listener.mx.client_connection_limit: is over the limit of the listener; "
          "lower it to connection_limit"));
}
TEST(BrokenConfiguration, postfix_name_is_answered_with_ours) {
  EXPECT_THAT(findings_of("[server]\nhostname = \"a\"\nsmtpd_banner = \"x\"\n"),
              ElementsAre("ringpost.toml:3: error: server.smtpd_banner: unknown key; the option is "
                          "listener.NAME.banner"));
}
TEST(BrokenConfiguration, key_above_all_tables_is_answered_with_its_table) {
  EXPECT_THAT(findings_of("hostname = \"a\"\n[server]\nhostname = \"a\"\n"),
              ElementsAre("ringpost.toml:1: error: hostname: unknown key; the option is server.hostname"));
}
TEST(BrokenConfiguration, name_with_a_space_is_refused) {
  EXPECT_THAT(
      findings_of("[server]\nhostname = \"a\"\n[listener.\"m x\"]\naddress = [\"[::]:25\"]\n"),
      ElementsAre(
          "ringpost.toml:3: error: listener.\"m x\": is no name for a table; use 1 to 64 letters, digits "
          "and - _ . @"));
}

TEST(Load, reports_every_error_of_a_file_in_order) {
  const auto found = findings_of(R"([server]
hostname = "a"
origin = example.com
[cores]
receive_buffers = 16
use = "none"
[listener.mx]
address = ["0.0.0.0", "[::]:70000"]
tls = "off"
[lisener.x]
)");
  ASSERT_EQ(found.size(), 7U) << testing::PrintToString(found);
  EXPECT_THAT(found[0], HasSubstr(":3: error: server.origin: is not TOML"));
  EXPECT_THAT(found[1], HasSubstr(":5: error: cores.receive_buffers: is the integer 16"));
  EXPECT_THAT(found[2], HasSubstr(":6: error: cores.use: is the text \"none\""));
  EXPECT_THAT(found[3],
              HasSubstr(":8: error: listener.mx.address: \"0.0.0.0\" is not an address with a port"));
  EXPECT_THAT(found[4],
              HasSubstr(":8: error: listener.mx.address: \"[::]:70000\" is not an address with a port"));
  EXPECT_THAT(found[5], HasSubstr(":9: error: listener.mx.tls: \"off\""));
  EXPECT_THAT(found[6], HasSubstr(":10: error: lisener: unknown table; did you mean [listener]?"));
}

TEST(Load, asks_for_a_required_key_of_an_absent_table_but_for_no_named_one) {
  EXPECT_THAT(
      findings_of(""),
      ElementsAre("ringpost.toml: error: server.hostname: is not set and has no default; add hostname = "
                  "\"mx1.example.com\""));
}

TEST(Load, does_not_call_a_key_missing_that_a_syntax_error_hides) {
  EXPECT_THAT(findings_of("[server]\nhostname = \"a\n"),
              ElementsAre(HasSubstr(":2: error: server.hostname: is not TOML")));
}

TEST(Load, tells_about_a_main_file_that_cannot_be_read) {
  Everything options;
  const Disk disk;
  const Loaded loaded = load(options.schema(), kMain, disk.loader(), disk.glob());
  EXPECT_FALSE(loaded.ok());
  EXPECT_THAT(texts(loaded),
              ElementsAre("ringpost.toml: error: cannot be read: No such file or directory; check that "
                          "ringpost.toml exists and that this user may read it"));
}

TEST(Load, runs_checks_over_all_tables_only_when_each_is_right) {
  const auto run = [](const std::string& text) {
    Everything options;
    Schema schema = options.schema();
    schema.check([&](CrossReport& report) {
      for (const auto& [name, pool] : options.pool)
        if (!pool.spill_to.empty() && !options.pool.contains(pool.spill_to))
          report.error("pool." + name + ".spill_to", "names no pool", "add [pool." + pool.spill_to + "]");
    });
    const Disk disk{{{kMain, text}}};
    return texts(load(schema, kMain, disk.loader(), disk.glob()));
  };
  EXPECT_THAT(run("[server]\nhostname = \"a\"\n[pool.bulk]\nspill_to = \"spare\"\n"),
              ElementsAre("ringpost.toml:4: error: pool.bulk.spill_to: names no pool; add [pool.spare]"));
  EXPECT_THAT(run("[server]\nhostname = 1\n[pool.bulk]\nspill_to = \"spare\"\n"),
              ElementsAre(HasSubstr("server.hostname")));
}

TEST(Include, merges_tables_over_files) {
  Everything options;
  const Disk disk{
      {{kMain, "include = [\"conf.d/*.toml\"]\n[server]\nhostname = \"a\"\n[listener.mx]\nbanner = \"b\"\n"},
       {"/etc/ringpost/conf.d/1.toml", "[listener.mx]\naddress = [\"[::]:25\"]\n"},
       {"/etc/ringpost/conf.d/2.toml", "[server]\norigin = \"o\"\n"}}};
  const Loaded loaded = load(options.schema(), kMain, disk.loader(), disk.glob());
  EXPECT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(options.listener.at("mx").banner, "b");
  EXPECT_EQ(options.listener.at("mx").address.size(), 1U);
  EXPECT_EQ(options.server.origin, "o");
  EXPECT_EQ(loaded.place_of("server.origin"), "/etc/ringpost/conf.d/2.toml:2");
  EXPECT_EQ(loaded.place_of("listener.mx.tls"), "default");
}

TEST(Include, names_both_places_of_a_key_set_twice) {
  Everything options;
  const Disk disk{{{kMain, "include = [\"conf.d/*\"]\n[server]\nhostname = \"a\"\n"},
                   {"/etc/ringpost/conf.d/1.toml", "\n[server]\nhostname = \"b\"\n"}}};
  EXPECT_THAT(texts(load(options.schema(), kMain, disk.loader(), disk.glob())),
              ElementsAre("conf.d/1.toml:3: error: server.hostname: is set a second time; the first is in "
                          "ringpost.toml:3; keep one of the two"));
  EXPECT_EQ(options.server.hostname, "a");
}

TEST(Include, refuses_a_file_that_includes_itself) {
  EXPECT_THAT(
      findings_of("include = [\"*\"]\n[server]\nhostname = \"a\"\n"),
      ElementsAre("ringpost.toml:1: error: include: ringpost.toml is included already; name it once"));
}

TEST(Include, must_be_a_list_of_paths_and_a_pattern_that_can_be_searched) {
  EXPECT_THAT(
      findings_of("include = \"conf.d\"\n[server]\nhostname = \"a\"\n"),
      ElementsAre(HasSubstr(":1: error: include: is the text \"conf.d\", and the type is list of paths")));
  EXPECT_THAT(findings_of("include = [\"?\"]\n[server]\nhostname = \"a\"\n"),
              ElementsAre("ringpost.toml:1: error: include: cannot be searched: bad pattern; correct ?"));
}

TEST(Include, takes_no_more_files_than_the_limit) {
  const auto count_errors = [](std::size_t included) {
    Everything options;
    Disk disk{{{kMain, "include = [\"conf.d/*\"]\n[server]\nhostname = \"a\"\n"}}};
    for (std::size_t i = 0; i < included; ++i) disk.files["/etc/ringpost/conf.d/" + std::to_string(i)] = "";
    return texts(load(options.schema(), kMain, disk.loader(), disk.glob())).size();
  };
  EXPECT_EQ(count_errors(255), 0U);
  EXPECT_EQ(count_errors(256), 1U);
}

TEST(Findings, print_as_json) {
  EXPECT_EQ(to_json(std::vector<Finding>{}), "[]\n");
  EXPECT_EQ(to_json(std::vector<Finding>{{Severity::warning, "a\"b", 3, "k", "m", "n"}}),
            "[\n  {\"severity\": \"warning\", \"file\": \"a\\\"b\", \"line\": 3, \"key\": \"k\", "
            "\"message\": \"m\", "
            "\"mend\": \"n\"}\n]\n");
}

}  // namespace
}  // namespace ringpost::config
