// The helper, as root where the tests run as root: then it acts as nobody.
#include "ringpost/deliver/helper.hpp"

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ringpost/deliver/local_limits.hpp"

#include "deliver/helper_protocol.hpp"
#include "deliver/local_runner.hpp"
#include "unit/deliver/local_world.hpp"

namespace ringpost::deliver::local_test {
namespace {

using testing::HasSubstr;
using Kind = DeliveryOutcome::Kind;

bool is_root() {
  return ::geteuid() == 0;
}

// A user whom the helper may act as: nobody for root, else ourselves.
struct Person {
  std::uint32_t uid = is_root() ? kNobody : ::geteuid();
  std::uint32_t gid = is_root() ? kNobody : ::getegid();
};

class HelperTest : public testing::Test {
 protected:
  HelperTest() {
    ::chmod(folder_.path().c_str(), 0755);
    fs::create_directory(home());
    give(home());
  }
  std::string home() { return folder_.path("home"); }
  void give(const std::string& path) {
    if (is_root()) EXPECT_EQ(::chown(path.c_str(), person_.uid, person_.gid), 0);
  }
  HelperClient& start(HelperSettings settings = {}) {
    settings.uid_min = std::min<std::uint32_t>(settings.uid_min, person_.uid);
    auto helper = start_helper(settings);
    EXPECT_TRUE(helper) << helper.error().text;
    helper_ = std::move(*helper);
    return *helper_;
  }
  DeliveryOrder order(DeliveryOrder::Kind kind, std::string target) {
    DeliveryOrder made = order_for(kind, std::move(target));
    made.uid = person_.uid;
    made.gid = person_.gid;
    made.home = home();
    return made;
  }
  DeliveryOutcome ask(const DeliveryOrder& what) {
    const SampleMessage message;
    SharedBody body(message.pieces());
    const auto reply = helper_->start(what, *body.file());
    if (!reply) return DeliveryOutcome::failed(0, {}, reply.error().text);
    return wait(*reply);
  }
  static DeliveryOutcome wait(int reply) {
    const Descriptor closing(reply);
    pollfd readable{reply, POLLIN, 0};
    EXPECT_EQ(::poll(&readable, 1, 60'000), 1);
    return HelperClient::finish(reply);
  }
  void put_forward(std::string_view text) {
    write_file(home() + "/.forward", text);
    ::chmod((home() + "/.forward").c_str(), 0600);
    give(home() + "/.forward");
  }

  Folder folder_;
  Person person_;
  std::unique_ptr<HelperClient> helper_;
};

TEST_F(HelperTest, delivers_into_a_home_as_its_owner) {
  start();
  const DeliveryOutcome outcome = ask(order(DeliveryOrder::Kind::maildir, home() + "/Maildir"));
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.reply.text;
  const auto files = files_in(home() + "/Maildir/new");
  ASSERT_EQ(files.size(), 1U);
  struct stat found{};
  ASSERT_EQ(::stat(files.front().c_str(), &found), 0);
  EXPECT_EQ(found.st_uid, person_.uid);
  EXPECT_EQ(found.st_gid, person_.gid);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::mbox, home() + "/mbox")).kind, Kind::done);
}

TEST_F(HelperTest, refuses_root_and_users_below_the_minimum) {
  start();
  DeliveryOrder root = order(DeliveryOrder::Kind::maildir, home() + "/Maildir");
  root.uid = 0;
  EXPECT_EQ(ask(root).reply.status, (mail::EnhancedStatus{4, 3, 5}));
  root = order(DeliveryOrder::Kind::maildir, home() + "/Maildir");
  root.gid = 0;
  EXPECT_THAT(ask(root).reply.text, HasSubstr("root"));
  if (!is_root()) return;
  DeliveryOrder low = order(DeliveryOrder::Kind::maildir, home() + "/Maildir");
  low.uid = 999;
  EXPECT_THAT(ask(low).reply.text, HasSubstr("system_uid_min"));
  EXPECT_FALSE(fs::exists(home() + "/Maildir"));
}

TEST_F(HelperTest, has_no_right_of_root_while_it_works) {
  if (!is_root()) GTEST_SKIP() << "needs root to drop it";
  start({.location = "pipe:id -u > ids; id -G >> ids; grep Cap /proc/self/status >> ids"});
  DeliveryOrder run =
      order(DeliveryOrder::Kind::command, "id -u > ids; id -G >> ids; grep Cap /proc/self/status >> ids");
  const DeliveryOutcome outcome = ask(run);
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.reply.text;
  const std::string ids = read_file(home() + "/ids");
  EXPECT_THAT(ids, testing::StartsWith("65534\n65534\n"));
  EXPECT_THAT(ids, HasSubstr("CapEff:\t0000000000000000"));
  // The other user's files are out of reach.
  write_file(folder_.path("secret"), "x");
  ::chmod(folder_.path("secret").c_str(), 0600);
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::mbox, folder_.path("secret"))).reply.status,
            (mail::EnhancedStatus{4, 3, 5}));
}

