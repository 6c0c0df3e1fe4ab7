// Maildir, mbox, command and .forward, each by itself.
#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "ringpost/deliver/local_limits.hpp"

#include "deliver/local_file.hpp"
#include "unit/deliver/local_world.hpp"

namespace ringpost::deliver::local_test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Kind = DeliveryOutcome::Kind;

constexpr std::string_view kStored =
    "Return-Path: <bea@example.org>\nDelivered-To: anna@example.com\nSubject: hello\n\nFrom here\nbye\n";

// Files may have this size and no more, as on a full disk; the signal that goes with it is ignored.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t size) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit small{size, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SizeLimit() { ::setrlimit(RLIMIT_FSIZE, &old_); }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;

 private:
  rlimit old_{};
};

DeliveryOutcome into_maildir(const std::string& path, const SampleMessage& message = SampleMessage()) {
  return deliver_maildir(order_for(DeliveryOrder::Kind::maildir, path), message.pieces());
}
DeliveryOutcome into_mbox(const std::string& path, const SampleMessage& message = SampleMessage()) {
  return deliver_mbox(order_for(DeliveryOrder::Kind::mbox, path), message.pieces());
}
DeliveryOutcome run(std::string command, const SampleMessage& message = SampleMessage(), int cancel = -1) {
  return run_command(order_for(DeliveryOrder::Kind::command, std::move(command)), message.pieces(), cancel);
}

