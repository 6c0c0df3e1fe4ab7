// From an envelope and a body to a durable message, and to the reply when there is none.
#include "ringpost/intake/intake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::intake {
namespace {

using spool::testing::Machine;
using spool::testing::Station;
using spool::testing::WriteFault;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint64_t kFirstFrame = 8192;  // of a segment; before it are headers
const std::string kMail = "From: anna@example.com\r\nSubject: x\r\n\r\nhello\r\n";

class IntakeTest : public ::testing::Test {
 protected:
  ~IntakeTest() override {
    intake_.reset();
    at_.close();
  }
  void open() {
    at_.open();
    intake_ = std::make_unique<Intake>(machine_.core(), *at_.spool,
                                       std::make_shared<const Settings>(Settings{.hostname = "mx.example"}));
  }
  static mail::Envelope envelope(std::size_t recipients = 1) {
    mail::Envelope made;
    made.set_reverse_path("anna@example.com");
    for (std::size_t i = 0; i < recipients; ++i)
      made.add_recipient({.address = std::to_string(i) + "@example.org"});
    return made;
  }
  Task<void> do_take(std::string text, Origin origin, mail::Envelope to, std::optional<Verdict>& verdict) {
    verdict = co_await intake_->take(std::as_bytes(std::span(text)), origin, to);
  }
  Verdict take(std::string text, Origin origin = {}, mail::Envelope to = envelope()) {
    std::optional<Verdict> verdict;
    EXPECT_TRUE(machine_.run(do_take(std::move(text), origin, std::move(to), verdict)));
    return std::move(*verdict);
  }
  std::string stored(const Verdict& verdict) {
    EXPECT_FALSE(verdict.refusal) << mail::to_string(*verdict.refusal);
    return verdict.refusal ? "" : at_.body(verdict.id).value();
  }
  void expect_refused(const Verdict& verdict, int code, std::string_view status) {
    ASSERT_TRUE(verdict.refusal);
    EXPECT_EQ(verdict.refusal->code, code);
    EXPECT_EQ(mail::to_string(verdict.refusal->status), status);
    machine_.turns(5);
    EXPECT_EQ(at_.spool->message_count(), 0U);
    EXPECT_TRUE(at_.recorder.heard.empty());
  }
  // Every write of a frame fails, from now on.
  void break_disk() {
    machine_.backend().on_write = [](const io::Op& op) -> std::optional<WriteFault> {
      if (op.offset < kFirstFrame) return std::nullopt;
      return WriteFault{.result = -EIO};
    };
  }

  Machine machine_{std::make_shared<io::SimWorld>(3)};
  Station at_{machine_};
  std::unique_ptr<Intake> intake_;
};

TEST_F(IntakeTest, stores_the_message_behind_our_received_field) {
  open();
  const auto text = stored(take(kMail, {.peer = IpAddress::ipv4(192, 0, 2, 7), .helo = "client.example"}));
  EXPECT_THAT(text, StartsWith("Received: from client.example "));
  EXPECT_THAT(text, HasSubstr("[192.0.2.7]"));
  EXPECT_THAT(text, HasSubstr("by mx.example"));
  EXPECT_THAT(text, EndsWith("\r\n" + kMail));
}

TEST_F(IntakeTest, adds_what_a_submission_lacks_and_nothing_to_other_mail) {
  open();
  EXPECT_THAT(stored(take(kMail)), Not(HasSubstr("Date:")));
  const auto text = stored(take(kMail, {.submission = true}));
  EXPECT_THAT(text, HasSubstr("\r\nDate: "));
  EXPECT_THAT(text, HasSubstr("\r\nMessage-ID: <"));
  EXPECT_THAT(text, EndsWith(kMail));
}

TEST_F(IntakeTest, streams_what_no_block_holds) {
  open();
  const std::string large = kMail + std::string(3 * kWholeBodyMax, 'x') + "\r\n";
  EXPECT_THAT(stored(take(large)), EndsWith(large));
}

TEST_F(IntakeTest, answers_451_when_the_disk_fails_and_leaves_nothing) {
  for (const std::string& text : {kMail, kMail + std::string(3 * kWholeBodyMax, 'x') + "\r\n"}) {
    open();
    break_disk();
    expect_refused(take(text), 451, "4.3.0");
    machine_.backend().on_write = nullptr;
    intake_.reset();
    at_.close();
    machine_.restart();
  }
}

TEST_F(IntakeTest, answers_452_when_there_is_no_room) {
  at_.options.free_space_min = Percent{100};
  open();
  expect_refused(take(kMail), 452, "4.3.1");
  ASSERT_TRUE(intake_->refuse_when_full());
  EXPECT_EQ(intake_->refuse_when_full()->code, 452);
}

// It would be the same at every attempt: who sent it must know, and not try for ever.
TEST_F(IntakeTest, refuses_for_good_what_will_never_fit) {
  open();
  mail::Envelope wide = envelope();
  const std::string domain(250, 'd');
  for (unsigned i = 1; i < 7000; ++i) wide.add_recipient({.address = std::to_string(i) + "@" + domain});
  expect_refused(take(kMail, {}, std::move(wide)), 552, "5.3.4");
}

TEST_F(IntakeTest, counts_hops_and_ends_circles) {
  open();
  std::string traced = kMail;
  for (int i = 0; i < 50; ++i) traced.insert(0, "Received: by somebody\r\n");
  EXPECT_THAT(stored(take(traced)), EndsWith(traced));
  const auto verdict = take("Received: by somebody\r\n" + traced);
  ASSERT_TRUE(verdict.refusal);
  EXPECT_EQ(verdict.refusal->code, 554);
  EXPECT_EQ(mail::to_string(verdict.refusal->status), "5.4.6");
}

}  // namespace
}  // namespace ringpost::intake
