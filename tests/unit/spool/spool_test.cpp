#include <sys/stat.h>

#include "ringpost/journal/limits.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/spool/limits.hpp"

#include "spool/identity.hpp"
#include "spool/records.hpp"
#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

using ::testing::ElementsAre;
using Mail = Station::Mail;

TEST_P(SpoolTest, announces_a_message_once_it_is_durable) {
  at->open();
  const MessageId id = at->accept("Subject: a\r\n\r\nbody\r\n");
  machine->turns(1);
  ASSERT_EQ(at->recorder.heard.size(), 1U);
  const Heard& heard = at->recorder.heard[0];
  EXPECT_EQ(heard.id, id);
  EXPECT_EQ(heard.sender, "from@example.org");
  EXPECT_THAT(heard.recipients, ElementsAre("to@example.net"));
  ASSERT_EQ(heard.outcomes.size(), 1U);
  EXPECT_EQ(heard.outcomes[0].state, RecipientState::pending);
  EXPECT_FALSE(heard.recovered);
  EXPECT_EQ(at->body(id).value(), "Subject: a\r\n\r\nbody\r\n");
  EXPECT_TRUE(at->spool->contains(id));
}

TEST_P(SpoolTest, announces_what_is_left_after_a_restart) {
  at->open();
  const MessageId first = at->accept("first", {.recipients = {"a@x.org", "b@x.org", "c@x.org"}});
  const MessageId second = at->accept("second");
  const MessageId ended = at->accept("ended");
  at->record(first, 1, RecipientState::delivered);
  at->record(first, 2, RecipientState::pending, 3);
  at->record(ended, 0, RecipientState::bounced);
  EXPECT_TRUE(at->flush());
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 2U);
  EXPECT_FALSE(at->spool->contains(ended));
  ASSERT_EQ(at->recorder.heard.size(), 2U);
  EXPECT_EQ(at->recorder.heard[0].id, first);
  EXPECT_EQ(at->recorder.heard[1].id, second);
  EXPECT_TRUE(at->recorder.heard[0].recovered);
  const auto& outcomes = at->recorder.heard[0].outcomes;
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(outcomes[0].state, RecipientState::pending);
  EXPECT_EQ(outcomes[0].attempts, 0);
  EXPECT_EQ(outcomes[1].state, RecipientState::delivered);
  EXPECT_EQ(outcomes[2].attempts, 3);
  EXPECT_EQ(outcomes[2].next_attempt.nanoseconds, 1003 * 1000);
  EXPECT_EQ(outcomes[2].code, 450);
  EXPECT_EQ(at->body(first).value(), "first");
  EXPECT_THAT(at->load(first)->envelope.recipient(2).address, "c@x.org");
}

TEST_P(SpoolTest, never_gives_an_id_twice) {
  at->open();
  const MessageId before = at->spool->next_id();
  EXPECT_LT(before, at->spool->next_id());
  at->reopen();
  EXPECT_LT(before.epoch(), at->spool->next_id().epoch());
}

TEST_P(SpoolTest, keeps_a_final_state) {
  at->open();
  const MessageId id = at->accept("x", {.recipients = {"a@x.org", "b@x.org"}});
  at->record(id, 0, RecipientState::delivered);
  at->record(id, 0, RecipientState::pending, 9);
  at->record(id, 7, RecipientState::bounced);  // no such recipient
  at->record({12345}, 0, RecipientState::bounced);
  const auto loaded = at->load(id);
  EXPECT_EQ(loaded->outcomes[0].state, RecipientState::delivered);
  EXPECT_TRUE(at->spool->contains(id));
  at->record(id, 1, RecipientState::expired);
  EXPECT_FALSE(at->spool->contains(id));
  EXPECT_FALSE(at->load(id));
}