TEST(Maildir, is_made_with_its_parents_and_gets_lf_lines_and_trace_fields) {
  const Folder folder;
  const std::string path = folder.path("example.com/anna");
  const DeliveryOutcome outcome = into_maildir(path);
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.reply.text;
  EXPECT_EQ(only_file_in(path + "/new"), kStored);
  EXPECT_TRUE(fs::is_directory(path + "/cur"));
  EXPECT_TRUE(files_in(path + "/tmp").empty());
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST(Maildir, names_the_file_by_time_host_and_size) {
  const Folder folder;
  DeliveryOrder order = order_for(DeliveryOrder::Kind::maildir, folder.path("m"));
  order.hostname = "a/b:c";
  const SampleMessage message;
  ASSERT_EQ(deliver_maildir(order, message.pieces()).kind, Kind::done);
  const std::string name = fs::path(files_in(folder.path("m/new")).at(0)).filename();
  EXPECT_THAT(name, StartsWith("1700000000.M123456P"));
  EXPECT_THAT(name, HasSubstr(".a\\057b\\072c,S=" + std::to_string(kStored.size())));
}

TEST(Maildir, shows_the_original_recipient_only_when_it_differs) {
  const Folder folder;
  DeliveryOrder order = order_for(DeliveryOrder::Kind::maildir, folder.path("m"));
  order.original_recipient = "info@example.com";
  const SampleMessage message;
  ASSERT_EQ(deliver_maildir(order, message.pieces()).kind, Kind::done);
  EXPECT_THAT(
      only_file_in(folder.path("m/new")),
      StartsWith("Return-Path: <bea@example.org>\nX-Original-To: info@example.com\nDelivered-To: anna@"));
}

TEST(Maildir, leaves_nothing_when_the_disk_is_full) {
  const Folder folder;
  const SampleMessage message("Subject: x\r\n\r\n" + std::string(300'000, 'a') + "\r\n", 100'000);
  ASSERT_EQ(into_maildir(folder.path("m")).kind, Kind::done);
  {
    const SizeLimit limit(200'000);
    const DeliveryOutcome outcome = into_maildir(folder.path("m"), message);
    EXPECT_EQ(outcome.kind, Kind::deferred);
    EXPECT_EQ(outcome.reply.code, 452);
    EXPECT_EQ(outcome.reply.status, (mail::EnhancedStatus{4, 2, 2}));
  }
  EXPECT_TRUE(files_in(folder.path("m/tmp")).empty());
  EXPECT_EQ(files_in(folder.path("m/new")).size(), 1U);
}

TEST(Maildir, never_replaces_a_message_of_the_same_name) {
  const Folder folder;
  ASSERT_EQ(into_maildir(folder.path("m")).kind, Kind::done);
  const DeliveryOutcome outcome = into_maildir(folder.path("m"));  // the same random number and time
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(files_in(folder.path("m/new")).size(), 1U);
  EXPECT_TRUE(files_in(folder.path("m/tmp")).empty());
}

TEST(Maildir, is_deferred_where_a_file_is_in_its_way) {
  const Folder folder;
  write_file(folder.path("file"), "x");
  const DeliveryOutcome outcome = into_maildir(folder.path("file/m"));
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(outcome.reply.status, (mail::EnhancedStatus{4, 3, 5}));
}

TEST(FailedSystemCalls, say_quota_disk_rights_and_trouble_apart) {
  EXPECT_EQ(defer_system(EDQUOT, "x").reply.status, (mail::EnhancedStatus{4, 2, 2}));
  EXPECT_EQ(defer_system(ENOSPC, "x").reply.status, (mail::EnhancedStatus{4, 3, 1}));
  EXPECT_EQ(defer_system(ENOSPC, "x").reply.code, 452);
  EXPECT_EQ(defer_system(EACCES, "x").reply.status, (mail::EnhancedStatus{4, 3, 5}));
  EXPECT_EQ(defer_system(EIO, "x").reply.status, (mail::EnhancedStatus{4, 3, 0}));
}

TEST(Mbox, appends_quoted_messages_with_their_from_lines) {
  const Folder folder;
  const std::string path = folder.path("mail/anna");
  ASSERT_EQ(into_mbox(path).kind, Kind::done);
  ASSERT_EQ(into_mbox(path).kind, Kind::done);
  const std::string once =
      "From bea@example.org Tue Nov 14 22:13:20 2023\n"
      "Return-Path: <bea@example.org>\nDelivered-To: anna@example.com\nSubject: hello\n\n>From here\nbye\n\n";
  EXPECT_EQ(read_file(path), once + once);
  EXPECT_EQ(files_in(folder.path("mail")).size(), 1U) << "the lock is gone";
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(Mbox, ends_a_message_that_was_left_without_its_last_line_end) {
  const Folder folder;
  write_file(folder.path("box"), "From x Tue Nov 14 22:13:20 2023\n\nhalf");
  ASSERT_EQ(into_mbox(folder.path("box")).kind, Kind::done);
  EXPECT_THAT(read_file(folder.path("box")), HasSubstr("\nhalf\n\nFrom bea@example.org "));
}

TEST(Mbox, has_its_old_size_after_a_short_write) {
  const Folder folder;
  const std::string path = folder.path("box");
  ASSERT_EQ(into_mbox(path).kind, Kind::done);
  const std::string before = read_file(path);
  const SampleMessage message("Subject: x\r\n\r\n" + std::string(300'000, 'a') + "\r\n", 100'000);
  {
    const SizeLimit limit(200'000);
    const DeliveryOutcome outcome = into_mbox(path, message);
    EXPECT_EQ(outcome.kind, Kind::deferred);
    EXPECT_EQ(outcome.reply.code, 452);
  }
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(into_mbox(path, message).kind, Kind::done);
}

TEST(Mbox, is_deferred_while_a_dotlock_is_there_and_takes_over_a_stale_one) {
  const Folder folder;
  const std::string path = folder.path("box");
  write_file(path + ".lock", "1");
  const DeliveryOutcome locked = into_mbox(path);
  EXPECT_EQ(locked.kind, Kind::deferred);
  EXPECT_TRUE(locked.locked);
  EXPECT_EQ(locked.reply.status, (mail::EnhancedStatus{4, 2, 0}));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists(path + ".lock")) << "not ours to remove";

  fs::last_write_time(path + ".lock",
                      fs::file_time_type::clock::now() - kDotlockStale - std::chrono::seconds(5));
  EXPECT_EQ(into_mbox(path).kind, Kind::done);
  EXPECT_FALSE(fs::exists(path + ".lock"));
}

TEST(Mbox, is_deferred_while_a_reader_has_locked_the_file) {
  const Folder folder;
  const std::string path = folder.path("box");
  write_file(path, "");
  const pid_t reader = ::fork();  // fcntl locks are between processes
  if (reader == 0) {
    const int file = ::open(path.c_str(), O_RDWR);
    struct flock whole{};
    whole.l_type = F_WRLCK;
    const bool good = ::fcntl(file, F_SETLK, &whole) == 0;
    write_file(path + ".ready", good ? "yes" : "no");
    ::pause();
    ::_exit(0);
  }
  while (read_file(path + ".ready").empty()) ::usleep(1000);
  EXPECT_EQ(read_file(path + ".ready"), "yes");
  const DeliveryOutcome locked = into_mbox(path);
  EXPECT_TRUE(locked.locked);
  EXPECT_EQ(read_file(path), "");
  ::kill(reader, SIGKILL);
  ::waitpid(reader, nullptr, 0);
  EXPECT_EQ(into_mbox(path).kind, Kind::done);
}

TEST(Mbox, looks_again_for_as_long_as_it_may_wait) {
  const Folder folder;
  const std::string path = folder.path("box");
  write_file(path + ".lock", "1");
  DeliveryOrder order = order_for(DeliveryOrder::Kind::mbox, path);
  order.lock_wait = 2 * kLockPoll;
  const SampleMessage message;
  EXPECT_TRUE(deliver_mbox(order, message.pieces()).locked);
}

TEST(Mbox, is_never_a_link_a_folder_a_device_or_some_other_file) {
  const Folder folder;
  write_file(folder.path("real"), "");
  fs::create_symlink(folder.path("real"), folder.path("link"));
  fs::create_hard_link(folder.path("real"), folder.path("second"));
  fs::create_directory(folder.path("folder"));
  write_file(folder.path("keys"), "ssh-ed25519 AAAA\n");
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "second", "folder", "keys", "fifo"}) {
    const DeliveryOutcome outcome = into_mbox(folder.path(name));
    EXPECT_EQ(outcome.kind, Kind::deferred) << name;
    EXPECT_EQ(outcome.reply.status, (mail::EnhancedStatus{4, 3, 5})) << name << outcome.reply.text;
  }
  EXPECT_EQ(read_file(folder.path("keys")), "ssh-ed25519 AAAA\n");
  EXPECT_EQ(into_mbox("/dev/null").kind, Kind::done);
}

TEST(Command, gets_the_message_and_an_environment_that_no_shell_trips_over) {
  const Folder folder;
  DeliveryOrder order = order_for(DeliveryOrder::Kind::command,
                                  "cat > '" + folder.path("in") + "'; env > '" + folder.path("env") + "'");
  order.home = folder.path();
  order.extension = "news";
  order.reverse_path = "a`id`$(id)@example.org";
  order.original_recipient = "info@example.com";
  const SampleMessage message;
  const DeliveryOutcome outcome = run_command(order, message.pieces(), -1);
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.reply.text;
  EXPECT_THAT(read_file(folder.path("in")),
              HasSubstr("Delivered-To: anna@example.com\nSubject: hello\n\nFrom here\n"));
  const std::string variables = "\n" + read_file(folder.path("env"));
  for (const std::string& line :
       {std::string("USER=anna"), std::string("LOCAL=anna"), std::string("EXTENSION=news"),
        std::string("DOMAIN=example.com"), std::string("RECIPIENT=anna@example.com"),
        std::string("ORIGINAL_RECIPIENT=info@example.com"), std::string("SENDER=a_id___id_@example.org"),
        "HOME=" + folder.path(), "PWD=" + folder.path()})
    EXPECT_THAT(variables, HasSubstr("\n" + line + "\n"));
}

TEST(Command, has_an_environment_of_its_own_and_no_descriptor_of_ours) {
  const Folder folder;
  ::setenv("RINGPOST_SECRET", "x", 1);
  const int open_file = ::dup(STDOUT_FILENO);
  ASSERT_EQ(run("env > '" + folder.path("env") + "'; ls /proc/self/fd > '" + folder.path("fds") + "'").kind,
            Kind::done);
  ::close(open_file);
  EXPECT_THAT(read_file(folder.path("env")), testing::Not(HasSubstr("RINGPOST_SECRET")));
  EXPECT_EQ(read_file(folder.path("fds")), "0\n1\n2\n3\n") << "3 is the listing itself";
}

struct Exit {
  int status;
  Kind kind;
  mail::EnhancedStatus reply;
};
class CommandExit : public testing::TestWithParam<Exit> {};
TEST_P(CommandExit, says_what_becomes_of_the_mail) {
  const DeliveryOutcome outcome = run("echo why; exit " + std::to_string(GetParam().status));
  EXPECT_EQ(outcome.kind, GetParam().kind);
  EXPECT_EQ(outcome.reply.status, GetParam().reply);
  if (GetParam().status != 0) EXPECT_THAT(outcome.reply.text, HasSubstr("why"));
}
INSTANTIATE_TEST_SUITE_P(AsSysexitsHasIt, CommandExit,
                         testing::Values(Exit{0, Kind::done, {2, 0, 0}}, Exit{1, Kind::failed, {5, 3, 0}},
                                         Exit{64, Kind::failed, {5, 3, 0}}, Exit{65, Kind::failed, {5, 6, 0}},
                                         Exit{67, Kind::failed, {5, 1, 1}},
                                         Exit{71, Kind::deferred, {4, 3, 0}},
                                         Exit{74, Kind::deferred, {4, 3, 0}},
                                         Exit{75, Kind::deferred, {4, 3, 0}},
                                         Exit{77, Kind::failed, {5, 7, 0}}, Exit{78, Kind::failed, {5, 3, 5}},
                                         Exit{255, Kind::failed, {5, 3, 0}}));

TEST(Command, that_is_missing_is_our_mistake_and_waits) {
  const DeliveryOutcome outcome = run("/does/not/exist");
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(outcome.reply.status, (mail::EnhancedStatus{4, 3, 5}));
}

TEST(Command, may_give_its_own_enhanced_status_of_the_same_class) {
  const DeliveryOutcome own = run("echo 5.2.2 mailbox full; echo more; exit 69");
  EXPECT_EQ(own.reply.status, (mail::EnhancedStatus{5, 2, 2}));
  EXPECT_THAT(own.reply.text, HasSubstr("mailbox full"));
  EXPECT_THAT(own.reply.text, testing::Not(HasSubstr("more")));
  const DeliveryOutcome other = run("echo 5.2.2 mailbox full; exit 75");
  EXPECT_EQ(other.kind, Kind::deferred);
  EXPECT_EQ(other.reply.status, (mail::EnhancedStatus{4, 3, 0}));
}

TEST(Command, may_print_without_end_and_only_the_beginning_is_kept) {
  const DeliveryOutcome outcome = run("head -c 1000000 /dev/zero | tr '\\0' 'x'; exit 1");
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_EQ(std::ranges::count(outcome.reply.text, 'x'), static_cast<std::ptrdiff_t>(kCommandOutputMax));
}

TEST(Command, that_does_not_read_its_input_may_still_succeed) {
  const SampleMessage large(std::string(1'000'000, 'a'), 100'000);
  EXPECT_EQ(run("exit 0", large).kind, Kind::done);
}

TEST(Command, that_takes_too_long_is_ended_with_all_that_it_started) {
  const Folder folder;
  DeliveryOrder order = order_for(DeliveryOrder::Kind::command,
                                  "echo $$ > '" + folder.path("pid") + "'; sleep 1000 & sleep 1000");
  order.timeout = std::chrono::milliseconds(300);
  const SampleMessage message;
  const DeliveryOutcome outcome = run_command(order, message.pieces(), -1);
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_THAT(outcome.reply.text, HasSubstr("longer than 300ms"));
  const int group = std::stoi(read_file(folder.path("pid")));
  // The children of the shell are reaped by init; their group is empty soon.
  for (int tries = 0; ::kill(-group, 0) == 0 && tries < 2000; ++tries) ::usleep(1000);
  EXPECT_EQ(::kill(-group, 0), -1);
}

TEST(Command, that_is_killed_is_tried_again) {
  EXPECT_EQ(run("kill -9 $$").kind, Kind::deferred);
}

TEST(Command, ends_when_whoever_waits_for_it_hangs_up) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  ::close(ends[1]);
  const DeliveryOutcome outcome = run("sleep 1000", SampleMessage(), ends[0]);
  ::close(ends[0]);
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(outcome.reply.status, (mail::EnhancedStatus{4, 3, 2}));
}

TEST(Command, left_in_the_background_holds_nobody) {
  EXPECT_EQ(run("sleep 5 & exit 0").kind, Kind::done);
}

DeliveryOutcome forward_in(const std::string& home) {
  DeliveryOrder order = order_for(DeliveryOrder::Kind::read_forward, "");
  order.home = home;
  return read_forward(order);
}

TEST(Forward, is_read_when_it_is_the_users_alone) {
  const Folder folder;
  EXPECT_EQ(forward_in(folder.path()).text, "");
  write_file(folder.path(".forward"), "bea@example.org\n");
  ::chmod(folder.path(".forward").c_str(), 0644);
  EXPECT_EQ(forward_in(folder.path()).text, "bea@example.org\n");
}

TEST(Forward, is_not_trusted_when_others_could_have_written_it) {
  const Folder folder;
  const std::string path = folder.path(".forward");
  write_file(path, "|evil\n");
  for (const mode_t mode : {0664U, 0646U}) {
    ::chmod(path.c_str(), mode);
    const DeliveryOutcome outcome = forward_in(folder.path());
    EXPECT_EQ(outcome.kind, Kind::failed);
    EXPECT_EQ(outcome.text, "");
  }
  ::chmod(path.c_str(), 0644);
  ::chmod(folder.path().c_str(), 0777);
  EXPECT_EQ(forward_in(folder.path()).kind, Kind::failed);
  ::chmod(folder.path().c_str(), 0755);
  DeliveryOrder order = order_for(DeliveryOrder::Kind::read_forward, "");
  order.home = folder.path();
  order.uid = 4242;  // neither this user's nor root's
  if (::geteuid() == 0) ::chown(path.c_str(), kNobody, kNobody);
  EXPECT_EQ(read_forward(order).kind, Kind::failed);
}

TEST(Forward, has_a_bound_and_is_a_plain_file) {
  const Folder folder;
  const std::string path = folder.path(".forward");
  write_file(path, std::string(kForwardSizeMax, '#'));
  ::chmod(path.c_str(), 0600);
  EXPECT_EQ(forward_in(folder.path()).text.size(), kForwardSizeMax);
  write_file(path, std::string(kForwardSizeMax + 1, '#'));
  EXPECT_EQ(forward_in(folder.path()).kind, Kind::failed);
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(forward_in(folder.path()).kind, Kind::failed) << "and it did not block";
  fs::remove(path);
  EXPECT_EQ(forward_in(folder.path("missing")).kind, Kind::deferred) << "a home that is not mounted";
}

}  // namespace
}  // namespace ringpost::deliver::local_test