TEST_F(HelperTest, runs_only_commands_of_the_users_forward_or_of_the_configuration) {
  start({.location = "pipe:touch '" + home() + "/%u'"});
  put_forward("\"|touch " + home() + "/forwarded\"\n");
  DeliveryOrder forwarded = order(DeliveryOrder::Kind::command, "touch " + home() + "/forwarded");
  forwarded.from_forward = true;
  EXPECT_EQ(ask(forwarded).kind, Kind::done);
  EXPECT_TRUE(fs::exists(home() + "/forwarded"));
  forwarded.target = "touch " + home() + "/evil";
  EXPECT_THAT(ask(forwarded).reply.text, HasSubstr("no such command"));

  EXPECT_EQ(ask(order(DeliveryOrder::Kind::command, "touch '" + home() + "/anna'")).kind, Kind::done);
  EXPECT_TRUE(fs::exists(home() + "/anna"));
  EXPECT_THAT(ask(order(DeliveryOrder::Kind::command, "touch '" + home() + "/evil'")).reply.text,
              HasSubstr("restart"));
  EXPECT_FALSE(fs::exists(home() + "/evil"));
}

TEST_F(HelperTest, runs_any_command_for_the_service_user) {
  start({.service_uid = person_.uid, .service_gid = person_.gid});
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::command, "exit 0")).kind, Kind::done);
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::command, "exit 67")).reply.status,
            (mail::EnhancedStatus{5, 1, 1}));
}

TEST_F(HelperTest, refuses_homes_that_others_may_change) {
  start();
  const DeliveryOrder into_home = order(DeliveryOrder::Kind::maildir, home() + "/Maildir");
  ::chmod(home().c_str(), 0777);
  EXPECT_THAT(ask(into_home).reply.text, HasSubstr("everybody"));
  ::chmod(home().c_str(), 0755);
  if (is_root()) {
    ASSERT_EQ(::chown(home().c_str(), 4242, 4242), 0);
    EXPECT_THAT(ask(into_home).reply.text, HasSubstr("another user"));
    give(home());
  }
  fs::remove_all(home());
  EXPECT_EQ(ask(into_home).kind, Kind::deferred) << "not mounted";
  EXPECT_FALSE(fs::exists(home()));
}

TEST_F(HelperTest, reads_a_forward_file_as_its_owner) {
  start();
  ::chmod(home().c_str(), 0700);
  put_forward("x@example.org\n");
  DeliveryOrder read = order(DeliveryOrder::Kind::read_forward, "");
  const auto reply = helper_->start(read, -1);
  ASSERT_TRUE(reply);
  EXPECT_EQ(wait(*reply).text, "x@example.org\n");
}

TEST_F(HelperTest, reads_only_lists_that_the_users_forward_includes) {
  start();
  const std::string list = home() + "/friends";
  put_forward("x@example.org\n:include:" + list + "\n");
  for (const std::string& path : {list, home() + "/diary"}) {
    write_file(path, "secret@example.org\n");
    ::chmod(path.c_str(), 0600);
    give(path);
  }
  const auto read = [&](const std::string& path, std::uint32_t uid) {
    DeliveryOrder order = this->order(DeliveryOrder::Kind::read_include, path);
    order.from_forward = true;
    order.uid = uid;
    const auto reply = helper_->start(order, -1);
    EXPECT_TRUE(reply);
    return wait(*reply);
  };
  EXPECT_EQ(read(list, person_.uid).text, "secret@example.org\n");
  const DeliveryOutcome other = read(home() + "/diary", person_.uid);
  EXPECT_THAT(other.reply.text, HasSubstr("includes no such list"));
  EXPECT_EQ(other.text, "");
  EXPECT_THAT(read(list, 0).reply.text, HasSubstr("nothing is delivered as root"));
  if (!is_root()) return;
  ASSERT_EQ(::chown(list.c_str(), 4242, 4242), 0);
  ::chmod(list.c_str(), 0644);
  EXPECT_THAT(read(list, person_.uid).reply.text, HasSubstr("belongs to another user"));
}

