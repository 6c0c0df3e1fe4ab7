// IMAP and POP3 loads against a server that says what each test wants, in a simulated world.
#include <functional>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/net/connection.hpp"
#include "ringpost/scan/find.hpp"
#include "ringpost/shard/listener.hpp"
#include "ringpost/shard/simulation.hpp"

#include "access_core.hpp"
#include "access_report.hpp"
#include "process.hpp"
#include "report.hpp"

namespace ringpost::loadgen {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::StartsWith;

const Endpoint kServer{IpAddress::loopback(), 2143};

std::vector<DeedShare> deeds(AccessProtocol protocol, std::initializer_list<std::string_view> names) {
  std::vector<DeedShare> shares;
  const auto known = deeds_of(protocol);
  for (const std::string_view name : names) {
    const auto found = std::ranges::find(known, name, &Deed::name);
    shares.push_back({static_cast<std::size_t>(found - known.begin()), 1});
  }
  return shares;
}

// What a script answers to one line; %t is its tag. "close" as the last word ends the connection.
using Script = std::function<std::string(const std::string& line)>;

class Load {
 public:
  Load(AccessOptions options, std::string greeting, Script script)
      : simulation_(7, 2), greeting_(std::move(greeting)), script_(std::move(script)) {
    options.to = {"127.0.0.1:2143"};
    if (!options.login) options.login = Login{"anna@example.org", "se\"cret"};
    options.timeout = 5s;
    plan_ = *AccessPlan::make(std::move(options), wall_now(), 0xABCD);
    listener_ = std::make_unique<shard::Listener>(
        simulation_.core(1), 0, *simulation_.core(1).backend().listen(kServer, {}),
        [this](shard::Core& core, io::Handle socket) { core.spawn(serve(core, socket)); });
    listener_->arm();
    load_ = *AccessCore::make(simulation_.core(0), *plan_);
  }
  ~Load() {
    load_->stop();
    simulation_.run_for(100ms);
    load_->abort();
    listener_->stop();
    simulation_.core(1).spawn(close());
    EXPECT_TRUE(simulation_.run_until(
        [&] { return simulation_.core(0).live_tasks() + simulation_.core(1).live_tasks() == 0; }, 60s));
  }
  // True when it ended by itself.
  bool run(Duration bound) {
    load_->start();
    const bool done = simulation_.run_until([&] { return load_->finished(); }, bound);
    if (!done) {
      load_->stop();
      EXPECT_TRUE(simulation_.run_until([&] { return load_->finished(); }, 20s));
    }
    return done;
  }
  const AccessFigures& figures() const { return std::as_const(*load_).figures(); }
  const AccessFigures::Of& of(ImapDeed deed) const { return figures().deeds[static_cast<std::size_t>(deed)]; }
  const AccessFigures::Of& of(Pop3Deed deed) const { return figures().deeds[static_cast<std::size_t>(deed)]; }
  const std::vector<std::string>& lines() const { return lines_; }
  std::size_t count(std::string_view word) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines_, [word](const std::string& line) { return line.find(word) != std::string::npos; }));
  }
  std::string text() const { return AccessSummary(*plan_, {load_.get()}, Effort{}).text(); }
  std::string json() const { return AccessSummary(*plan_, {load_.get()}, Effort{}).json(); }
  const AccessPlan& plan() const { return *plan_; }
  std::uint64_t literal_bytes = 0;

 private:
  Task<void> close() { co_await listener_->stopped(); }
  Task<void> serve(shard::Core& core, io::Handle socket) {
    net::Connection connection(core, socket, core.backend().peer_endpoint(socket));
    (void)connection.write(greeting_ + "\r\n");
    std::string input;
    bool open = co_await flush(connection, core);
    while (open) {
      const std::size_t end = input.find("\r\n");
      if (end == std::string::npos) {
        const auto got = co_await connection.receive(core.now() + 300s);
        input.append(scan::as_text(connection.input()));
        if (!got || (connection.input().empty() && connection.at_end())) break;
        connection.consume(connection.input().size());
        continue;
      }
      const std::string line = input.substr(0, end);
      input.erase(0, end + 2);
      const std::size_t brace = line.rfind('{');
      if (line.ends_with('}') && brace != std::string::npos) {
        if (!line.ends_with("+}")) {
          (void)connection.write(std::string_view("+ go on\r\n"));
          if (!co_await flush(connection, core)) break;
        }
        const std::uint64_t size = std::stoull(line.substr(brace + 1));
        while (input.size() < size + 2) {
          const auto got = co_await connection.receive(core.now() + 300s);
          input.append(scan::as_text(connection.input()));
          if (!got || (connection.input().empty() && connection.at_end())) break;
          connection.consume(connection.input().size());
        }
        literal_bytes += size;
        if (input.size() < size + 2) break;
        input.erase(0, size + 2);
      }
      lines_.push_back(line);
      std::string answer = script_(line);
      const bool closes = answer.ends_with("close");
      if (closes) answer.erase(answer.size() - 5);
      const std::string tag = line.substr(0, line.find(' '));
      for (std::size_t at = answer.find("%t"); at != std::string::npos; at = answer.find("%t"))
        answer.replace(at, 2, tag);
      (void)connection.write(answer);
      open = co_await flush(connection, core) && !closes;
    }
    co_await connection.close();
    listener_->ended();
  }
  static Task<bool> flush(net::Connection& connection, shard::Core& core) {
    co_return (co_await connection.flush(core.now() + 10s)).has_value();
  }

  shard::Simulation simulation_;
  std::string greeting_;
  Script script_;
  std::unique_ptr<AccessPlan> plan_;
  std::unique_ptr<shard::Listener> listener_;
  std::unique_ptr<AccessCore> load_;
  std::vector<std::string> lines_;
};