TEST_P(SpoolTest, takes_the_largest_record_and_refuses_one_byte_more) {
  at->open();
  const std::string largest(kWholeMessageMax, 'l');
  const MessageId id = at->accept(largest);
  const auto refused = at->try_accept(largest + "x", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::permanent);
  EXPECT_EQ(at->body(id).value(), largest);
  at->reopen();
  EXPECT_EQ(at->body(id).value(), largest);
  EXPECT_EQ(at->part(id, kWholeMessageMax - 10, 20).value(), std::string(10, 'l'));
}

TEST_P(SpoolTest, takes_a_message_without_a_byte) {
  at->open();
  const MessageId id = at->accept("");
  EXPECT_EQ(at->body(id).value(), "");
  at->reopen();
  EXPECT_EQ(at->body(id).value(), "");
}

TEST_P(SpoolTest, keeps_a_message_at_level_memory_off_the_disk_until_it_is_deferred) {
  at->open();
  const MessageId gone = at->accept("gone", {.level = mail::Durability::memory});
  const MessageId kept =
      at->accept("kept", {.recipients = {"a@x.org", "b@x.org"}, .level = mail::Durability::memory});
  machine->turns(3);
  EXPECT_EQ(at->recorder.heard.size(), 2U);
  EXPECT_EQ(at->spool->log().frames_committed(), 0U);
  EXPECT_EQ(at->body(kept).value(), "kept");
  at->record(gone, 0, RecipientState::delivered);
  EXPECT_FALSE(at->spool->contains(gone));
  machine->turns(3);
  EXPECT_EQ(at->spool->log().frames_committed(), 0U);
  at->record(kept, 0, RecipientState::pending);
  EXPECT_TRUE(at->flush());
  EXPECT_EQ(at->spool->log().frames_committed(), 1U);
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 1U);
  EXPECT_EQ(at->body(kept).value(), "kept");
  EXPECT_EQ(at->recorder.heard[0].outcomes[0].attempts, 1);
}

TEST_P(SpoolTest, writes_what_level_memory_holds_when_it_closes) {
  at->open();
  const MessageId id = at->accept("held", {.level = mail::Durability::memory});
  at->reopen();
  EXPECT_EQ(at->body(id).value(), "held");
  EXPECT_EQ(at->recorder.count(id), 1U);
}

TEST_P(SpoolTest, never_writes_a_message_at_level_through) {
  at->open();
  const MessageId id = at->accept(std::string(700'000, 'x'),
                                  {.recipients = {"a@x.org", "b@x.org"}, .level = mail::Durability::through});
  const MessageId left = at->accept("left", {.level = mail::Durability::through});
  machine->turns(3);
  EXPECT_EQ(at->recorder.heard.size(), 2U);
  EXPECT_EQ(at->body(id).value(), std::string(700'000, 'x'));
  at->record(id, 0, RecipientState::cancelled);
  EXPECT_TRUE(at->flush());
  EXPECT_TRUE(at->spool->contains(id));
  at->record(id, 1, RecipientState::delivered);
  EXPECT_FALSE(at->spool->contains(id));
  EXPECT_TRUE(at->flush());
  EXPECT_EQ(at->spool->log().frames_committed(), 0U);
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 0U);
  EXPECT_FALSE(at->spool->contains(left));
}

TEST_P(SpoolTest, refuses_at_level_through_what_is_too_large_for_memory) {
  at->open();
  const auto refused =
      at->try_accept(std::string(static_cast<std::size_t>(kThroughMessageMax.count) + 1, 'x'),
                     {.level = mail::Durability::through});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::permanent);
  EXPECT_EQ(at->spool->message_count(), 0U);
}

TEST_P(SpoolTest, resumes_at_level_relaxed_before_the_write) {
  at->open();
  const MessageId id = at->accept("relaxed", {.level = mail::Durability::relaxed});
  EXPECT_EQ(at->spool->log().frames_committed(), 0U);
  EXPECT_EQ(at->recorder.heard.size(), 0U);
  ASSERT_TRUE(machine->turn_until([&] { return !at->recorder.heard.empty(); }));
  EXPECT_EQ(at->spool->log().frames_committed(), 1U);
  at->reopen();
  EXPECT_EQ(at->body(id).value(), "relaxed");
}

TEST_P(SpoolTest, writes_a_relaxed_message_again_when_its_frame_fails_at_the_end) {
  at->open();
  at->accept("before");
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < 8192 || frames++ != 0) return std::nullopt;
    return WriteFault{};
  };
  const MessageId id = at->accept("relaxed", {.level = mail::Durability::relaxed});
  at->reopen();
  EXPECT_GT(frames, 1U);
  EXPECT_EQ(at->body(id).value_or(""), "relaxed");
}

