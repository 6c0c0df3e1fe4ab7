// An alias with more targets than the queue keeps as finished, of which one must wait: the others get the mail once.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/spool/limits.hpp"

#include "mailbox_world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Users u0, u1, ...
class ManyUsers final : public accounts::Directory {
 public:
  explicit ManyUsers(std::size_t count) : users_(count) {
    for (std::size_t i = 0; i < count; ++i) users_[i].name = fmt::format("u{}", i);
  }
  const accounts::User* find(std::string_view local_part, std::string_view) const override {
    const auto found = std::ranges::find(users_, local_part, &accounts::User::name);
    return found == users_.end() ? nullptr : &*found;
  }
  const std::vector<std::string>* alias(std::string_view, std::string_view) const override { return nullptr; }

 private:
  std::vector<accounts::User> users_;
};

class LargeAlias : public MailboxWorld {
 protected:
  // So many that an attempt is told of several that they are not kept.
  static constexpr std::size_t kUsers = spool::kFinishedTargetsMax + 5;

  LargeAlias() {
    world.keeps_mailboxes = true;
    world.routes["away"] = {.match = {.domain = "away.test"}, .via = "discard"};
  }

  void begin(const std::string& targets) {
    MailboxWorld::begin(users_, fmt::format("all: {}\n", targets), "store");
  }

  static std::string names(std::string_view beginning, std::size_t count, std::string_view domain = "") {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += fmt::format("{}{}{}, ", beginning, i, domain);
    return all;
  }
  std::string command(std::string_view name = "go") const {
    return fmt::format("\"|test -e {} || exit 75\"", (folder() / name).string());
  }
  fs::path out() const { return folder() / "out"; }
  void let_it_go(std::string_view name = "go") { std::ofstream(folder() / name).put('x'); }

  bool attempts(std::size_t count) {
    return world.run_until([&] { return world.events("deferred").size() >= count; }, 10h);
  }
  bool emptied() { return MailboxWorld::emptied(10h); }
  std::size_t mails_of(const std::string& user) {
    auto opened = world.ask(world.store().open(user));
    EXPECT_TRUE(opened);
    const store::Mailbox* inbox = opened ? (*opened)->find("INBOX") : nullptr;
    return inbox == nullptr ? 0 : inbox->count();
  }
  void expect_one_mail_for_each() {
    for (std::size_t i = 0; i < kUsers; ++i) ASSERT_EQ(mails_of(fmt::format("u{}", i)), 1U) << i;
  }
  // Whether the store would take it for a repeat. If not, it is there once more.
  bool knows(std::size_t user, MessageId id) {
    const std::string name = fmt::format("u{}", user);
    const std::string text = "Subject: again\r\n\r\n";
    const std::array pieces{std::as_bytes(std::span(text))};
    const auto delivered =
        world.ask(world.store().deliver({.user = name, .message = {.pieces = pieces}, .origin = {id, 0}}));
    EXPECT_TRUE(delivered);
    return delivered && !delivered->uid;
  }

  std::shared_ptr<const ManyUsers> users_ = std::make_shared<const ManyUsers>(kUsers);
};

TEST_F(LargeAlias, brings_each_mailbox_one_mail_however_often_another_target_fails) {
  begin(names("u", kUsers) + command());
  const MessageId id = world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(attempts(3)) << world.log();
  world.run_for(1s);
  EXPECT_EQ(world.figure("store_delivered"), kUsers);
  EXPECT_EQ(world.figure("store_repeated"), 2 * kUsers);
  let_it_go();
  ASSERT_TRUE(emptied()) << world.log();
  world.run_for(1s);
  expect_one_mail_for_each();
  // Nothing can come again, so nothing is remembered.
  EXPECT_FALSE(knows(0, id));
  EXPECT_FALSE(knows(kUsers - 1, id));
}

