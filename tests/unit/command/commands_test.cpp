#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ringpost/io/backend.hpp"
#include "ringpost/spool/spool.hpp"

#include "unit/command/world.hpp"

namespace ringpost::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Commands, every_one_explains_itself_with_an_example) {
  World world;
  const std::vector<std::vector<std::string>> commands{{},
                                                       {"init"},
                                                       {"check"},
                                                       {"serve"},
                                                       {"reload"},
                                                       {"stop"},
                                                       {"status"},
                                                       {"top"},
                                                       {"trace"},
                                                       {"version"},
                                                       {"config", "reference"},
                                                       {"config", "show"},
                                                       {"queue", "summary"},
                                                       {"queue", "list"},
                                                       {"queue", "show"},
                                                       {"queue", "flush"},
                                                       {"queue", "hold"},
                                                       {"queue", "release"},
                                                       {"queue", "bounce"},
                                                       {"queue", "cancel"},
                                                       {"queue", "suspend"},
                                                       {"queue", "resume"},
                                                       {"queue", "directives"},
                                                       {"user", "add"},
                                                       {"user", "passwd"},
                                                       {"user", "quota"},
                                                       {"user", "list"},
                                                       {"user", "delete"},
                                                       {"alias", "add"},
                                                       {"alias", "list"},
                                                       {"alias", "delete"},
                                                       {"spool", "check"},
                                                       {"spool", "stats"},
                                                       {"filter", "check"},
                                                       {"filter", "list"},
                                                       {"filter", "show"},
                                                       {"filter", "compile"},
                                                       {"filter", "test"},
                                                       {"filter", "lint"}};
  for (std::vector<std::string> words : commands) {
    words.push_back("--help");
    EXPECT_EQ(world.run(words), kDone);
    EXPECT_THAT(world.out, HasSubstr("Example:")) << testing::PrintToString(words);
    EXPECT_THAT(world.out, HasSubstr("ringpost ")) << testing::PrintToString(words);
  }
}

TEST(Commands, wrong_usage_is_two_and_says_where_help_is) {
  World world;
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"dance"},
                                                                 {"queue"},
                                                                 {"queue", "list", "--moon"},
                                                                 {"init"},
                                                                 {"queue", "list", "--limit", "0"}}) {
    EXPECT_EQ(world.run(words), kUsage) << testing::PrintToString(words);
    EXPECT_THAT(world.err, HasSubstr("--help"));
  }
}

TEST(Commands, that_need_the_server_end_with_75_when_there_is_none) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  for (const auto& words : std::vector<std::vector<std::string>>{{"status"},
                                                                 {"top"},
                                                                 {"trace"},
                                                                 {"reload"},
                                                                 {"stop"},
                                                                 {"queue", "summary"},
                                                                 {"queue", "list"},
                                                                 {"queue", "flush"},
                                                                 {"queue", "directives"}}) {
    EXPECT_EQ(world.run(words), kUnreachable) << testing::PrintToString(words);
    EXPECT_THAT(world.err, HasSubstr("ringpost serve"));
  }
}

// Who belongs to the group of the socket commands the server; its private key is none of their business.
TEST(Commands, that_need_the_server_work_for_who_may_not_read_its_key) {
  constexpr uid_t kNobody = 65534;
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  ASSERT_EQ(::chmod(world.file("tls/key.pem").c_str(), 0), 0);
  ASSERT_EQ(::chmod(world.file("").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(world.file("tls").c_str(), 0755), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(1);
    ::_exit(world.run({"status"}));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kUnreachable);
}

TEST(Version, is_told_to_people_and_to_programs) {
  World world;
  EXPECT_EQ(world.run({"version"}), kDone);
  EXPECT_THAT(world.out, testing::StartsWith("ringpost "));
  world.run({"version", "--json"});
  EXPECT_THAT(world.out, testing::StartsWith("{\"version\":\""));
}

TEST(Init, writes_a_configuration_that_check_finds_good) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("mail")}), kDone) << world.err;
  EXPECT_THAT(world.out, HasSubstr("ringpost serve --config " + world.file("mail/ringpost.toml")));
  EXPECT_EQ(world.run({"check", world.file("mail/ringpost.toml")}), kDone) << world.out;
  EXPECT_THAT(world.out, HasSubstr("good"));
  EXPECT_EQ(std::filesystem::status(world.file("mail/tls/key.pem")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Init, for_a_host_in_the_world_is_good_too) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("mail"), "--hostname", "mx1.example.com", "--domain", "example.com",
                       "--domain", "example.org"}),
            kDone);
  EXPECT_EQ(world.run({"check", world.file("mail/ringpost.toml")}), kDone) << world.out;
  const std::string text = world.read("mail/ringpost.toml");
  EXPECT_THAT(text, AllOf(HasSubstr("hostname = \"mx1.example.com\""),
                          HasSubstr("local = [\"example.com\", \"example.org\"]"), HasSubstr("0.0.0.0:25")));
}

