// Mail that ends here, and mail that an alias sends on.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/limits.hpp"

#include "mailbox_world.hpp"

namespace ringpost::deliver::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// anna has a mailbox; the rest is up to the aliases of the test.
class OneUser final : public accounts::Directory {
 public:
  const accounts::User* find(std::string_view local_part, std::string_view) const override {
    return local_part == "anna" ? &anna_ : nullptr;
  }
  const std::vector<std::string>* alias(std::string_view, std::string_view) const override { return nullptr; }

 private:
  accounts::User anna_{.name = "anna", .home = "", .uid = {}, .gid = {}};
};

class Mailbox : public MailboxWorld {
 protected:
  Mailbox() {
    world.zone("away.test MX 10 mx.away.test");
    world.zone("mx.away.test A 192.0.2.1");
  }

  void begin(std::string aliases, std::string location = {}) {
    MailboxWorld::begin(std::make_shared<const OneUser>(), std::move(aliases),
                      location.empty() ? fmt::format("maildir:{}/%n", folder().string()) : location);
  }
  std::string in_folder(std::string_view name) const { return (folder() / name).string(); }
  std::vector<std::string> mails_of(const std::string& user) {
    std::vector<std::string> mails;
    const fs::path folder = this->folder() / user / "new";
    if (!fs::exists(folder)) return mails;
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::ifstream file(entry.path());
      mails.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return mails;
  }
};

TEST_F(Mailbox, gets_the_mail_for_a_local_domain) {
  begin("");
  world.send({.to = {"anna@here.test"}});
  ASSERT_TRUE(emptied()) << world.log();
  const auto mails = mails_of("anna");
  ASSERT_EQ(mails.size(), 1U) << world.log();
  EXPECT_NE(mails[0].find("Return-Path: <sender@origin.test>"), std::string::npos) << mails[0];
  EXPECT_EQ(world.events("delivered").at(0).fields.at("route"), "local");
}

TEST_F(Mailbox, waits_for_a_flow_when_all_are_in_use) {
  world.settings().deliver.flows_max = 1;
  begin("one: anna\ntwo: anna\n");
  world.service().suspend("*");
  for (int i = 0; i < 3; ++i)
    for (const char* name : {"one", "two", "anna"}) world.send({.to = {fmt::format("{}@here.test", name)}});
  world.service().resume("*");
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(mails_of("anna").size(), 9U) << world.log();
}

// More busy mailboxes than there are places, and others that get one mail.
TEST_F(Mailbox, busy_ones_leave_room_for_the_others) {
  constexpr std::size_t kBusy = 4 * kLocalDeliveriesMax;
  constexpr std::size_t kEach = 4, kLate = 16;
  std::string aliases;
  for (std::size_t i = 0; i < kLate; ++i) aliases += fmt::format("late{}: anna\n", i);
  for (std::size_t i = 0; i < kBusy; ++i) aliases += fmt::format("busy{}: anna\n", i);
  begin(aliases);
  world.service().suspend("*");
  for (std::size_t i = 0; i < kBusy; ++i)
    for (std::size_t mail = 0; mail < kEach; ++mail) world.send({.to = {fmt::format("busy{}@here.test", i)}});
  std::set<std::string> late;
  for (std::size_t i = 0; i < kLate; ++i)
    late.insert(to_string(world.send({.to = {fmt::format("late{}@here.test", i)}})));
  world.service().resume("*");
  ASSERT_TRUE(emptied()) << world.log();
  const auto delivered = world.events("delivered");
  ASSERT_EQ(delivered.size(), kBusy * kEach + kLate);
  std::size_t last = 0;
  for (std::size_t i = 0; i < delivered.size(); ++i)
    if (late.contains(delivered[i].fields.at("queue_id"))) last = i;
  EXPECT_LT(last, kBusy * kEach / 2);
}