TEST_F(LargeAlias, brings_each_mailbox_one_mail_over_a_restart) {
  const std::string targets = names("u", kUsers) + command();
  begin(targets);
  const MessageId id = world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(attempts(1)) << world.log();
  world.run_for(1s);
  power_cut();
  begin(targets);
  world.run_for(1s);
  let_it_go();
  ASSERT_TRUE(emptied()) << world.log();
  world.run_for(1s);
  expect_one_mail_for_each();
  EXPECT_FALSE(knows(kUsers - 1, id));
}

// Else a user of an alias with a target that never works would have an origin of each of its mails.
TEST_F(LargeAlias, lets_the_stores_forget_at_once_when_they_are_few) {
  begin(names("u", kStoredNamedMax) + command());
  const MessageId id = world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(attempts(2)) << world.log();
  world.run_for(1s);
  EXPECT_EQ(world.figure("store_delivered"), kStoredNamedMax);
  EXPECT_EQ(world.figure("store_repeated"), 0U);
  EXPECT_FALSE(knows(kStoredNamedMax - 1, id));
}

// It ends without an attempt that could confirm: the store asks after the next start.
TEST_F(LargeAlias, is_forgotten_by_the_store_after_it_was_cancelled) {
  const std::string targets = names("u", kUsers) + command();
  begin(targets);
  const MessageId id = world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(attempts(1)) << world.log();
  world.run_for(1s);
  ASSERT_EQ(world.ask(world.service().cancel({.id = id})), 1U);
  ASSERT_TRUE(emptied());
  world.run_for(1s);  // its end is durable
  power_cut();
  begin(targets);
  world.run_for(1s);
  EXPECT_FALSE(knows(kUsers - 1, id));
}

// The service ends when nothing is left to do, and the last thing is that the store forgets.
TEST_F(LargeAlias, lets_the_service_end_when_the_store_has_been_told_last) {
  begin("u0");
  world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(emptied()) << world.log();
  world.end();
}

// Of the store's mailboxes the store knows what it has; of a command only the queue does.
TEST_F(LargeAlias, keeps_room_for_what_only_the_queue_can_know) {
  const std::string once = fmt::format("\"|echo x >>{}\"", out().string());
  begin(names("u", kUsers) + fmt::format("x@away.test, {}, {}", once, command()));
  world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(attempts(3)) << world.log();
  let_it_go();
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(fs::file_size(out()), 2U);
  EXPECT_EQ(world.figure("deliver_forwarded"), 1U);
}

TEST_F(LargeAlias, sends_on_to_each_address_once) {
  begin(names("x", kUsers, "@away.test") + command());
  world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(attempts(3)) << world.log();
  let_it_go();
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(world.figure("deliver_forwarded"), 1U);
}

// The alias is changed while its recipient waits.
class LargeAliasThatChanges : public LargeAlias {
 protected:
  // Recipients of what goes out after `count` addresses have become one more.
  std::uint64_t sent_after_one_more(std::size_t count) {
    begin(names("x", count, "@away.test") + command());
    world.send({.to = {"all@here.test"}});
    EXPECT_TRUE(attempts(1)) << world.log();
    world.run_for(1s);
    EXPECT_EQ(world.figure("deliver_recipients_delivered"), count);
    power_cut();
    let_it_go();
    begin(names("x", count + 1, "@away.test") + command());
    const std::uint64_t before = world.figure("deliver_recipients_delivered");
    EXPECT_TRUE(emptied()) << world.log();
    return world.figure("deliver_recipients_delivered") - before - 1;  // the alias itself
  }
};

TEST_F(LargeAliasThatChanges, sends_only_to_the_new_address_when_each_is_known_by_itself) {
  EXPECT_EQ(sent_after_one_more(kForwardsNamedMax), 1U);
}

TEST_F(LargeAliasThatChanges, sends_to_all_again_when_they_are_known_by_their_message) {
  EXPECT_EQ(sent_after_one_more(kForwardsNamedMax + 1), kForwardsNamedMax + 2);
}

}  // namespace
}  // namespace ringpost::deliver::test