TEST(Init, overwrites_nothing) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("mail")}), kDone);
  const std::string before = world.read("mail/ringpost.toml");
  EXPECT_EQ(world.run({"init", world.file("mail")}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("is there already"));
  EXPECT_EQ(world.read("mail/ringpost.toml"), before);
  world.write("aliases", "precious");
  EXPECT_EQ(world.run({"init", world.file("")}), kFindings);
  EXPECT_EQ(world.read("aliases"), "precious");
}

TEST(Init, refuses_a_name_that_no_host_has) {
  World world;
  EXPECT_EQ(world.run({"init", world.file("mail"), "--hostname", "mx1 example"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("mx1 example"));
  EXPECT_FALSE(std::filesystem::exists(world.file("mail")));
}

struct Broken {
  const char* toml;
  int line;
  const char* key;
  const char* mend;  // a part of it
};

// Each file is wrong in one way that people are wrong in.
constexpr Broken kBroken[] = {
    {"[server]\nhostnme = \"mx1.example.com\"\n", 2, "server.hostnme", "hostname"},
    {"[listener.mx]\naddress = [\"0.0.0.0\"]\n", 2, "listener.mx.address", "0.0.0.0:25"},
    {"[listener.mx]\naddress = [\"0.0.0.0:25\"]\nmessage_size_limit = \"50 megs\"\n", 3,
     "listener.mx.message_size_limit", "MiB"},
    {"[spool]\nfree_space_min = 10\n", 2, "spool.free_space_min", "\"10%\""},
    {"[listener.mx]\naddress = [\"127.0.0.1:25\"]\ntls = \"maybe\"\n", 3, "listener.mx.tls", "offered"},
    {"[listener.sub]\naddress = [\"127.0.0.1:465\"]\ntls = \"implicit\"\n", 3, "listener.sub.tls",
     "certificate"},
    {"[tls]\ncertificate = \"nothing.pem\"\nkey = \"nothing.key\"\n", 2, "tls.certificate", "PEM"},
    {"[log.mail]\nto = \"mail.log\"\n", 2, "log.mail.to", "file:/var/log"},
    {"[policy]\nrelay_networks = [\"10.0.0.1/8\"]\n", 2, "policy.relay_networks", "10.0.0.0/8"},
    {"[server]\nhostname = \"a.example\"\n[server]\nhostname = \"b.example\"\n", 3, "", "1"},
    {"[retry]\nexpire_after = 5\n", 2, "retry.expire_after", "\"30s\""},
    {"[domains\nlocal = []\n", 1, "", "]"},
};

TEST(Check, names_line_key_and_mend_of_twelve_broken_configurations) {
  for (const Broken& broken : kBroken) {
    World world;
    world.write("ringpost.toml", broken.toml);
    EXPECT_EQ(world.run({"check", world.file("ringpost.toml")}), kFindings) << broken.toml;
    std::stringstream lines(world.out);
    std::string line, found;
    while (std::getline(lines, line))
      if (line.contains(": error: ")) {
        found = line;
        break;
      }
    EXPECT_THAT(found, testing::StartsWith(world.file("ringpost.toml") + ":" + std::to_string(broken.line) +
                                           ": error: "))
        << broken.toml << world.out;
    EXPECT_THAT(found, AllOf(HasSubstr(broken.key), HasSubstr(broken.mend))) << broken.toml;
  }
}

TEST(Check, as_json_is_a_list_of_findings) {
  World world;
  world.write("ringpost.toml", kBroken[0].toml);
  EXPECT_EQ(world.run({"check", "--json", "--config", world.file("ringpost.toml")}), kFindings);
  const auto json = admin::parse_json(world.out);
  ASSERT_TRUE(json) << world.out;
  ASSERT_FALSE(json->list().empty());
  const admin::Json& first = json->list()[0];
  EXPECT_EQ(first["key"].text(), "server.hostnme");
  EXPECT_EQ(first["line"].number(), 2);
  EXPECT_THAT(first["mend"].text(), HasSubstr("hostname"));
}

TEST(Check, looks_into_the_files_that_are_named) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  world.write("aliases", "postmaster: root\nbroken line\n");
  EXPECT_EQ(world.run({"check"}), kFindings);
  EXPECT_THAT(world.out, HasSubstr(world.file("aliases") + ":2: error: domains.aliases"));
  world.write("aliases", "postmaster: root\n");
  world.write("tls/certificate.pem", "-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(world.run({"check"}), kFindings);
  EXPECT_THAT(world.out, HasSubstr("error: tls.certificate"));
}

TEST(Check, warns_of_a_certificate_for_another_host_and_goes_on) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  std::string text = world.read("ringpost.toml");
  text.replace(text.find("hostname = \"localhost\""), 22, "hostname = \"mx9.example.com\"");
  world.write("ringpost.toml", text);
  EXPECT_EQ(world.run({"check"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("warning: tls.certificate"), HasSubstr("mx9.example.com")));
}

TEST(Check, refuses_intervals_between_attempts_that_are_none) {
  for (const char* intervals : {"[]", "[\"0s\"]", "[\"5m\", \"10ms\"]", "[\"3d\"]"}) {
    World world;
    world.write("ringpost.toml", std::string("[retry]\nintervals = ") + intervals + "\n");
    EXPECT_EQ(world.run({"check"}), kFindings) << intervals;
    EXPECT_THAT(world.out, HasSubstr("ringpost.toml:2: error: retry.intervals")) << intervals;
  }
}

TEST(Check, refuses_an_address_that_two_listeners_name) {
  World world;
  world.write("ringpost.toml",
              "[listener.a]\naddress = [\"127.0.0.1:2525\"]\n[listener.b]\n"
              "address = [\"127.0.0.1:2526\", \"127.0.0.1:2525\"]\n");
  EXPECT_EQ(world.run({"check"}), kFindings);
  EXPECT_THAT(world.out, AllOf(HasSubstr("ringpost.toml:4: error: listener.b.address"),
                               HasSubstr("127.0.0.1:2525"), HasSubstr("listener.a")));
  world.write("ringpost.toml", "[listener.a]\naddress = [\"127.0.0.1:2525\", \"127.0.0.1:2525\"]\n");
  EXPECT_EQ(world.run({"check"}), kFindings);
  world.write("ringpost.toml",
              "[listener.a]\naddress = [\"127.0.0.1:0\", \"127.0.0.1:0\", \"[::1]:25\", \"127.0.0.1:25\"]\n");
  EXPECT_EQ(world.run({"check"}), kDone) << world.out;
}

// Each of these would fail at the start, where nobody says which line it was.
TEST(Check, refuses_what_a_start_would_refuse) {
  const std::vector<std::pair<std::string, std::string>> mistakes{
      {"[server]\nuser = \"root\"\n", "server.user"},
      {"[admin]\nsocket = \"/run/" + std::string(110, 's') + "\"\n", "admin.socket"},
      {"[mailboxes]\nlocation = \"maildir:mail/%q\"\n", "mailboxes.location"},
  };
  for (const auto& [text, key] : mistakes) {
    World world;
    world.write("ringpost.toml", text);
    EXPECT_EQ(world.run({"check"}), kFindings) << key;
    EXPECT_THAT(world.out, HasSubstr("ringpost.toml:2: error: " + key)) << key;
  }
}

TEST(Check, of_a_file_that_is_not_there_says_so) {
  World world;
  EXPECT_EQ(world.run({"check", world.file("none.toml")}), kFindings);
  EXPECT_THAT(world.out, HasSubstr("none.toml"));
}

TEST(ConfigShow, says_what_is_in_force_and_who_set_it) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  EXPECT_EQ(world.run({"config", "show"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("hostname = \"localhost\""), HasSubstr("ringpost.toml:")));
  world.run({"config", "show", "--json"});
  EXPECT_TRUE(admin::parse_json(world.out)) << world.out;
}

TEST(ConfigReference, is_the_page_in_the_documentation) {
  World world;
  ASSERT_EQ(world.run({"config", "reference"}), kDone);
  std::ifstream page(RINGPOST_SOURCE_DIR "/docs/configuration.md");
  std::stringstream text;
  text << page.rdbuf();
  EXPECT_EQ(text.str(), world.out)
      << "write it anew: build/dev/src/server/ringpost config reference > docs/configuration.md";
}

TEST(Users, and_aliases_are_kept_while_the_server_is_stopped) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  std::filesystem::create_directories(world.file("state"));
  EXPECT_EQ(world.run({"alias", "add", "info@localhost", "anna@localhost", "bea@example.org"}), kDone)
      << world.err;
  EXPECT_THAT(world.out, HasSubstr("when it starts"));
  EXPECT_EQ(world.run({"alias", "list"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("info@localhost"), HasSubstr("anna@localhost, bea@example.org")));
  EXPECT_EQ(world.run({"alias", "delete", "info@localhost"}), kDone);
  EXPECT_EQ(world.run({"alias", "delete", "info@localhost"}), kFindings);
  EXPECT_EQ(world.run({"user", "delete", "nobody@localhost"}), kFindings);
  EXPECT_EQ(world.run({"alias", "add", "@localhost", "anna@localhost"}), kDone) << world.err;
  EXPECT_EQ(world.run({"alias", "add", "@", "anna@localhost"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("@example.com"));
}

TEST(Users, have_quotas_and_passwords_for_each_device) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  std::filesystem::create_directories(world.file("state"));
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"user", "quota", "nobody"},
                                             {"user", "quota", "nobody", "1GiB"},
                                             {"user", "quota", "nobody", "much"},
                                             {"user", "passwd", "nobody", "--apps"},
                                             {"user", "passwd", "nobody", "--app", "phone"},
                                             {"user", "passwd", "nobody", "--app", "phone", "--delete"}})
    EXPECT_EQ(world.run(arguments), kFindings) << testing::PrintToString(arguments);
  EXPECT_EQ(world.run({"user", "passwd", "nobody", "--delete"}), kUsage);
  EXPECT_EQ(world.run({"user", "passwd", "nobody", "--app", "phone", "--apps"}), kUsage);
}

TEST(Spool, that_is_fresh_is_good_and_empty) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  const auto backend = io::make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend);
  const auto started =
      spool::start_spool((*backend)->files(), {.directory = world.file("spool"), .segment_size = 1_MiB});
  ASSERT_TRUE(started) << started.error().text;
  EXPECT_EQ(world.run({"spool", "check"}), kDone) << world.err;
  EXPECT_THAT(world.out, AllOf(HasSubstr(world.file("spool")), HasSubstr("0 messages: good")));
  EXPECT_EQ(world.run({"spool", "stats"}), kDone);
  EXPECT_THAT(world.out, AllOf(HasSubstr("0 messages;"), HasSubstr("epoch 1")));
  EXPECT_EQ(world.run({"spool", "stats", "--json"}), kDone);
  EXPECT_TRUE(admin::parse_json(world.out));
}

TEST(Spool, that_is_not_there_is_named) {
  World world;
  ASSERT_EQ(world.run({"init", world.file("")}), kDone);
  EXPECT_EQ(world.run({"spool", "check"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr(world.file("spool")));
  EXPECT_FALSE(std::filesystem::exists(world.file("spool")));
}

}  // namespace
}  // namespace ringpost::command