TEST_P(SpoolTest, lists_ids_in_order_and_in_pages) {
  at->open();
  std::vector<MessageId> all;
  for (int i = 0; i < 25; ++i) all.push_back(at->accept("m" + std::to_string(i)));
  std::vector<MessageId> listed;
  MessageId after;
  while (true) {
    const auto page = at->spool->ids(after, 10);
    if (page.empty()) break;
    EXPECT_LE(page.size(), 10U);
    listed.insert(listed.end(), page.begin(), page.end());
    after = page.back();
  }
  EXPECT_EQ(listed, all);
  EXPECT_TRUE(at->spool->ids({}, 0).empty());
}

TEST_P(SpoolTest, writes_many_outcomes_as_changes_and_reads_them_all_back) {
  at->open();
  Mail mail;
  mail.recipients.clear();
  for (int i = 0; i < 300; ++i) mail.recipients.push_back("r" + std::to_string(i) + "@x.org");
  const MessageId id = at->accept("many", mail);
  for (std::uint32_t i = 0; i < 299; ++i)
    at->record(id, i * 7 % 300, i % 3 == 0 ? RecipientState::pending : RecipientState::delivered,
               static_cast<std::uint16_t>(i + 1));
  const auto before = at->load(id)->outcomes;
  at->reopen();
  ASSERT_EQ(at->recorder.heard.size(), 1U);
  const auto& after = at->recorder.heard[0].outcomes;
  ASSERT_EQ(after.size(), 300U);
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(after[i].state, before[i].state);
    EXPECT_EQ(after[i].attempts, before[i].attempts);
  }
  for (std::uint32_t i = 0; i < 300; ++i) at->record(id, i, RecipientState::expired);
  EXPECT_FALSE(at->spool->contains(id));
  machine->turns(20);
  EXPECT_EQ(at->spool->log().space().live_bytes, 0U);
}

TEST_P(SpoolTest, keeps_finished_targets_until_their_recipient_is_final) {
  at->open();
  const MessageId id = at->accept("x", {.recipients = {"a@example.net", "b@example.net"}});
  const std::vector<FinishedTarget> all{{0, 7}, {1, 7}, {0, ~std::uint64_t{0}}};
  for (const FinishedTarget& target : all) at->spool->record(id, target);
  at->spool->record(id, all[0]);                // known
  at->spool->record(id, FinishedTarget{2, 1});  // no such recipient
  at->record(id, 0, RecipientState::pending, 3);
  EXPECT_EQ(at->load(id)->finished, all);
  at->reopen();
  EXPECT_EQ(at->load(id)->finished, all);
  EXPECT_EQ(at->load(id)->outcomes[0].attempts, 3);
  at->record(id, 0, RecipientState::delivered);
  at->spool->record(id, FinishedTarget{0, 9});
  EXPECT_EQ(at->load(id)->finished, (std::vector<FinishedTarget>{{1, 7}}));
  at->reopen();
  EXPECT_EQ(at->load(id)->finished, (std::vector<FinishedTarget>{{1, 7}}));
  at->record(id, 1, RecipientState::delivered);
  EXPECT_FALSE(at->spool->contains(id));
  machine->turns(20);
  EXPECT_EQ(at->spool->log().space().live_bytes, 0U);
}

