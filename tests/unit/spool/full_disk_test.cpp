// A disk that is full or nearly so: what is queued goes on, what can be given back is, and new mail is taken again.
#include <vector>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/limits.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

class FullDisk : public SimulatedSpool {
 protected:
  FullDisk() {
    at->options.segments_ahead = 2;
    at->options.compact_after = Duration{0};
  }

  void fill_disk() {
    limit_disk_to_what_is_used();
    machine->turns(2500);  // the log hears of it
  }
  journal::Log::Space space() { return at->spool->log().space(); }
  void pass_by(int count, std::size_t size = 100'000) {
    for (int i = 0; i < count; ++i)
      at->record(at->accept(std::string(size, 'x')), 0, RecipientState::delivered);
  }

  // A large message that comes so slowly that each of its pieces stands in a segment of its own, all else in which has ended.
  struct Slow {
    std::optional<Incoming> incoming;
    std::string text;
  };
  Task<void> begin_slow(Slow& slow) {
    auto begun = at->spool->begin();
    EXPECT_TRUE(begun);
    slow.incoming.emplace(std::move(*begun));
    co_return;
  }
  Task<void> add_slow(Slow& slow, std::string piece) {
    EXPECT_TRUE(co_await slow.incoming->append(bytes_of(piece)));
    slow.text += piece;
  }
  Task<void> end_slow(Slow& slow, MessageId id) {
    const mail::Envelope envelope = Station::envelope_of({});
    mail::ArrivalFacts facts;
    facts.body.size = slow.text.size();
    EXPECT_TRUE(co_await at->spool->accept(id, envelope, facts, std::move(*slow.incoming)));
    slow.incoming.reset();
  }
  MessageId accept_slowly(int pieces, std::size_t size, std::string& text) {
    Slow slow;
    EXPECT_TRUE(machine->run(begin_slow(slow)));
    for (int i = 0; i < pieces; ++i) {
      EXPECT_TRUE(machine->run(add_slow(slow, std::string(size, static_cast<char>('a' + i % 26)))));
      pass_by(8);
    }
    const MessageId id = at->spool->next_id();
    EXPECT_TRUE(machine->run(end_slow(slow, id)));
    text = slow.text;
    pass_by(8);
    return id;
  }
};