TEST_F(HelperTest, wants_a_message_that_cannot_change_any_more) {
  start();
  const Descriptor open_file(::memfd_create("m", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const auto reply =
      helper_->start(order(DeliveryOrder::Kind::maildir, home() + "/Maildir"), open_file.get());
  ASSERT_TRUE(reply);
  EXPECT_THAT(wait(*reply).reply.text, HasSubstr("no message"));
  const Descriptor no_memory(::open("/dev/null", O_RDONLY));
  const auto second =
      helper_->start(order(DeliveryOrder::Kind::maildir, home() + "/Maildir"), no_memory.get());
  ASSERT_TRUE(second);
  EXPECT_THAT(wait(*second).reply.text, HasSubstr("no message"));
}

TEST_F(HelperTest, does_many_things_at_once) {
  start({.service_uid = person_.uid, .service_gid = person_.gid});
  const SampleMessage message;
  SharedBody body(message.pieces());
  const int file = *body.file();
  // Each waits for a file that the last one makes.
  std::vector<int> replies;
  for (int i = 0; i < 8; ++i)
    replies.push_back(*helper_->start(
        order(DeliveryOrder::Kind::command, "until test -e '" + home() + "/go'; do sleep 0.01; done"), file));
  replies.push_back(*helper_->start(order(DeliveryOrder::Kind::command, "touch '" + home() + "/go'"), file));
  for (const int reply : replies) EXPECT_EQ(wait(reply).kind, Kind::done);
}

TEST_F(HelperTest, ends_a_command_when_nobody_waits_for_it_any_more) {
  start({.service_uid = person_.uid, .service_gid = person_.gid});
  const SampleMessage message;
  SharedBody body(message.pieces());
  const int reply = *helper_->start(
      order(DeliveryOrder::Kind::command, "echo $$ > '" + home() + "/pid'; exec sleep 1000"), *body.file());
  while (read_file(home() + "/pid").empty()) ::usleep(1000);
  const int command = std::stoi(read_file(home() + "/pid"));
  ::close(reply);
  for (int tries = 0; ::kill(command, 0) == 0 && tries < 20'000; ++tries) ::usleep(1000);
  EXPECT_EQ(::kill(command, 0), -1);
}

TEST_F(HelperTest, ends_when_the_server_does) {
  const pid_t process = start().process();
  EXPECT_EQ(::kill(process, SIGTERM),
            0);  // of a stop of the whole service: no reason to leave before the server
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::maildir, home() + "/Maildir")).kind, Kind::done);
  helper_.reset();
  EXPECT_EQ(::kill(process, 0), -1);
}

TEST_F(HelperTest, that_died_defers_what_it_is_asked) {
  start();
  ::kill(helper_->process(), SIGKILL);
  ::waitpid(helper_->process(), nullptr, 0);
  const SampleMessage message;
  SharedBody body(message.pieces());
  const auto reply = helper_->start(order(DeliveryOrder::Kind::maildir, home() + "/Maildir"), *body.file());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::closed);
}

TEST_F(HelperTest, takes_orders_up_to_a_packet) {
  DeliveryOrder large = order(DeliveryOrder::Kind::maildir, "");
  const std::size_t without = encode(large)->size();
  large.target.assign(kHelperPacketMax - without, 'a');
  EXPECT_TRUE(encode(large));
  large.target += 'a';
  EXPECT_FALSE(encode(large));
}