TEST_P(SpoolTest, keeps_finished_targets_up_to_their_bound) {
  at->open();
  const MessageId id = at->accept("x");
  for (std::uint64_t i = 0; i < kFinishedTargetsMax; ++i) at->spool->record(id, FinishedTarget{0, i});
  EXPECT_EQ(at->load(id)->finished.size(), kFinishedTargetsMax);
  at->spool->record(id, FinishedTarget{0, kFinishedTargetsMax});
  EXPECT_EQ(at->load(id)->finished.size(), kFinishedTargetsMax);
  at->reopen();
  EXPECT_EQ(at->load(id)->finished.size(), kFinishedTargetsMax);
}

TEST_P(SpoolTest, writes_finished_targets_again_when_their_frame_failed) {
  at->open();
  const MessageId id = at->accept("x");
  machine->turns(2);
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < 8192 || frames++ != 0) return std::nullopt;
    return WriteFault{};
  };
  at->spool->record(id, FinishedTarget{0, 5});
  EXPECT_TRUE(at->flush());
  EXPECT_GT(frames, 1U);
  at->reopen();
  EXPECT_EQ(at->load(id)->finished, (std::vector<FinishedTarget>{{0, 5}}));
}

TEST_P(SpoolTest, keeps_a_message_at_level_memory_off_the_disk_when_a_target_is_finished) {
  at->open();
  const MessageId id = at->accept("x", {.level = mail::Durability::memory});
  machine->turns(2);
  at->spool->record(id, FinishedTarget{0, 5});
  EXPECT_TRUE(at->flush());
  EXPECT_EQ(at->spool->log().space().live_bytes, 0U);
  at->record(id, 0, RecipientState::pending);
  EXPECT_TRUE(at->flush());
  EXPECT_GT(at->spool->log().space().live_bytes, 0U);
  at->reopen();
  EXPECT_EQ(at->load(id)->finished, (std::vector<FinishedTarget>{{0, 5}}));
}

// A message that does not fit a frame with its state could never leave its segment.
TEST_P(SpoolTest, moves_the_largest_of_all_in_one_piece) {
  at->options.segment_size = 8_MiB;
  at->options.compact_after = Duration{0};
  at->open();
  Mail mail{.recipients = {}};
  const std::string domain(mail::kEnvelopeTextTaken / mail::kRecipientsMax - 7, 'e');
  for (std::size_t i = 0; i + 1 < mail::kRecipientsMax; ++i)  // the sender takes the room of the last
    mail.recipients.push_back(std::to_string(100'000 + i) + "@" + domain);
  const std::string body(kWholeMessageMax, 'b');
  const MessageId id = at->accept(body, mail);
  for (std::uint64_t i = 0; i < kFinishedTargetsMax; ++i) at->spool->record(id, FinishedTarget{0, i});
  std::vector<Outcome> outcomes;
  for (std::uint32_t i = 0; i < mail.recipients.size(); ++i)
    outcomes.push_back({.recipient = i, .attempts = 1, .next_attempt = {1000}, .code = 450});
  at->spool->record(id, outcomes);
  // The rest of its segment is of messages that have ended.
  for (int i = 0; i < 40; ++i) at->record(at->accept(body), 0, RecipientState::delivered);
  ASSERT_TRUE(machine->turn_until([&] { return machine->figure("spool_moved") > 0; }));
  EXPECT_TRUE(at->flush());
  at->reopen();
  EXPECT_EQ(at->body(id).value(), body);
  EXPECT_EQ(at->load(id)->finished.size(), kFinishedTargetsMax);
  EXPECT_EQ(at->load(id)->envelope.recipient_count(), mail.recipients.size());
}

TEST_P(SpoolTest, refuses_a_second_server) {
  at->open();
  const auto second = start_spool(machine->files(), at->options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::temporary);
  EXPECT_NE(second.error().text.find("another server runs on it; stop that one"), std::string::npos);
}

// The next start writes the other slot; on a disk that is full by then a hole in the file could not be filled.
TEST_P(SpoolTest, has_the_room_for_its_next_start_from_the_first_on) {
  at->open();
  if (GetParam() == "sim") GTEST_SKIP() << "its files have no holes";
  struct stat found{};
  ASSERT_EQ(::stat((at->options.directory.text + "/SPOOL").c_str(), &found), 0);
  EXPECT_GE(static_cast<std::size_t>(found.st_blocks) * 512, 2 * kIdentitySlot);
}

TEST_P(SpoolTest, refuses_to_start_over_shards_without_their_identity) {
  at->open();
  at->accept("precious");
  at->close();
  ASSERT_TRUE(machine->files().unlink(at->options.directory.text + "/SPOOL"));
  machine->restart();
  const auto result = at->try_open();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::permanent);
}

TEST_P(SpoolTest, may_be_told_of_a_delivery_inside_the_announcement) {
  at->open();
  at->recorder.then = [&](const Queued& message) { at->record(message.id, 0, RecipientState::delivered); };
  const MessageId id = at->accept("quick");
  machine->turns(1);
  EXPECT_FALSE(at->spool->contains(id));
  EXPECT_TRUE(at->flush());
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 0U);
}