bool says(const std::string& line, std::string_view words) {
  return line.find(words) != std::string::npos;
}

// Three messages of ten bytes, and everything is granted.
std::string imap_server(const std::string& line) {
  if (says(line, "LOGOUT")) return "* BYE so long\r\n%t OK\r\nclose";
  if (says(line, " LOGIN ")) return "%t OK [CAPABILITY IMAP4rev1 LITERAL+ IDLE] welcome\r\n";
  if (says(line, "SELECT"))
    return "* FLAGS ()\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n%t OK [READ-WRITE] open\r\n";
  if (says(line, "FETCH 1:3 (UID BODY")) {
    std::string answer;
    for (int i = 1; i <= 3; ++i)
      answer += fmt::format("* {} FETCH (UID {} BODY[] {{10}}\r\n12345\r\n\r\n\x20)\r\n", i, i + 10);
    return answer + "%t OK done\r\n";
  }
  if (says(line, "BODY.PEEK")) {
    const std::string number = line.substr(line.find("FETCH ") + 6, 1);
    return "* " + number + " FETCH (UID 4 BODY[] {3}\r\nabc)\r\n%t OK\r\n";
  }
  if (says(line, "FETCH"))
    return "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n* 3 FETCH (UID 3 FLAGS "
           "(\\Seen))\r\n%t OK\r\n";
  if (says(line, "SEARCH")) return "* SEARCH 11 13\r\n%t OK\r\n";
  if (says(line, "IDLE")) return "+ idling\r\n* 4 EXISTS\r\n";
  if (line == "DONE") return "A3 OK\r\n";
  return "%t OK\r\n";
}

AccessOptions imap(std::initializer_list<std::string_view> names, std::uint64_t count,
                   std::uint64_t connections = 1) {
  AccessOptions options(AccessProtocol::imap);
  options.deeds = deeds(options.protocol, names);
  options.count = count;
  options.connections = connections;
  return options;
}

TEST(ImapLoad, a_login_has_a_connection_of_its_own) {
  Load load(imap({"login"}, 12, 3), "* OK hello", imap_server);
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().acknowledged.value(), 12U);
  EXPECT_EQ(load.figures().connections.value(), 12U);
  EXPECT_EQ(load.count("LOGIN \"anna@example.org\" \"se\\\"cret\""), 12U);
  EXPECT_EQ(load.count("LOGOUT"), 12U);
  EXPECT_EQ(load.figures().lost_connections.value() + load.figures().refused.value(), 0U);
  EXPECT_THAT(load.figures().troubles, testing::IsEmpty());
}