// All places were taken when its mail came, and then all flows: those that wait for a flow are many, and come again.
TEST_F(Mailbox, one_that_waits_for_a_place_has_its_turn_among_those_that_wait_for_a_flow) {
  constexpr std::size_t kBusy = kLocalDeliveriesMax / kLocalDeliveriesPerRecipientMax;
  constexpr std::size_t kOthers = 20, kEach = 10;
  world.settings().deliver.flows_max = kLocalDeliveriesMax + 1;
  world.add_peer("192.0.2.1").delay = 5min;
  std::string aliases = "late: anna\n";
  for (std::size_t i = 0; i < kBusy; ++i) aliases += fmt::format("busy{}: {}\n", i, in_folder("box"));
  for (std::size_t i = 0; i < kOthers; ++i) aliases += fmt::format("other{}: anna\n", i);
  begin(aliases);
  const auto flows = [&](std::size_t count) {
    return world.run_until([&] { return world.service().open_flows() == count; }, 1s);
  };
  std::ofstream(in_folder("box.lock")).put('1');
  for (std::size_t mail = 0; mail < kLocalDeliveriesPerRecipientMax; ++mail)
    for (std::size_t i = 0; i < kBusy; ++i) world.send({.to = {fmt::format("busy{}@here.test", i)}});
  ASSERT_TRUE(flows(kLocalDeliveriesMax));
  const MessageId late = world.send({.to = {"late@here.test"}});
  world.send({.to = {"somebody@away.test"}});
  ASSERT_TRUE(flows(kLocalDeliveriesMax + 1));
  for (std::size_t mail = 0; mail < kEach; ++mail)
    for (std::size_t i = 0; i < kOthers; ++i) world.send({.to = {fmt::format("other{}@here.test", i)}});
  fs::remove(in_folder("box.lock"));
  ASSERT_TRUE(emptied()) << world.log();
  const auto delivered = world.events("delivered");
  const auto place = std::ranges::find(delivered, to_string(late),
                                       [](const auto& event) { return event.fields.at("queue_id"); });
  ASSERT_NE(place, delivered.end());
  EXPECT_LT(place - delivered.begin(), static_cast<std::ptrdiff_t>(kOthers * kEach / 2));
}

TEST_F(Mailbox, an_unknown_user_bounces) {
  begin("");
  world.send({.from = "", .to = {"nobody@here.test"}});
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(world.events("bounced").at(0).fields.at("enhanced_status"), "5.1.1");
}

TEST_F(Mailbox, an_alias_sends_on_under_a_new_id_with_the_same_sender) {
  Peer& away = world.add_peer("192.0.2.1");
  begin("bert: bert@away.test\n");
  world.send({.to = {"bert@here.test"}});
  ASSERT_TRUE(emptied()) << world.log();
  ASSERT_EQ(away.mails.size(), 1U);
  EXPECT_TRUE(away.mails[0].from.starts_with("<sender@origin.test>"));
  EXPECT_EQ(away.mails[0].to, std::vector<std::string>{"<bert@away.test>"});
  EXPECT_NE(away.mails[0].body.find("Delivered-To: bert@here.test"), std::string::npos) << away.mails[0].body;
  EXPECT_EQ(world.figure("deliver_forwarded"), 1U);
  EXPECT_EQ(world.events("delivered").size(), 2U);
}

TEST_F(Mailbox, mail_that_an_alias_sends_in_circles_bounces) {
  begin("bert: bert@away.test\n");
  world.send(
      {.from = "", .to = {"bert@here.test"}, .body = "Delivered-To: bert@here.test\r\nSubject: x\r\n\r\n"});
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(world.events("bounced").at(0).fields.at("enhanced_status"), "5.4.6");
}

TEST_F(Mailbox, an_alias_to_several_reaches_all_and_is_reported_as_expanded) {
  Peer& away = world.add_peer("192.0.2.1");
  begin("team: anna, bert@away.test, carl@away.test\n");
  world.send({.from = "anna@here.test", .to = {"team@here.test"}, .notify = {mail::Notify::kSuccess}});
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(away.mails.size(), 1U);
  const auto mails = mails_of("anna");
  ASSERT_EQ(mails.size(), 2U) << world.log();
  EXPECT_TRUE(mails[0].find("Action: expanded") != std::string::npos ||
              mails[1].find("Action: expanded") != std::string::npos)
      << mails[0] << mails[1];
}

TEST_F(Mailbox, a_target_that_is_done_is_not_done_again_after_a_restart) {
  Peer* away = &world.add_peer("192.0.2.1");
  const std::string aliases =
      fmt::format("team: anna, bert@away.test, \"|test -e {} || exit 75\"\n", in_folder("go"));
  begin(aliases);
  const MessageId id = world.send({.to = {"team@here.test"}});
  ASSERT_TRUE(world.run_until([&] { return !world.events("deferred").empty(); }));
  world.run_for(10s);
  ASSERT_EQ(mails_of("anna").size(), 1U);
  ASSERT_EQ(away->mails.size(), 1U);
  power_cut();
  away = &world.add_peer("192.0.2.1");
  begin(aliases);
  EXPECT_EQ(world.outcomes(id).at(0).attempts, 1);
  std::ofstream(in_folder("go")).put('x');
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(mails_of("anna").size(), 1U) << "one copy";
  EXPECT_TRUE(away->mails.empty());
  EXPECT_EQ(world.outcomes(id).size(), 0U) << "it has ended";
}

