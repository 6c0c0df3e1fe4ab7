// The pickup directory on a core, with an intake that remembers what it was given.
#include "ringpost/inject/pickup.hpp"

#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "ringpost/inject/limits.hpp"
#include "ringpost/inject/pickup_format.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/scan/find.hpp"

#include "unit/inject/folder.hpp"
#include "unit/shard/fake_backend.hpp"

namespace ringpost::inject {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Taken {
  std::string body, sender, listener, protocol, user;
  std::vector<std::string> recipients;
  bool submission = false, eight_bit = false, smtputf8 = false;
};

class OnlyAnna final : public policy::Recipients {
 public:
  bool exists(std::string_view local_part, std::string_view) const override { return local_part == "anna"; }
  bool owned(std::string_view login, std::string_view local_part, std::string_view) const override {
    return login == local_part;
  }
};

class PickupTest : public testing::Test {
 protected:
  PickupTest() {
    settings_.hostname = "mx.example.com";
    settings_.origin = "example.com";
    settings_.directory = folder_.path("pickup");
    settings_.message_size_max = 10'000;
    policy::Policy::Settings rules;
    rules.hostname = "mx.example.com";
    rules.domains.local = {"example.com"};
    rules.recipients = std::make_shared<OnlyAnna>();
    settings_.policy = std::make_shared<policy::Policy>(rules);
  }
  ~PickupTest() override {
    if (pickup_) stop();
  }

