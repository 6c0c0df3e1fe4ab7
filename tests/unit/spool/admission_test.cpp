// When no new message is taken: each threshold with its name, its answer, its figure, and that what is queued goes on.
#include <vector>

#include "ringpost/journal/limits.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

class Admission : public SimulatedSpool {
 protected:
  Admission() { at->options.segments_ahead = 1; }

  void open() {
    at->open();
    queued = at->accept("queued before");
    ended = at->accept("ends meanwhile");
  }
  // 452 is exhausted, 451 is temporary; `counter` is the figure of the reason.
  void expect_refused(Refusal why, ErrorKind answer, std::string_view counter) {
    EXPECT_EQ(at->spool->refusing(), why);
    EXPECT_TRUE(at->spool->full());
    EXPECT_FALSE(to_string(why).empty());
    const std::uint64_t refused = figure("spool_refused"), of_these = figure(counter);
    const auto whole = at->try_accept("one more", {});
    ASSERT_FALSE(whole);
    EXPECT_EQ(whole.error().kind, answer);
    EXPECT_EQ(figure("spool_refused"), refused + 1);
    EXPECT_EQ(figure(counter), of_these + 1);
    // Nor a large one.
    EXPECT_FALSE(at->spool->begin());
    EXPECT_EQ(at->spool->message_count(), 2U);
  }
  // Records of state have a reserve.
  void expect_queue_goes_on() {
    at->record(queued, 0, RecipientState::pending, 2);
    at->record(ended, 0, RecipientState::delivered);
    EXPECT_TRUE(at->flush());
    EXPECT_FALSE(at->spool->contains(ended));
    EXPECT_EQ(at->body(queued).value(), "queued before");
    EXPECT_EQ(figure("spool_unwritten_states"), 0U);
  }
  void expect_taken_again() {
    ASSERT_TRUE(machine->turn_until([&] { return !at->spool->full(); }));
    EXPECT_TRUE(at->try_accept("there is room again", {}));
    ASSERT_TRUE(machine->turn_until([&] { return figure("spool_refusing") == 0; }));
  }

  MessageId queued, ended;
};

TEST_F(Admission, takes_mail_when_nothing_is_short) {
  open();
  EXPECT_EQ(at->spool->refusing(), Refusal::none);
  EXPECT_TRUE(to_string(Refusal::none).empty());
  EXPECT_TRUE(at->try_accept("one more", {}));
  EXPECT_EQ(figure("spool_refused"), 0U);
}

TEST_F(Admission, says_452_when_less_of_the_disk_is_free_than_the_operator_wants) {
  at->options.free_space_min = Percent{50};
  open();
  world->limit_disk(1_GiB);
  ASSERT_TRUE(machine->turn_until([&] { return !at->spool->full(); }));
  const auto space = machine->files().space(machine->directory());
  world->limit_disk(Bytes{(space->total - space->available) * 3 / 2});
  ASSERT_TRUE(machine->turn_until([&] { return at->spool->full() && figure("spool_refusing") == 1; }));
  expect_refused(Refusal::disk_space, ErrorKind::exhausted, "spool_refused_disk");
  expect_queue_goes_on();
  world->limit_disk(1_GiB);
  expect_taken_again();
}

TEST_F(Admission, says_452_when_no_file_is_left_but_the_one_that_is_kept_for_states) {
  open();
  ASSERT_TRUE(machine->turn_until([&] { return at->spool->log().space().free_segments == 2; }));
  limit_disk_to_what_is_used();
  // Nothing of it ends, so every file fills up.
  std::vector<MessageId> filling;
  while (!at->spool->full() && filling.size() < 100) {
    if (const auto id = at->try_accept(std::string(100'000, 'f'), {})) filling.push_back(*id);
    machine->turns(5);
  }
  for (const MessageId id : filling) at->record(id, 0, RecipientState::cancelled);
  at->spool->log().hold_reclaim(true);  // so that the place does not come back while we look
  EXPECT_TRUE(at->flush());
  expect_refused(Refusal::segments, ErrorKind::exhausted, "spool_refused_disk");
  expect_queue_goes_on();
  at->spool->log().hold_reclaim(false);
  expect_taken_again();
}

TEST_F(Admission, says_452_when_the_table_of_messages_has_its_memory) {
  open();
  at->close();
  machine->restart();
  at->options.index_memory = Bytes{100};  // one has room there, two have not
  at->open();
  ASSERT_TRUE(machine->turn_until([&] { return figure("spool_refusing") == 1; }));
  expect_refused(Refusal::index_memory, ErrorKind::exhausted, "spool_refused_memory");
  at->record(queued, 0, RecipientState::pending, 2);
  EXPECT_TRUE(at->flush());
  at->record(queued, 0, RecipientState::delivered);
  at->record(ended, 0, RecipientState::delivered);
  expect_taken_again();
}

TEST_F(Admission, says_452_when_the_core_has_hardly_any_memory_left) {
  open();
  std::vector<buffer::Block> taken;
  while (!machine->core().buffers().tight()) {
    taken.push_back(machine->core().buffers().take(buffer::Pool::kClasses.back()));
    ASSERT_TRUE(taken.back());
  }
  ASSERT_TRUE(machine->turn_until([&] { return figure("spool_refusing") == 1; }));
  expect_refused(Refusal::core_memory, ErrorKind::exhausted, "spool_refused_memory");
  const auto through = at->try_accept("through", {.level = mail::Durability::through});
  ASSERT_FALSE(through);
  EXPECT_EQ(through.error().kind, ErrorKind::exhausted);
  expect_queue_goes_on();
  taken.clear();
  expect_taken_again();
}

TEST_F(Admission, says_451_when_the_disk_fails) {
  open();
  machine->backend().on_write = [](const io::Op&) -> std::optional<WriteFault> { return WriteFault{}; };
  for (unsigned i = 0; i < journal::kWriteFailuresMax && !at->spool->full(); ++i) {
    const auto failed = at->try_accept("fails", {});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::temporary);
  }
  ASSERT_TRUE(machine->turn_until([&] { return at->spool->full() && figure("spool_refusing") == 1; }));
  EXPECT_EQ(at->spool->refusing(), Refusal::write_errors);
  EXPECT_FALSE(to_string(Refusal::write_errors).empty());
  const std::uint64_t refused = figure("spool_refused");
  const auto another = at->try_accept("one more", {});
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().kind, ErrorKind::temporary);
  EXPECT_EQ(figure("spool_refused"), refused + 1);
  EXPECT_EQ(figure("spool_refused_disk") + figure("spool_refused_memory"), 0U);
  // What never goes to the disk is taken, and announced.
  EXPECT_EQ(at->spool->refusing(mail::Durability::through), Refusal::none);
  const auto through = at->try_accept("through", {.level = mail::Durability::through});
  ASSERT_TRUE(through);
  EXPECT_TRUE(machine->turn_until([&] { return at->recorder.count(*through) == 1; }));
  at->record(*through, 0, RecipientState::delivered);
  EXPECT_FALSE(at->spool->contains(*through));
  machine->backend().on_write = nullptr;
  expect_taken_again();
}

}  // namespace
}  // namespace ringpost::spool::testing
