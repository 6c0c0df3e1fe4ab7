// Bodies and envelopes at the sizes where they go another way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/intake/intake.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/scan/data_unstuffer.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::intake {
namespace {

using ringpost::testing::Machine;
using spool::testing::Station;
using ::testing::HasSubstr;

constexpr std::string_view kHeader = "Subject: brim\r\nTo: to@example.net\r\n\r\n";

// A message of exactly `size` bytes that ends with a line end.
std::string message_of(std::size_t size) {
  std::string text(kHeader);
  while (text.size() + 66 <= size) text += std::string(62, 'b') + "\r\n";
  text.resize(size - 2, 'c');
  return text + "\r\n";
}

std::string hops(unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i) text += "Received: from a by b; Sun, 29 Nov 2026 00:00:00 +0000\r\n";
  return text;
}

class IntakeAtTheBrim : public ::testing::Test {
 protected:
  IntakeAtTheBrim() {
    at.open();
    intake = std::make_unique<Intake>(machine.core(), *at.spool, std::make_shared<const Settings>(settings));
    envelope.set_reverse_path("from@example.org");
    envelope.add_recipient({.address = "to@example.net"});
  }
  ~IntakeAtTheBrim() override { at.close(); }

  Verdict take(std::string text, bool submission) {
    std::optional<Verdict> verdict;
    EXPECT_TRUE(machine.run(do_take(std::move(text), submission, verdict)));
    return *verdict;
  }
  Task<void> do_take(std::string text, bool submission, std::optional<Verdict>& verdict) {
    verdict = co_await intake->take(std::as_bytes(std::span(text)),
                                    {.listener = "test", .submission = submission}, envelope);
  }
  // As a session does that finds its block full and does not know yet whether more will come.
  Task<void> do_fill(std::string text, std::optional<Verdict>& verdict) {
    const Origin origin{.listener = "test", .submission = true};
    auto draft = intake->begin(origin, envelope, 0);
    scan::BodyFactsPass pass;
    std::span<const std::byte> rest = std::as_bytes(std::span(text));
    do {
      while (draft->space().empty()) {
        const auto refusal = co_await intake->more_room(*draft, origin, envelope);
        EXPECT_FALSE(refusal);
      }
      const std::size_t count = std::min(rest.size(), draft->space().size());
      pass.step(rest.first(count), draft->space().data());
      draft->advance(count);
      rest = rest.subspan(count);
    } while (!rest.empty() || draft->space().empty());
    verdict = co_await intake->finish(std::move(*draft), origin, envelope, pass.finish());
  }
  std::uint64_t figure(std::string_view name) { return machine.figure(name); }
  // Our Received field: as long for each message of this test.
  std::size_t received_size() {
    const Verdict verdict = take(message_of(100), false);
    return at.body(verdict.id).value().size() - 100;
  }
  // What was stored is the message, behind the fields that are ours, and the facts are true of it.
  void expect_stored(MessageId id, const std::string& message, bool submission) {
    const std::string stored = at.body(id).value();
    ASSERT_TRUE(stored.ends_with(message));
    const std::string added = stored.substr(0, stored.size() - message.size());
    EXPECT_TRUE(added.starts_with("Received: ")) << added;
    for (const char* field : {"\r\nDate: ", "\r\nMessage-ID: <", "\r\nFrom: <from@example.org>\r\n"})
      EXPECT_EQ(added.find(field) != std::string::npos, submission) << field << added;
    const auto loaded = at.load(id);
    const scan::BodyFacts& facts = loaded->envelope.facts().body;
    EXPECT_EQ(facts.size, stored.size());
    EXPECT_EQ(facts.separator_offset, added.size() + kHeader.size() - 2);
  }

  Machine machine{std::make_shared<io::SimWorld>(7)};
  Station at{machine};
  Settings settings{.hostname = "mx.example.com", .hops_max = 5};
  std::unique_ptr<Intake> intake;
  mail::Envelope envelope;
};