  void use(io::Backend& backend) {
    core_.emplace(shard::Core::Parts{.backend = &backend});
    start();
  }
  void start() {
    pickup_.emplace(
        *core_,
        Pickup::Take([this](std::span<const std::byte> message, const intake::Origin& origin,
                            const mail::Envelope& envelope) { return take(message, origin, envelope); }),
        std::make_shared<PickupSettings>(settings_));
    core_->spawn(pickup_->run());
  }
  void stop() {
    pickup_->stop();
    for (int turns = 0; core_->live_tasks() > 0 && turns < 1000; ++turns) core_->turn(core_->now());
    EXPECT_EQ(core_->live_tasks(), 0U);
    pickup_.reset();
  }
  Task<intake::Verdict> take(std::span<const std::byte> message, const intake::Origin& origin,
                             const mail::Envelope& envelope) {
    co_await shard::Yield{*core_};
    if (!refusals_.empty()) {
      const auto refusal = refusals_.front();
      refusals_.pop_front();
      if (refusal) co_return intake::Verdict{{}, refusal};
    }
    Taken seen{.body = std::string(scan::as_text(message)),
               .sender = std::string(envelope.reverse_path()),
               .listener = std::string(origin.listener),
               .protocol = std::string(origin.protocol_override),
               .user = std::string(origin.auth_user),
               .submission = origin.submission,
               .eight_bit = envelope.body == mail::BodyKind::eight_bit_mime,
               .smtputf8 = envelope.smtputf8};
    for (std::size_t i = 0; i < envelope.recipient_count(); ++i)
      seen.recipients.emplace_back(envelope.recipient(i).address);
    taken_.push_back(std::move(seen));
    co_return intake::Verdict{MessageId{taken_.size()}, std::nullopt};
  }
  // Turns until `count` messages were taken and their files are gone.
  void run_until(std::size_t count) {
    for (int turns = 0; turns < 10'000 && (taken_.size() < count || !waiting_files().empty()); ++turns)
      core_->turn(core_->now() + std::chrono::milliseconds(100));
    EXPECT_EQ(taken_.size(), count);
    EXPECT_THAT(waiting_files(), IsEmpty());
  }
  void run_turns(int count) {
    for (int turns = 0; turns < count; ++turns) core_->turn(core_->now());
  }
  std::vector<std::string> waiting_files() {
    std::vector<std::string> names = files_in(settings_.directory);
    std::erase(names, "bad");
    return names;
  }
  void leave(PickupMessage message) {
    const auto name = write_pickup(settings_.directory, message);
    EXPECT_TRUE(name) << name.error().text;
  }
  static PickupMessage message(std::vector<std::string> recipients,
                               std::optional<std::string> sender = "anna@example.com") {
    PickupMessage made;
    made.sender = std::move(sender);
    for (std::string& recipient : recipients) made.recipients.push_back({std::move(recipient), {}});
    made.body = "Subject: x\n\nhello\n";
    return made;
  }
  std::vector<std::string> notices() {
    std::vector<std::string> texts;
    core_->events().drain([&](const observe::EventView& event) {
      if (event.type == observe::EventType::notice) texts.emplace_back(event.get(observe::EventKey::text));
    });
    return texts;
  }

  Folder folder_;
  PickupSettings settings_;
  shard::FakeBackend backend_;
  std::optional<shard::Core> core_;
  std::optional<Pickup> pickup_;
  std::vector<Taken> taken_;
  std::deque<std::optional<mail::Reply>> refusals_;  // of the next calls; none: it is taken
};

TEST_F(PickupTest, takes_what_was_left_while_the_server_was_stopped) {
  ASSERT_TRUE(prepare_pickup(settings_.directory, ::geteuid(), ::getegid()));
  leave(message({"bea@example.org", "anna"}));
  use(backend_);
  run_until(1);
  const Taken& taken = taken_.front();
  EXPECT_EQ(taken.body, "Subject: x\r\n\r\nhello\r\n");
  EXPECT_EQ(taken.sender, "anna@example.com");
  EXPECT_THAT(taken.recipients, ElementsAre("bea@example.org", "anna@example.com"));
  EXPECT_EQ(taken.listener, "pickup");
  EXPECT_EQ(taken.protocol, "local");
  EXPECT_TRUE(taken.submission);
}

TEST_F(PickupTest, sends_as_the_owner_of_the_file_when_no_sender_is_given) {
  use(backend_);
  run_turns(10);
  leave(message({"anna"}, std::nullopt));
  run_until(1);
  const std::string name = ::getpwuid(::geteuid())->pw_name;
  EXPECT_EQ(taken_.front().sender, name + "@example.com");
  EXPECT_EQ(taken_.front().user, name);
}

TEST_F(PickupTest, keeps_the_null_sender_and_marks_what_needs_8_bits_or_smtputf8) {
  use(backend_);
  run_turns(10);
  PickupMessage made = message({"anna"}, "");
  made.body = "Subject: x\n\n\xc3\xa4\n";
  leave(made);
  run_until(1);
  EXPECT_EQ(taken_.front().sender, "");
  EXPECT_TRUE(taken_.front().eight_bit);
  EXPECT_FALSE(taken_.front().smtputf8);
  leave(message({"b\xc3\xa4rbel@example.org"}));
  run_until(2);
  EXPECT_TRUE(taken_.back().smtputf8);
  EXPECT_FALSE(taken_.back().eight_bit);
}

TEST_F(PickupTest, reports_refused_recipients_to_the_sender_and_sends_to_the_others) {
  use(backend_);
  run_turns(10);
  leave(message({"nobody", "anna", "not an address@", "anna@example.com"}));
  run_until(2);
  EXPECT_THAT(taken_[0].recipients, ElementsAre("anna@example.com"));
  const Taken& report = taken_[1];
  EXPECT_EQ(report.sender, "");
  EXPECT_THAT(report.recipients, ElementsAre("anna@example.com"));
  EXPECT_EQ(report.listener, "report");
  EXPECT_THAT(report.body, HasSubstr("rfc822; nobody@example.com"));
  EXPECT_THAT(report.body, HasSubstr("5.1.1"));
  EXPECT_THAT(report.body, HasSubstr("5.1.3"));
  EXPECT_THAT(report.body, HasSubstr("Subject: x"));
}

TEST_F(PickupTest, reports_nothing_to_the_null_sender_or_where_none_is_wanted) {
  use(backend_);
  run_turns(10);
  leave(message({"nobody"}, ""));
  PickupMessage never = message({"nobody"});
  never.recipients.front().notify = {mail::Notify::kNever};
  leave(never);
  run_until(0);
}

TEST_F(PickupTest, reports_a_message_that_is_refused_for_good) {
  use(backend_);
  run_turns(10);
  refusals_ = {mail::Reply{554, {5, 4, 6}, "Too many hops"}};
  leave(message({"anna", "bea@example.org"}));
  run_until(1);
  EXPECT_EQ(taken_.front().sender, "");
  EXPECT_THAT(taken_.front().body, HasSubstr("Too many hops"));
  EXPECT_THAT(taken_.front().body, HasSubstr("bea@example.org"));
}

TEST_F(PickupTest, keeps_files_while_there_is_no_room_and_tries_again) {
  use(backend_);
  run_turns(10);
  refusals_ = {mail::Reply{452, {4, 3, 1}, "full"}, mail::Reply{451, {4, 3, 0}, "trouble"}};
  leave(message({"anna"}));
  const Instant before = core_->now();
  run_until(1);
  EXPECT_GE(core_->now() - before, 2 * kPickupRetry);
}

TEST_F(PickupTest, does_not_send_again_when_only_the_report_had_to_wait) {
  use(backend_);
  run_turns(10);
  refusals_ = {std::nullopt, mail::Reply{452, {4, 3, 1}, "full"}};
  leave(message({"anna", "nobody"}));
  run_until(2);
  EXPECT_EQ(taken_[0].listener, "pickup");
  EXPECT_EQ(taken_[1].listener, "report");
}

// One record of the spool holds an envelope, and a list may be longer.
TEST_F(PickupTest, sends_to_more_recipients_than_one_envelope_takes_and_to_nobody_twice) {
  use(backend_);
  run_turns(10);
  std::vector<std::string> everybody;
  for (int i = 0; i < 12'000; ++i)
    everybody.push_back(std::string(50, 'r') + std::to_string(i) + "@example.org");
  refusals_ = {std::nullopt,
               mail::Reply{452, {4, 3, 1}, "full"}};  // the first part is durable, the second waits
  leave(message(everybody));
  run_until(3);
  std::vector<std::string> reached;
  for (const Taken& part : taken_) {
    EXPECT_LE(part.recipients.size(), mail::kRecipientsMax);
    reached.insert(reached.end(), part.recipients.begin(), part.recipients.end());
  }
  EXPECT_EQ(reached, everybody);
}

TEST_F(PickupTest, moves_bad_files_away_with_a_notice) {
  use(backend_);
  run_turns(10);
  write_file(folder_.path("pickup/mail-1"), "garbage");
  leave(message({"anna"}, "no address@"));
  PickupMessage large = message({"anna"});
  large.body.assign(settings_.message_size_max + 1, 'a');
  leave(large);
  run_until(0);
  EXPECT_EQ(files_in(folder_.path("pickup/bad")).size(), 3U);
  const auto texts = notices();
  EXPECT_EQ(texts.size(), 3U);
  EXPECT_THAT(texts, testing::Contains(HasSubstr("sender")));
  EXPECT_THAT(texts, testing::Contains(HasSubstr("too large")));
}

TEST_F(PickupTest, takes_more_files_than_one_batch_has) {
  ASSERT_TRUE(prepare_pickup(settings_.directory, ::geteuid(), ::getegid()));
  for (std::size_t i = 0; i <= kPickupBatchMax; ++i) leave(message({"anna"}));
  use(backend_);
  run_until(kPickupBatchMax + 1);
}

TEST_F(PickupTest, complains_once_about_a_directory_that_cannot_be_used_and_goes_on_when_it_can) {
  settings_.directory = folder_.path("missing/pickup");
  use(backend_);
  for (int turns = 0; turns < 50; ++turns) core_->turn(core_->now() + kPickupRetry);
  EXPECT_EQ(notices().size(), 1U);
  std::filesystem::create_directory(folder_.path("missing"));
  for (int turns = 0; turns < 50 && !std::filesystem::exists(settings_.directory); ++turns)
    core_->turn(core_->now() + kPickupRetry);
  leave(message({"anna"}));
  run_until(1);
}

TEST_F(PickupTest, goes_on_after_a_restart) {
  use(backend_);
  run_turns(10);
  stop();
  leave(message({"anna"}));
  use(backend_);
  run_until(1);
}

// On a real core the clock would not pass the time of a rescan within the test: only the watch can tell.
TEST_F(PickupTest, is_told_of_new_files_at_once) {
  auto backend = io::make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend) << backend.error().text;
  use(**backend);
  run_turns(100);
  const Instant before = core_->now();
  leave(message({"anna"}));
  for (int turns = 0; taken_.empty() && turns < 10'000; ++turns)
    core_->turn(core_->now() + std::chrono::milliseconds(100));
  EXPECT_EQ(taken_.size(), 1U);
  EXPECT_LT(core_->now() - before, kPickupRescan);
  stop();
  core_.reset();
}

}  // namespace
}  // namespace ringpost::inject