TEST(ImapLoad, a_refused_login_is_counted_by_its_code) {
  Load load(imap({"login"}, 5), "* OK hello", [](const std::string& line) -> std::string {
    if (says(line, "LOGOUT")) return "* BYE so long\r\n%t OK\r\nclose";
    return "%t NO [AUTHENTICATIONFAILED] who are you?\r\n";
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().refused.value(), 5U);
  EXPECT_EQ(load.figures().refusals.by_code.at("NO [AUTHENTICATIONFAILED]").count, 5U);
  EXPECT_THAT(load.text(), HasSubstr("NO [AUTHENTICATIONFAILED]  who are you?"));
  EXPECT_EQ(load.figures().logins_denied.value(), 5U);
}

TEST(ImapLoad, a_login_that_may_pass_later_is_not_denied_and_the_server_not_silent) {
  Load load(imap({"noop"}, 5), "* OK hello", [](const std::string& line) -> std::string {
    if (says(line, "LOGOUT")) return "* BYE so long\r\n%t OK\r\nclose";
    return "%t NO [UNAVAILABLE] later\r\n";
  });
  EXPECT_FALSE(load.run(20s));
  EXPECT_GT(load.figures().logins_refused.value(), 3U);
  EXPECT_EQ(load.figures().logins_denied.value(), 0U);
  EXPECT_EQ(load.figures().logins.value(), 0U);
  EXPECT_THAT(load.text(), testing::Not(HasSubstr("stopped answering")));
}

TEST(ImapLoad, another_protocol_is_told_by_its_greeting) {
  for (const std::string greeting : {"+OK POP3 ready", "220 mx.example ESMTP"}) {
    Load load(imap({"noop"}, 1), greeting, imap_server);
    EXPECT_FALSE(load.run(2s));
    EXPECT_THAT(load.figures().troubles, Contains(Key("this is no greeting of IMAP: " + greeting)));
    EXPECT_TRUE(load.lines().empty());
  }
}

TEST(ImapLoad, appends_with_literal_plus_where_it_is_offered_and_waits_elsewhere) {
  for (const bool waits : {false, true}) {
    AccessOptions options = imap({"append"}, 6, 2);
    options.size = 1_KiB;
    if (waits) options.literals = LiteralUse::synchronizing;
    Load load(options, "* OK hello", imap_server);
    EXPECT_TRUE(load.run(60s));
    EXPECT_EQ(load.of(ImapDeed::append).acknowledged.value(), 6U);
    EXPECT_EQ(load.literal_bytes, 6U * 1024);
    EXPECT_EQ(load.count("{1024}"), waits ? 6U : 0U);
    EXPECT_EQ(load.count("{1024+}"), waits ? 0U : 6U);
    EXPECT_EQ(load.count(" CAPABILITY"), 0U);  // LOGIN had it
  }
}

TEST(ImapLoad, a_refused_literal_is_not_sent) {
  Load load(imap({"append"}, 3), "* OK hello", [](const std::string& line) -> std::string {
    if (says(line, " LOGIN ")) return "%t OK in\r\n";
    if (says(line, "CAPABILITY")) return "* CAPABILITY IMAP4rev1 LITERAL-\r\n%t OK\r\n";
    if (says(line, "APPEND")) return "%t NO [OVERQUOTA] full\r\n";
    return "* BYE\r\n%t OK\r\nclose";
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.count(" CAPABILITY"), 1U);
  EXPECT_EQ(load.count("+}"), 3U);  // 4096 bytes: LITERAL- allows them
  EXPECT_EQ(load.figures().refusals.by_code.at("NO [OVERQUOTA]").count, 3U);
}

TEST(ImapLoad, fetches_a_folder_whole_or_message_by_message) {
  AccessOptions options = imap({"fetch"}, 4);
  options.batch = 0;
  {
    Load load(options, "* OK hello", imap_server);
    EXPECT_TRUE(load.run(60s));
    EXPECT_EQ(load.of(ImapDeed::fetch).items.value(), 12U);
    EXPECT_EQ(load.count("SELECT"), 1U);
  }
  options.batch = 1;
  Load load(options, "* OK hello", imap_server);
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.of(ImapDeed::fetch).items.value(), 4U);
  EXPECT_EQ(load.count("FETCH 1:1 "), 2U);  // from the first again
  EXPECT_EQ(load.count("FETCH 3:3 "), 1U);
}

TEST(ImapLoad, an_ok_without_the_messages_is_no_success) {
  Load load(imap({"flags"}, 2), "* OK hello", [](const std::string& line) {
    return says(line, "FETCH") ? std::string("* 1 FETCH (FLAGS ())\r\n%t OK done\r\n") : imap_server(line);
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().acknowledged.value(), 0U);
  EXPECT_THAT(load.figures().refusals.by_code.at("OK").example, HasSubstr("1 messages of 3"));
}

TEST(ImapLoad, an_empty_folder_is_told) {
  Load load(imap({"fetch"}, 1), "* OK hello", [](const std::string& line) {
    return says(line, "SELECT") ? std::string("* 0 EXISTS\r\n%t OK\r\n") : imap_server(line);
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_THAT(load.figures().refusals.by_code, Contains(Key("empty")));
}

TEST(ImapLoad, idle_is_acknowledged_at_once_and_held_to_the_end) {
  Load load(imap({"idle"}, 0, 5), "* OK hello", imap_server);
  EXPECT_FALSE(load.run(20s));
  EXPECT_EQ(load.of(ImapDeed::idle).acknowledged.value(), 5U);
  EXPECT_EQ(load.figures().connections.value(), 5U);
  EXPECT_EQ(load.figures().news.value(), 5U);
  EXPECT_EQ(load.count("DONE"), 5U);
  EXPECT_EQ(load.count("LOGOUT"), 5U);
  EXPECT_EQ(load.figures().lost_connections.value(), 0U);
}

TEST(ImapLoad, a_herd_in_idle_is_no_silence_of_the_server_though_more_were_due) {
  AccessOptions options = imap({"idle"}, 0, 2);
  options.rate = 3;
  options.duration = 10s;
  Load load(options, "* OK hello", imap_server);
  EXPECT_FALSE(load.run(10s));
  EXPECT_EQ(load.of(ImapDeed::idle).acknowledged.value(), 2U);
  EXPECT_THAT(load.text(), HasSubstr("found no free connection"));
  EXPECT_THAT(load.text(), testing::Not(HasSubstr("stopped answering")));
}

TEST(ImapLoad, a_connection_that_the_server_ends_in_idle_is_lost) {
  Load load(imap({"idle"}, 2, 1), "* OK hello", [](const std::string& line) {
    return says(line, "IDLE") ? std::string("+ idling\r\n* BYE [UNAVAILABLE] we close\r\nclose")
                              : imap_server(line);
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().lost_connections.value(), 2U);
  EXPECT_EQ(load.figures().refusals.by_code.at("BYE").count, 2U);
}

TEST(ImapLoad, a_lost_connection_leaves_the_operation_unanswered_and_another_is_made) {
  int fetches = 0;
  Load load(imap({"noop"}, 6), "* OK hello", [&](const std::string& line) {
    return says(line, "NOOP") && ++fetches % 3 == 0 ? std::string("close") : imap_server(line);
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().acknowledged.value(), 4U);
  EXPECT_EQ(load.figures().unanswered.value(), 2U);
  EXPECT_EQ(load.figures().connections.value(), 2U);
}

TEST(ImapLoad, a_greeting_of_bye_is_no_welcome) {
  Load load(imap({"noop"}, 2), "* BYE [UNAVAILABLE] full", imap_server);
  EXPECT_FALSE(load.run(3s));
  EXPECT_GT(load.figures().greet_failures.value(), 1U);
  EXPECT_GE(load.figures().refusals.by_code.at("BYE").count, 2U);
  EXPECT_EQ(load.count("LOGIN"), 0U);
}

TEST(ImapLoad, an_open_loop_counts_from_when_each_was_due) {
  AccessOptions options = imap({"noop"}, 0, 1);
  options.rate = 100;
  options.duration = 2s;
  Load load(options, "* OK hello", imap_server);
  load.run(2s);
  EXPECT_NEAR(static_cast<double>(load.figures().acknowledged.value()), 200, 4);
}

TEST(ImapLoad, a_mix_has_every_operation_by_its_weight) {
  AccessOptions options = imap({"noop", "fetch", "flags", "search", "login", "store", "select"}, 700, 3);
  options.deeds[0].weight = 4;
  Load load(options, "* OK hello", imap_server);
  EXPECT_TRUE(load.run(300s));
  EXPECT_EQ(load.figures().acknowledged.value(), 700U);
  EXPECT_NEAR(static_cast<double>(load.of(ImapDeed::noop).acknowledged.value()), 280, 50);
  for (const ImapDeed deed :
       {ImapDeed::fetch, ImapDeed::flags, ImapDeed::search, ImapDeed::login, ImapDeed::store})
    EXPECT_NEAR(static_cast<double>(load.of(deed).acknowledged.value()), 70, 35);
  EXPECT_EQ(load.of(ImapDeed::search).items.value(), 2 * load.of(ImapDeed::search).acknowledged.value());
  EXPECT_THAT(load.json(), HasSubstr("\"us_per_item\""));
  EXPECT_THAT(load.plan().protocol(), StartsWith("imap, noop:4+fetch:1"));
}

TEST(ImapLoad, connections_log_in_as_different_users) {
  AccessOptions options = imap({"noop"}, 8, 4);
  options.login = Login{"u%d@example.org", "x"};
  options.users = 2;
  Load load(options, "* OK hello", imap_server);
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.count("LOGIN \"u0@example.org\""), 2U);
  EXPECT_EQ(load.count("LOGIN \"u1@example.org\""), 2U);
}

// ---- POP3

std::string pop3_server(const std::string& line) {
  if (line == "QUIT") return "+OK bye\r\nclose";
  if (line == "STAT") return "+OK 3 30\r\n";
  if (line == "UIDL" || line == "LIST") return "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n";
  if (line.starts_with("RETR") || line.starts_with("TOP")) return "+OK 10 octets\r\nabc\r\n..\r\n.\r\n";
  return "+OK\r\n";
}

AccessOptions pop3(std::initializer_list<std::string_view> names, std::uint64_t count,
                   std::uint64_t connections = 1) {
  AccessOptions options(AccessProtocol::pop3);
  options.deeds = deeds(options.protocol, names);
  options.count = count;
  options.connections = connections;
  return options;
}

TEST(Pop3Load, fetches_one_message_after_the_other) {
  Load load(pop3({"retr"}, 7), "+OK ready", pop3_server);
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.of(Pop3Deed::retr).acknowledged.value(), 7U);
  EXPECT_EQ(load.of(Pop3Deed::retr).bytes.value(), 7U * 8);
  EXPECT_EQ(load.count("RETR 1"), 3U);
  EXPECT_EQ(load.count("RETR 3"), 2U);
  EXPECT_EQ(load.count("STAT"), 1U);
  EXPECT_EQ(load.count("QUIT"), 1U);
}

TEST(Pop3Load, lists_count_their_lines) {
  Load load(pop3({"uidl", "list", "login", "top"}, 40, 2), "+OK ready", pop3_server);
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().acknowledged.value(), 40U);
  EXPECT_EQ(load.of(Pop3Deed::uidl).items.value(), 3 * load.of(Pop3Deed::uidl).acknowledged.value());
  EXPECT_GT(load.of(Pop3Deed::login).acknowledged.value(), 0U);
}

TEST(Pop3Load, deletes_a_maildrop_and_comes_back_for_the_next) {
  Load load(pop3({"dele"}, 7), "+OK ready", pop3_server);
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.of(Pop3Deed::dele).acknowledged.value(), 7U);
  EXPECT_EQ(load.figures().connections.value(), 3U);
  EXPECT_EQ(load.count("DELE 1"), 3U);
  EXPECT_EQ(load.count("QUIT"), 3U);
}

TEST(Pop3Load, a_maildrop_in_use_is_counted_by_its_code) {
  Load load(pop3({"login"}, 4), "+OK ready", [](const std::string& line) {
    return line.starts_with("PASS") ? std::string("-ERR [IN-USE] locked\r\n") : pop3_server(line);
  });
  EXPECT_TRUE(load.run(60s));
  EXPECT_EQ(load.figures().refused.value(), 4U);
  EXPECT_EQ(load.figures().refusals.by_code.at("-ERR [IN-USE]").count, 4U);
  EXPECT_EQ(load.figures().refusals.by_code.at("-ERR [IN-USE]").example, "locked");
  EXPECT_EQ(load.figures().logins_refused.value(), 4U);
  EXPECT_EQ(load.figures().logins_denied.value(), 0U);
}

TEST(Pop3Load, a_wrong_password_and_another_protocol_are_told) {
  Load wrong(pop3({"stat"}, 4), "+OK ready", [](const std::string& line) {
    return line.starts_with("PASS") ? std::string("-ERR [AUTH] no\r\n") : pop3_server(line);
  });
  EXPECT_FALSE(wrong.run(3s));
  EXPECT_GT(wrong.figures().logins_denied.value(), 1U);
  EXPECT_THAT(wrong.text(), testing::Not(HasSubstr("stopped answering")));
  Load imap(pop3({"stat"}, 4), "* OK hello", pop3_server);
  EXPECT_FALSE(imap.run(3s));
  EXPECT_THAT(imap.figures().troubles, Contains(Key("this is no answer of POP3: * OK hello")));
  EXPECT_TRUE(imap.figures().refusals.by_code.empty());
}

}  // namespace
}  // namespace ringpost::loadgen