TEST_F(HelperTest, survives_garbage) {
  start();
  for (const std::string& packet :
       {std::string("x"), std::string(kHelperPacketMax, '\xff'),
        encode(order(DeliveryOrder::Kind::maildir, std::string("/a\0b", 4))).value()})
    EXPECT_FALSE(decode_order(packet));
  const std::string good = *encode(order(DeliveryOrder::Kind::maildir, "/a"));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode_order(good.substr(0, size)));
  EXPECT_FALSE(decode_order(good + "x"));
  ASSERT_TRUE(decode_order(good));
  EXPECT_EQ(decode_order(good)->target, "/a");
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::maildir, std::string("/a\0b", 4))).kind, Kind::deferred);
  EXPECT_EQ(ask(order(DeliveryOrder::Kind::maildir, home() + "/Maildir")).kind, Kind::done) << "it lives";
}

TEST_F(HelperTest, gives_long_outcomes_back_cut) {
  DeliveryOutcome outcome = DeliveryOutcome::failed(550, {5, 1, 1}, std::string(100'000, 'x'));
  outcome.text.assign(kForwardSizeMax, 'f');
  const std::string packet = encode(outcome);
  EXPECT_LE(packet.size(), kHelperPacketMax);
  const auto back = decode_outcome(packet);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text, outcome.text);
  EXPECT_EQ(back->reply.status, outcome.reply.status);
}

// The whole way: a core that waits by polling, and the helper.
TEST_F(HelperTest, serves_the_core_that_delivers) {
  // Not as root, the service and anna are one and the same.
  HelperClient& helper = start({.service_uid = is_root() ? 0 : ::geteuid(),
                                .service_gid = is_root() ? 0 : ::getegid(),
                                .location = "maildir:~/Maildir"});
  auto backend = io::make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend) << backend.error().text;
  shard::Core core({.backend = backend->get()});
  put_forward("\\anna, x@example.org, \"|cat > " + home() + "/out\"\n");
  LocalWorld world(core, "maildir:~/Maildir", "run: \"|exit 69\"\n", &helper);
  accounts::User& anna = world.people->add("anna", home());
  anna.uid = person_.uid;
  anna.gid = person_.gid;
  const LocalResult result = world.deliver("anna@example.com");
  EXPECT_EQ(result.kind, LocalResult::Kind::forwarded) << result.reply.text;
  EXPECT_EQ(addresses(result.forward), std::vector<std::string>{"x@example.org"});
  EXPECT_EQ(files_in(home() + "/Maildir/new").size(), 1U);
  EXPECT_THAT(read_file(home() + "/out"), HasSubstr("Subject: hello"));
  EXPECT_EQ(world.deliver("run@example.com").kind, LocalResult::Kind::failed);
}

TEST_F(HelperTest, ends_commands_when_the_core_stops) {
  HelperClient& helper = start({.location = "pipe:echo $$ > pid; exec sleep 1000"});
  auto backend = io::make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend) << backend.error().text;
  shard::Core core({.backend = backend->get()});
  LocalRunner runner(core, &helper);
  // Not as root, it is an order for ourselves, which needs no helper and would hold this thread.
  if (!is_root()) GTEST_SKIP() << "needs root to act as somebody else";
  const SampleMessage message;
  SharedBody body(message.pieces());
  std::optional<DeliveryOutcome> outcome;
  core.spawn(keep(runner.run(order(DeliveryOrder::Kind::command, "echo $$ > pid; exec sleep 1000"), body),
                  &outcome));
  for (int turns = 0; read_file(home() + "/pid").empty() && turns < 100'000; ++turns)
    core.turn(core.now() + std::chrono::milliseconds(1));
  const int command = std::stoi(read_file(home() + "/pid"));
  runner.abort();
  for (int turns = 0; !outcome && turns < 100'000; ++turns)
    core.turn(core.now() + std::chrono::milliseconds(1));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->reply.status, (mail::EnhancedStatus{4, 3, 2}));
  for (int tries = 0; ::kill(command, 0) == 0 && tries < 20'000; ++tries) ::usleep(1000);
  EXPECT_EQ(::kill(command, 0), -1);
  outcome.reset();
  core.spawn(keep(runner.run(order(DeliveryOrder::Kind::maildir, home() + "/Maildir"), body), &outcome));
  EXPECT_TRUE(outcome) << "nothing new is begun";
}

}  // namespace
}  // namespace ringpost::deliver::local_test