// Its copy would use the files that are there, the one for records of state too, and be given up a minute later: over and over.
TEST_F(FullDisk, a_large_message_for_whose_copy_there_are_no_files_stays_where_it_is) {
  at->open();
  at->spool->log().hold_reclaim(true);
  std::string text;
  const MessageId large = accept_slowly(40, 125'000, text);
  fill_disk();
  const std::uint64_t files = space().free_segments;
  ASSERT_GT(files, journal::kReservedSegments);
  ASSERT_LT(files << 20, text.size());
  at->spool->log().hold_reclaim(false);
  for (int i = 0; i < 100; ++i) {
    machine->turns(1000);
    ASSERT_GE(space().free_segments, files);
  }
  EXPECT_TRUE(at->try_accept("there is room", {}));
  EXPECT_TRUE(at->body(large).value() == text);
  // With more of the disk it goes.
  world->limit_disk(1_GiB);
  ASSERT_TRUE(machine->turn_until([&] { return figure("spool_moved") >= 1 && space().free_segments > 30; }));
  EXPECT_TRUE(at->body(large).value() == text);
}

// They have used up the files, that of the reserve too. What they have superseded is dead, and gives the next one.
TEST_F(FullDisk, states_that_wait_for_room_do_not_keep_it_from_being_made) {
  at->open();
  const MessageId tried =
      at->accept("tried again and again", {.recipients = std::vector<std::string>(16, "to@example.net")});
  fill_disk();
  for (int i = 0; i < 100 && !at->spool->full(); ++i) (void)at->try_accept(std::string(100'000, 'f'), {});
  ASSERT_EQ(at->spool->refusing(), Refusal::segments);
  // The disk refuses for a while to give files back.
  machine->backend().on_write = [](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= journal::kFirstFrame) return std::nullopt;
    const auto header = journal::parse_segment_header(
        {static_cast<const std::byte*>(op.vectors->iov_base), journal::kBlockSize});
    if (header && header->state == static_cast<std::uint16_t>(journal::SegmentState::free))
      return WriteFault{};
    return std::nullopt;
  };
  std::uint16_t attempts = 0;
  const auto waits = [&] { return figure("spool_unwritten_states") != 0; };
  for (int i = 0; i < 1000 && !waits(); ++i) {
    for (int each = 0; each < 100; ++each) {
      ++attempts;
      std::vector<Outcome> outcomes(16);
      for (std::uint32_t recipient = 0; recipient < outcomes.size(); ++recipient)
        outcomes[recipient] = {.recipient = recipient, .attempts = attempts, .code = 450};
      at->spool->record(tried, outcomes);
    }
    machine->turns(100);
  }
  ASSERT_TRUE(waits());
  machine->backend().on_write = nullptr;
  ASSERT_TRUE(machine->turn_until([&] { return !waits(); }));
  EXPECT_TRUE(at->flush());
  EXPECT_EQ(at->load(tried).value().outcomes.at(3).attempts, attempts);
}

// The queue filled the disk, and has been delivered: nothing that is taken now needs a new file.
TEST_F(FullDisk, mail_is_taken_again_when_the_queue_has_gone) {
  at->options.free_space_min = Percent{50};
  world->limit_disk(80_MiB);
  at->open();
  std::vector<MessageId> all;
  ASSERT_TRUE(machine->turn_until([&] { return !at->spool->full(); }));
  for (int i = 0; i < 1000 && !at->spool->full(); ++i) {
    if (const auto id = at->try_accept(std::string(100'000, 'f'), {})) all.push_back(*id);
    machine->turns(20);
  }
  ASSERT_TRUE(at->spool->full());
  for (const MessageId id : all) at->record(id, 0, RecipientState::delivered);
  EXPECT_TRUE(at->flush());
  ASSERT_TRUE(machine->turn_until([&] { return space().free_segments > 20; }));
  machine->turns(5000);
  EXPECT_EQ(to_string(at->spool->refusing()), "");
}

// What ended elsewhere is said again for who empties the segment, and once is enough however often it is looked at.
TEST_F(FullDisk, endings_beside_what_was_left_are_carried_once) {
  at->open();
  // The ending of a message in the first segment stands in the third one. In each of these a large message begins, and stays.
  const std::string text(1'000'000, 'l');
  const MessageId ends = at->accept("ends later");
  pass_by(8);
  const MessageId first = at->accept(text, {.in_pieces = true});
  pass_by(2);
  at->record(ends, 0, RecipientState::delivered);
  pass_by(7);
  const MessageId second = at->accept(text, {.in_pieces = true});
  pass_by(12);
  EXPECT_TRUE(at->flush());
  const auto endings = [&] {
    std::size_t count = 0;
    struct Walk {
      static Task<void> run(journal::Log& log, MessageId id, std::size_t& found) {
        log.hold_reclaim(true);
        EXPECT_TRUE(co_await log.walk([&](const journal::RecordView& view) {
          if (view.type == 6 && view.id == id) ++found;
        }));
        log.hold_reclaim(false);
      }
    };
    EXPECT_TRUE(machine->run(Walk::run(at->spool->log(), ends, count)));
    return count;
  };
  ASSERT_EQ(endings(), 1U);
  for (int looks = 0; looks < 3; ++looks) {
    const Instant until = machine->core().now() + journal::kStayRetry + 5min;
    ASSERT_TRUE(machine->turn_until([&] { return machine->core().now() >= until; }));
  }
  EXPECT_EQ(endings(), 2U);
  EXPECT_EQ(figure("spool_moved"), 0U);
  EXPECT_TRUE(at->body(first).value() == text);
  EXPECT_TRUE(at->body(second).value() == text);
}

}  // namespace
}  // namespace ringpost::spool::testing