// The staging block holds our Received field and the body; what a submission lacks stands beside it.
TEST_F(IntakeAtTheBrim, a_body_that_fills_the_block_to_the_brim_is_whole_with_the_fields_added_to_it) {
  const std::size_t brim = kWholeBodyMax - received_size();
  for (const bool submission : {false, true}) {
    const std::string message = message_of(brim);
    const Verdict verdict = take(message, submission);
    ASSERT_FALSE(verdict.refusal) << verdict.refusal->text;
    expect_stored(verdict.id, message, submission);
  }
  EXPECT_EQ(figure("intake_streamed"), 0U);
}

TEST_F(IntakeAtTheBrim, one_byte_more_is_streamed_and_nothing_is_missing) {
  const std::size_t brim = kWholeBodyMax - received_size();
  std::uint64_t streamed = 0;
  for (const bool submission : {false, true}) {
    const std::string message = message_of(brim + 1);
    const Verdict verdict = take(message, submission);
    ASSERT_FALSE(verdict.refusal) << verdict.refusal->text;
    expect_stored(verdict.id, message, submission);
    EXPECT_EQ(figure("intake_streamed"), ++streamed);
  }
}

TEST_F(IntakeAtTheBrim, bodies_around_the_brim_survive_a_restart) {
  const std::size_t brim = kWholeBodyMax - received_size();
  std::vector<std::pair<MessageId, std::string>> all;
  for (const std::size_t size :
       {brim - 6000, brim - 1, brim, brim + 1, brim + kWholeBodyMax, brim + kWholeBodyMax + 1}) {
    all.emplace_back(take(message_of(size), true).id, message_of(size));
  }
  intake.reset();
  at.reopen();
  for (const auto& [id, message] : all) expect_stored(id, message, true);
}

TEST_F(IntakeAtTheBrim, a_full_block_with_nothing_behind_it_is_a_whole_message) {
  const std::string message = message_of(kWholeBodyMax - received_size());
  std::optional<Verdict> verdict;
  EXPECT_TRUE(machine.run(do_fill(message, verdict)));
  ASSERT_FALSE(verdict->refusal) << verdict->refusal->text;
  expect_stored(verdict->id, message, true);
}

TEST_F(IntakeAtTheBrim, counts_the_hops_and_refuses_one_too_many) {
  EXPECT_FALSE(take(hops(5) + message_of(100), false).refusal);
  const Verdict refused = take(hops(6) + message_of(100), false);
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, 554);
  EXPECT_EQ(refused.refusal->status, (mail::EnhancedStatus{5, 4, 6}));
  EXPECT_EQ(figure("intake_refused_loop"), 1U);
  EXPECT_FALSE(at.spool->contains(refused.id));
  // A streamed one too.
  EXPECT_TRUE(take(hops(6) + message_of(2 * kWholeBodyMax), false).refusal);
}

// However long the addresses: an envelope that is taken fits its frame beside the largest body.
TEST_F(IntakeAtTheBrim, the_largest_envelope_is_taken_with_the_largest_whole_body) {
  envelope.clear();
  envelope.set_reverse_path("from@example.org");
  std::string address = "1000000@" + std::string(mail::kEnvelopeTextTaken / mail::kRecipientsMax - 9, 'e');
  for (std::size_t i = 0; envelope.has_room({.address = address}); ++i) {
    address.replace(0, 7, std::to_string(1'000'000 + i));
    envelope.add_recipient({.address = address});
  }
  EXPECT_EQ(envelope.recipient_count(), mail::kRecipientsMax);
  const std::string message = message_of(kWholeBodyMax - 500);
  const Verdict verdict = take(message, true);
  ASSERT_FALSE(verdict.refusal) << verdict.refusal->text;
  EXPECT_EQ(figure("intake_streamed"), 0U);
  expect_stored(verdict.id, message, true);
}

}  // namespace
}  // namespace ringpost::intake