TEST_P(SpoolTest, fails_an_accept_whose_frame_fails_and_forgets_it) {
  at->open();
  const MessageId before = at->accept("before");
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < 8192 || frames++ != 0) return std::nullopt;
    return WriteFault{.reaches_disk = true};
  };
  const auto failed = at->try_accept("failed", {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::temporary);
  EXPECT_EQ(at->spool->message_count(), 1U);
  const MessageId after = at->accept("after");
  EXPECT_EQ(at->recorder.heard.size(), 2U);
  at->reopen();
  EXPECT_EQ(at->spool->ids({}, 10), (std::vector{before, after}));
}

TEST_P(SpoolTest, writes_states_and_relaxed_messages_again_when_their_frame_failed) {
  at->open();
  const MessageId ended = at->accept("ended");
  const MessageId deferred = at->accept("deferred");
  machine->turns(2);
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < 8192 || frames++ != 0) return std::nullopt;
    return WriteFault{};
  };
  at->record(ended, 0, RecipientState::delivered);
  at->record(deferred, 0, RecipientState::pending, 5);
  const MessageId relaxed = at->accept("relaxed", {.level = mail::Durability::relaxed});
  EXPECT_TRUE(at->flush());
  ASSERT_TRUE(machine->turn_until([&] { return at->recorder.find(relaxed) != nullptr; }));
  EXPECT_TRUE(at->flush());
  at->reopen();
  EXPECT_EQ(at->spool->ids({}, 10), (std::vector{deferred, relaxed}));
  EXPECT_EQ(at->recorder.find(deferred)->outcomes[0].attempts, 5);
  EXPECT_EQ(at->body(relaxed).value(), "relaxed");
}

TEST_F(SimulatedSpool, keeps_a_relaxed_message_whose_frame_failed_when_there_is_no_block_for_it) {
  at->open();
  machine->turns(2);
  std::vector<buffer::Block> taken;
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < 8192 || frames++ != 0) return std::nullopt;
    for (const std::size_t size : buffer::Pool::kClasses)
      while (auto block = machine->core().buffers().take(size)) taken.push_back(std::move(block));
    return WriteFault{};
  };
  const MessageId id = at->accept("relaxed", {.level = mail::Durability::relaxed});
  ASSERT_TRUE(machine->turn_until([&] { return at->recorder.find(id) != nullptr; }));
  EXPECT_FALSE(taken.empty());
  taken.clear();
  EXPECT_TRUE(at->flush());
  at->reopen();
  EXPECT_EQ(at->body(id).value_or(""), "relaxed");
}

