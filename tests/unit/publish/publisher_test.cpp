#include "ringpost/publish/publisher.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ringpost/base/option_table.hpp"
#include "ringpost/publish/limits.hpp"

#include "publish/log_set.hpp"

namespace ringpost::publish {
namespace {

using observe::EventKey;
using observe::EventType;
using testing::ElementsAre;
using testing::HasSubstr;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/ringpost_publish_XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Named<LogOptions> file_log(const std::string& path, LogFormat format = LogFormat::json) {
  return {{"mail", {.to = "file:" + path, .format = format}}};
}

void emit(observe::EventRing& ring, std::string_view text) {
  ring.begin(EventType::received, {1'000'000'000}).add(EventKey::text, text).finish();
}

Event event_with(std::string_view text) {
  return {.type = EventType::received, .time = {1'000'000'000}, .fields = {{EventKey::text, text}}};
}

TEST(Publisher, writes_the_events_of_every_core_into_a_file) {
  const Folder folder;
  observe::EventRing first, second;
  auto publisher = Publisher::start({&first, &second}, file_log(folder.file("log")), "mx1");
  ASSERT_TRUE(publisher) << publisher.error().text;
  emit(first, "one");
  emit(second, "two");
  (*publisher)->flush();
  EXPECT_THAT(lines_of(folder.file("log")),
              ElementsAre(HasSubstr("\"text\":\"one\""), HasSubstr("\"text\":\"two\"")));
  EXPECT_EQ((*publisher)->figures().lines, 2U);
}

TEST(Publisher, each_line_has_the_second_of_its_own_event) {
  const Folder folder;
  observe::EventRing ring;
  auto publisher = Publisher::start({&ring}, file_log(folder.file("log"), LogFormat::maillog), "mx1");
  ASSERT_TRUE(publisher) << publisher.error().text;
  const std::int64_t second = 1'000'000'000;
  for (const std::int64_t at : {61 * second, 61 * second + 5, 62 * second, 61 * second})
    ring.begin(EventType::received, {at}).add(EventKey::text, "x").finish();
  (*publisher)->flush();
  EXPECT_THAT(lines_of(folder.file("log")), ElementsAre(HasSubstr(":01 mx1 "), HasSubstr(":01 mx1 "),
                                                        HasSubstr(":02 mx1 "), HasSubstr(":01 mx1 ")));
}

TEST(Publisher, drains_once_more_when_it_ends) {
  const Folder folder;
  observe::EventRing ring;
  auto publisher = Publisher::start({&ring}, file_log(folder.file("log")), "mx1");
  ASSERT_TRUE(publisher);
  emit(ring, "last");
  publisher->reset();
  EXPECT_THAT(lines_of(folder.file("log")), ElementsAre(HasSubstr("last")));
}

TEST(Publisher, says_how_many_events_found_their_ring_full) {
  const Folder folder;
  observe::EventRing ring(64);
  for (int i = 0; i < 20; ++i) emit(ring, "0123456789");
  ASSERT_GT(ring.dropped(), 0U);
  auto publisher = Publisher::start({&ring}, file_log(folder.file("log")), "mx1");
  ASSERT_TRUE(publisher);
  (*publisher)->flush();
  EXPECT_THAT(lines_of(folder.file("log")),
              testing::Contains(HasSubstr(std::to_string(ring.dropped()) + " events were dropped")));
  EXPECT_EQ((*publisher)->figures().dropped, ring.dropped());
}

TEST(Publisher, follows_a_file_that_was_moved_away) {
  const Folder folder;
  observe::EventRing ring;
  auto publisher = Publisher::start({&ring}, file_log(folder.file("log")), "mx1");
  ASSERT_TRUE(publisher);
  emit(ring, "before");
  (*publisher)->flush();
  std::filesystem::rename(folder.file("log"), folder.file("log.1"));
  emit(ring, "after");
  (*publisher)->flush();
  EXPECT_THAT(lines_of(folder.file("log.1")), ElementsAre(HasSubstr("before")));
  EXPECT_THAT(lines_of(folder.file("log")), ElementsAre(HasSubstr("after")));
}

TEST(Publisher, a_reload_takes_the_new_logs_and_a_bad_one_leaves_the_old) {
  const Folder folder;
  observe::EventRing ring;
  auto publisher = Publisher::start({&ring}, file_log(folder.file("a")), "mx1");
  ASSERT_TRUE(publisher);
  const auto bad = (*publisher)->reload(file_log(folder.file("missing/log")));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().text,
              testing::AllOf(HasSubstr("log.mail"), HasSubstr("mkdir -p " + folder.file("missing"))));
  emit(ring, "one");
  (*publisher)->flush();
  ASSERT_TRUE((*publisher)->reload(file_log(folder.file("b"))));
  emit(ring, "two");
  (*publisher)->flush();
  EXPECT_THAT(lines_of(folder.file("a")), ElementsAre(HasSubstr("one")));
  EXPECT_THAT(lines_of(folder.file("b")), ElementsAre(HasSubstr("two")));
}

TEST(Publisher, a_notice_goes_into_the_log_in_one_line) {
  const Folder folder;
  auto publisher = Publisher::start({}, file_log(folder.file("log"), LogFormat::maillog), "mx1");
  ASSERT_TRUE(publisher);
  (*publisher)->notice("started\nwith 2 cores");
  (*publisher)->flush();
  EXPECT_THAT(
      lines_of(folder.file("log")),
      ElementsAre(testing::MatchesRegex(
          R"(^[A-Z][a-z]+ [ 0-9]+ [0-9:]+ mx1 ringpost.[0-9]+.: notice text="started.x0Awith 2 cores"$)")));
}

TEST(LogSet, a_log_that_cannot_be_written_is_said_once_in_the_other_with_the_lines_that_it_lost) {
  const Folder folder;
  const SinkPlaces places{.hostname = "mx1", .syslog_socket = folder.file("none")};
  auto set = LogSet::open({{"a", {.to = "syslog"}}, {"b", {.to = "file:" + folder.file("log")}}}, places);
  ASSERT_TRUE(set);
  for (int i = 0; i < 3; ++i) {
    set->add(event_with("x"));
    set->flush({});
  }
  EXPECT_EQ(set->lost(), 4U);  // three events, and the notice about itself
  const auto lines = lines_of(folder.file("log"));
  EXPECT_EQ(std::ranges::count_if(lines, [](const auto& line) { return line.contains("subject=log.a"); }), 1);

  const int daemon = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  folder.file("none").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(daemon, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  set->add(event_with("y"));
  set->flush({});
  EXPECT_THAT(lines_of(folder.file("log")).back(), HasSubstr("4 lines before this one were lost"));
  close(daemon);
}

// A daemon that listens where /dev/log would be.
class Daemon {
 public:
  explicit Daemon(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) abort();
  }
  ~Daemon() { close(socket_); }
  std::string next() const {
    std::string text(256 * 1024, 0);
    const ssize_t size = recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }

 private:
  int socket_;
};

TEST(SyslogSink, sends_one_datagram_with_the_mail_facility_for_each_event) {
  const Folder folder;
  const Daemon daemon(folder.file("log"));
  const auto sink = make_syslog_sink(
      LogFormat::maillog, {.hostname = "mx1", .process_id = 7, .syslog_socket = folder.file("log")});
  sink->add(event_with("hello"));
  sink->flush();
  EXPECT_THAT(daemon.next(),
              testing::MatchesRegex(R"(^<22>[A-Z][a-z]+ [ 0-9]+ [0-9:]+ ringpost.7.: received text=hello$)"));
  EXPECT_EQ(sink->lines(), 1U);
}

TEST(SyslogSink, cuts_a_line_that_the_daemon_would_refuse) {
  const Folder folder;
  const Daemon daemon(folder.file("log"));
  const auto sink =
      make_syslog_sink(LogFormat::maillog, {.hostname = "mx1", .syslog_socket = folder.file("log")});
  const std::string text(kSyslogBytesMax, 'x');
  sink->add(event_with(text));
  EXPECT_EQ(daemon.next().size(), kSyslogBytesMax);
}

TEST(SyslogSink, connects_again_after_the_daemon_was_restarted) {
  const Folder folder;
  const auto sink =
      make_syslog_sink(LogFormat::maillog, {.hostname = "mx1", .syslog_socket = folder.file("log")});
  {
    const Daemon daemon(folder.file("log"));
    sink->add(event_with("one"));
  }
  sink->add(event_with("lost"));
  EXPECT_EQ(sink->lost(), 1U);
  EXPECT_THAT(sink->problem(), HasSubstr(folder.file("log")));
  std::filesystem::remove(folder.file("log"));
  const Daemon daemon(folder.file("log"));
  sink->add(event_with("two"));
  EXPECT_THAT(daemon.next(), HasSubstr("two"));
  EXPECT_EQ(sink->problem(), "");
}

TEST(JournalSink, sends_fields_and_gives_a_value_with_a_line_break_its_size) {
  const Folder folder;
  const Daemon daemon(folder.file("journal"));
  const auto sink =
      make_journal_sink(LogFormat::maillog, {.hostname = "mx1", .journal_socket = folder.file("journal")});
  sink->add(event_with("a\nb"));
  const std::string expected =
      std::string("MESSAGE=received text=\"a\\x0Ab\"\nPRIORITY=6\nSYSLOG_FACILITY=2\n") +
      "SYSLOG_IDENTIFIER=ringpost\nRINGPOST_EVENT=received\nRINGPOST_TEXT\n" +
      std::string("\3\0\0\0\0\0\0\0", 8) + "a\nb\n";
  EXPECT_EQ(daemon.next(), expected);
}

TEST(StreamSink, a_pipe_that_nobody_reads_loses_lines_and_a_cut_line_ends_before_the_next) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const auto sink = make_stream_sink(ends[1], LogFormat::json, {.hostname = "mx1"});
  const std::string text(2000, 'x');
  for (int i = 0; i < 100; ++i) sink->add(event_with(text));
  sink->flush();
  EXPECT_GT(sink->lost(), 0U);
  EXPECT_EQ(sink->lines() + sink->lost(), 100U);
  std::string read_back(1 << 20, 0);
  ASSERT_GT(read(ends[0], read_back.data(), read_back.size()), 0);
  sink->add(event_with("next"));
  sink->flush();
  read_back.assign(1 << 20, 0);
  const ssize_t size = read(ends[0], read_back.data(), read_back.size());
  ASSERT_GT(size, 0);
  read_back.resize(static_cast<std::size_t>(size));
  EXPECT_EQ(read_back.front(), '\n');
  EXPECT_THAT(read_back, HasSubstr("\"text\":\"next\"}\n"));
  close(ends[0]);
  sink->add(event_with("nobody"));
  close(ends[1]);
}

std::vector<OptionProblem> problems_of(const std::string& to) {
  LogOptions options;
  OptionReader reader;
  const OptionValue written{.value = OptionValue::Table{{"to", {.value = to}}}};
  option_table(&options).read(&options, written, reader);
  return reader.take_problems();
}

TEST(LogOptions, say_what_is_wrong_with_a_place) {
  for (const std::string good : {"stderr", "syslog", "journald", "file:/var/log/mail.log"})
    EXPECT_THAT(problems_of(good), testing::IsEmpty()) << good;
  for (const std::string bad : {"mail.log", "file:mail.log", "file:/var/log/", ""})
    EXPECT_THAT(problems_of(bad), testing::SizeIs(1)) << bad;
}

}  // namespace
}  // namespace ringpost::publish