TEST_F(Mailbox, a_restart_between_two_targets_repeats_none_that_is_done) {
  const std::string aliases = fmt::format("team: anna, {}\n", in_folder("box"));
  std::ofstream(in_folder("box.lock")).put('1');  // the second target waits for it
  begin(aliases);
  world.send({.to = {"team@here.test"}});
  ASSERT_TRUE(world.run_until([&] { return mails_of("anna").size() == 1; }));
  world.run_for(2s);
  ASSERT_TRUE(world.events("deferred").empty()) << "the attempt is still under way";
  power_cut();
  fs::remove(in_folder("box.lock"));
  begin(aliases);
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(mails_of("anna").size(), 1U) << "one copy";
  EXPECT_TRUE(fs::exists(in_folder("box")));
}

TEST_F(Mailbox, a_reload_repeats_no_target_that_is_done) {
  begin(fmt::format("team: anna, \"|test -e {} || exit 75\"\n", in_folder("go")));
  world.send({.to = {"team@here.test"}});
  ASSERT_TRUE(world.run_until([&] { return !world.events("deferred").empty(); }));
  world.service().reload(std::make_shared<const Settings>(world.settings()));
  world.run_for(1s);
  std::ofstream(in_folder("go")).put('x');
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(mails_of("anna").size(), 1U);
}

TEST_F(Mailbox, a_list_with_an_owner_sends_from_it_and_its_failures_come_back_to_it) {
  Peer& away = world.add_peer("192.0.2.1");
  away.answer = [](const std::string& line, unsigned) -> std::optional<std::string> {
    if (line.starts_with("RCPT TO:<bert@")) return "550 5.7.1 no lists here";
    return std::nullopt;
  };
  begin("news: anna, gone, bert@away.test\nowner-news: anna\n");
  world.send({.from = "author@away.test",
              .to = {"news@here.test"},
              .notify = {mail::Notify::kSuccess | mail::Notify::kFailure},
              .dsn_return = mail::DsnReturn::full});
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(count_lines(away, "MAIL FROM:<owner-news@here.test>"), 1U);
  // The author hears from the list that it has the mail, and nothing more.
  ASSERT_EQ(away.mails.size(), 1U);
  EXPECT_TRUE(away.mails[0].from.starts_with("<>"));
  EXPECT_EQ(away.mails[0].to, std::vector<std::string>{"<author@away.test>"});
  EXPECT_NE(away.mails[0].body.find("Action: delivered"), std::string::npos) << away.mails[0].body;
  std::size_t copies = 0, reports = 0;
  for (const std::string& mail : mails_of("anna")) {
    copies += mail.find("Return-Path: <owner-news@here.test>") != std::string::npos ? 1 : 0;
    reports += mail.find("Action: failed") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(copies, 1U);
  EXPECT_EQ(reports, 2U) << "of the two that failed, in reports of their own, to the owner";
}

TEST_F(Mailbox, a_command_of_a_list_that_fails_is_reported_to_its_owner) {
  world.add_peer("192.0.2.1");
  begin("news: \"|exit 67\"\nowner-news: anna\n");
  world.send({.from = "author@away.test", .to = {"news@here.test"}, .notify = {mail::Notify::kNever}});
  ASSERT_TRUE(emptied()) << world.log();
  const auto mails = mails_of("anna");
  ASSERT_EQ(mails.size(), 1U) << world.log();
  EXPECT_NE(mails[0].find("Final-Recipient: rfc822; news@here.test"), std::string::npos) << mails[0];
}

TEST_F(Mailbox, more_names_than_an_envelope_takes_go_in_several_messages) {
  std::string aliases = "all: x0@away.test";
  for (std::size_t i = 1; i <= mail::kRecipientsMax; ++i) aliases += fmt::format(", x{}@away.test", i);
  world.routes["away"] = {.match = {.domain = "away.test"}, .via = "discard"};
  begin(aliases + "\n");
  world.send({.to = {"all@here.test"}});
  ASSERT_TRUE(emptied()) << world.log();
  EXPECT_EQ(world.figure("deliver_forwarded"), 2U);
  EXPECT_EQ(world.figure("deliver_recipients_delivered"), mail::kRecipientsMax + 2);
}

TEST_F(Mailbox, an_lmtp_location_is_spoken_to_as_a_server) {
  Peer& box = world.add_peer("192.0.2.7", 24);
  box.lmtp = true;
  begin("", "lmtp:192.0.2.7:24");
  world.send({.to = {"anna@here.test"}});
  ASSERT_TRUE(emptied()) << world.log();
  ASSERT_EQ(box.mails.size(), 1U);
  EXPECT_EQ(box.mails[0].to, std::vector<std::string>{"<anna@here.test>"});
  EXPECT_EQ(count_lines(box, "LHLO"), 1U);
}

}  // namespace
}  // namespace ringpost::deliver::test