TEST_P(SpoolTest, takes_new_mail_before_the_old_queue_has_been_read) {
  at->open();
  std::vector<MessageId> old;
  for (unsigned i = 0; i < 60; ++i) old.push_back(at->accept(std::string(60'000, 'o')));
  at->close();
  machine->restart();
  const auto start = start_spool(machine->files(), at->options);
  ASSERT_TRUE(start);
  at->lock = start->lock;
  at->open_shared(*start, {});
  const MessageId fresh = at->accept("while the old ones are read");
  at->start();
  EXPECT_EQ(at->spool->message_count(), 61U);
  for (const MessageId id : old) EXPECT_EQ(at->recorder.count(id), 1U);
  ASSERT_TRUE(machine->turn_until([&] { return at->recorder.count(fresh) == 1; }));
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 61U);
}

TEST_P(SpoolTest,
       says_full_when_the_table_of_messages_has_its_memory_and_takes_mail_again_when_some_has_ended) {
  at->options.index_memory = Bytes{1000};
  at->open();
  std::vector<MessageId> ids;
  while (!at->spool->full() && ids.size() < 100) ids.push_back(at->accept("x"));
  EXPECT_EQ(at->spool->refusing(), Refusal::index_memory);
  EXPECT_EQ(ids.size(), 30U);
  const auto refused = at->try_accept("x", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  // What becomes of the others is still written.
  at->record(ids.front(), 0, RecipientState::pending, 2);
  for (std::size_t i = 1; i < ids.size(); i += 3) at->record(ids[i], 0, RecipientState::delivered);
  EXPECT_TRUE(at->flush());
  EXPECT_FALSE(at->spool->full());
  EXPECT_TRUE(at->try_accept("x", {}));
}

class SpoolHeaderTest : public SpoolTest {
 protected:
  // After a power cut, where there can be one, the newest header says that the segment is open; after an orderly end that
  // it is sealed, and the older one says nothing else but where its frames end.
  bool cut() const { return GetParam() == "sim"; }
  std::uint64_t newest_slot() const { return cut() ? 1 : 0; }

  // A message of segment 2 ends, its header is damaged in those slots, and the spool is opened again.
  void expect_nothing_back(std::initializer_list<std::uint64_t> damaged_slots, std::uint64_t damages) {
    at->open();
    for (const char fill : {'a', 'b', 'c', 'd', 'e'})
      at->accept(std::string(250'000, fill));  // the fifth is in segment 2
    const MessageId ended = at->accept("ended");
    const MessageId waits = at->accept("waits");
    at->record(ended, 0, RecipientState::delivered);
    EXPECT_TRUE(at->flush());
    if (cut()) {
      at->lose_power();
    } else {
      at->close();
      machine->restart();
    }
    for (const std::uint64_t slot : damaged_slots) flip(slot * journal::kBlockSize + 30);
    at->open();
    EXPECT_EQ(at->spool->recovery().damages, damages);
    EXPECT_FALSE(at->spool->contains(ended));
    EXPECT_EQ(at->body(waits).value(), "waits");
  }

 private:
  void flip(std::uint64_t offset) {
    auto& files = machine->files();
    const auto file = files.open(machine->directory() + "/queue/shard-0/segment-000002", {.write = true});
    ASSERT_TRUE(file);
    std::byte byte{};
    ASSERT_TRUE(files.read_at(file->handle, {&byte, 1}, offset));
    byte ^= std::byte{0x10};
    ASSERT_TRUE(files.write_at(file->handle, {&byte, 1}, offset));
    ASSERT_TRUE(files.sync(file->handle));
    files.close(file->handle);
  }
};

// The headers name the use of the file, and so does the record that ends a message.
TEST_P(SpoolHeaderTest, brings_nothing_back_when_the_newest_header_is_damaged) {
  expect_nothing_back({newest_slot()}, cut() ? 1 : 0);
}

TEST_P(SpoolHeaderTest, brings_nothing_back_when_both_headers_are_damaged) {
  expect_nothing_back({0, 1}, 1);
}

TEST_P(SpoolTest, says_full_below_the_reserve_of_the_disk) {
  at->options.free_space_min = Percent{100};
  at->open();
  EXPECT_TRUE(at->spool->full());
  const auto refused = at->try_accept("x", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
}

INSTANTIATE_TEST_SUITE_P(Backends, SpoolTest, ::testing::Values("epoll", "auto", "sim"),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(Backends, SpoolHeaderTest, ::testing::Values("epoll", "auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
