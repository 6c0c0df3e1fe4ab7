#include <csignal>

#include <sys/resource.h>

#include "unit/journal/log_fixture.hpp"

namespace ringpost::journal::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LogFailureTest : public LogTest {
 protected:
  void fail_headers_and_frames(bool fail) {
    if (fail)
      machine->backend().on_write = [](const io::Op&) -> std::optional<WriteFault> { return WriteFault{}; };
    else
      machine->backend().on_write = nullptr;
  }
};

TEST_P(LogFailureTest, fails_the_records_of_a_frame_that_cannot_be_written_and_goes_on) {
  open();
  const Location before = keep(1, "before");
  fail_frames(0, 1, {.result = -EIO});
  const auto ticket = put(2, "failed");
  const auto outcome = wait(*ticket);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::temporary);
  EXPECT_TRUE(log->failed(*ticket));
  const Location after = keep(3, "after");
  EXPECT_NE(before.segment, after.segment);
  EXPECT_FALSE(log->write_errors());
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
}

// Nobody knows whether a write that failed has reached the disk. Here it has.
TEST_P(LogFailureTest, voids_a_failed_frame_that_reached_the_disk) {
  open();
  keep(1, "before");
  fail_frames(0, 1, {.result = -EIO, .reaches_disk = true});
  EXPECT_FALSE(wait(must_put(2, "ghost")));
  keep(3, "after");
  lose_or_close();
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
}

// The same while the header that says where the segment ends cannot be written: the void record alone must do.
TEST_P(LogFailureTest, voids_a_failed_frame_without_help_of_the_header) {
  open();
  keep(1, "before");
  const auto first_segment = last.segment;
  bool done = false;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < kFirstFrame) return done ? std::optional<WriteFault>(WriteFault{}) : std::nullopt;
    if (done) return std::nullopt;
    done = true;
    return WriteFault{.result = 4096 - 512, .reaches_disk = true};
  };
  EXPECT_FALSE(wait(must_put(2, "ghost")));
  const Location after = keep(3, "after");
  EXPECT_NE(after.segment, first_segment);
  machine->turns(300);
  lose_or_close();
  machine->backend().on_write = nullptr;
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
  EXPECT_EQ(report.voided_frames, 1U);
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
}

TEST_P(LogFailureTest, treats_a_short_write_and_a_full_disk_as_failures) {
  open();
  fail_frames(0, 1, {.result = 512});
  EXPECT_FALSE(wait(must_put(1, std::string(9000, 's'))));
  fail_frames(0, 1, {.result = -ENOSPC});
  const auto full = wait(must_put(2, "no space"));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().system, ENOSPC);
  keep(3, "good");
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(3));
}

TEST_P(LogFailureTest, fails_what_was_gathered_behind_the_failed_frame_too) {
  open();
  fail_frames(0, 1, {});
  const auto first = put(1, "first");
  machine->core().turn(machine->core().now());
  const auto second = put(2, "second");
  ASSERT_NE(first->frame, second->frame);
  EXPECT_FALSE(wait(*second));
  EXPECT_TRUE(log->failed(*first));
  keep(3, "third");
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(3));
}

TEST_P(LogFailureTest, offers_lost_records_to_be_appended_again) {
  open();
  std::vector<std::string> lost;
  log->set_lost([&](const RecordView& view) {
    lost.push_back(text_of(view.payload));
    if (view.type == 2) (void)put(view.id.value, "again: " + text_of(view.payload), 2);
  });
  keep(0, "opens a segment");
  machine->turns(100);  // and the next one is prepared
  fail_frames(0, 1, {});
  const auto promise = put(1, "a promise", 1);
  ASSERT_TRUE(put(2, "a fact", 2));
  EXPECT_FALSE(wait(*promise));
  EXPECT_THAT(lost, ElementsAre("a promise", "a fact"));
  EXPECT_TRUE(wait(must_put(3, "next")));
  reopen();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[1].text, "again: a fact");
}

TEST_P(LogFailureTest, stops_taking_messages_after_errors_in_a_row_and_comes_back) {
  open();
  fail_headers_and_frames(true);
  for (unsigned i = 0; i + 1 < kWriteFailuresMax; ++i) {
    (void)put(i + 1, "x");
    machine->turns(50);
  }
  ASSERT_TRUE(machine->turn_until([&] { return log->write_errors(); }));
  EXPECT_FALSE(log->accepts_messages());
  fail_headers_and_frames(false);
  ASSERT_TRUE(machine->turn_until([&] { return log->accepts_messages(); }));
  EXPECT_FALSE(log->write_errors());
  keep(9, "well again");
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(9));
}

TEST_P(LogFailureTest, takes_no_message_below_the_disk_reserve) {
  options.free_space_min = 1.0;
  open();
  EXPECT_FALSE(log->accepts_messages());
  EXPECT_FALSE(log->write_errors());
}

// The copy was all that counted where it stood, so the log looks for what it can free while it still tells what was lost.
TEST_P(LogFailureTest, keeps_what_was_copied_when_the_copy_is_lost) {
  options.compact_after = Duration{0};
  open();
  log->start_reclaim();
  const Location old = keep(1, "moved");
  log->add_live(old);
  const auto name = log->name_of(old);
  next_segment();
  settle();
  fail_frames(0, 1, {});
  Location copy;
  log->set_lost([&](const RecordView& view) {
    ASSERT_EQ(view.where, copy);
    log->drop_live(copy);
    log->add_live(old);
  });
  const Ticket ticket = must_put(1, "moved");
  copy = last;
  log->add_live(copy);
  log->drop_live(old);
  EXPECT_FALSE(wait(ticket));
  keep(2, "next");
  settle();
  EXPECT_GT(frame_writes, 1U);
  EXPECT_TRUE(log->in_use(name));
  EXPECT_EQ(read(old).value_or(""), "moved");
}

// Two frames fail, and before there is a segment for another one, the headers of theirs say where they end.
TEST_P(LogFailureTest, has_one_frame_to_write_when_what_was_void_has_been_settled_otherwise) {
  options.free_segments_ahead = 1;
  options.compact_after = Duration{0};
  open();
  log->start_reclaim();
  keep(0, "first");
  settle();
  unsigned failed = 0, refused = 0, frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= kFirstFrame) {
      if (failed == 2) return ++frames, std::nullopt;
      ++failed;
      return WriteFault{};
    }
    const auto header =
        parse_segment_header({static_cast<const std::byte*>(op.vectors->iov_base), kBlockSize});
    const bool opens = header->state == static_cast<std::uint16_t>(SegmentState::open);
    if (failed < 2 || !opens || refused == 3) return std::nullopt;
    ++refused;
    return WriteFault{};
  };
  EXPECT_FALSE(wait(must_put(1, "lost")));
  ASSERT_TRUE(eventually([&] { return frames > 0; }));
  EXPECT_EQ(failed, 2U);
  settle();
  const unsigned before = frames;
  machine->turns(300);
  EXPECT_EQ(frames, before);
  EXPECT_EQ(read(keep(2, "next")).value_or(""), "next");
}

// Where a frame is void the end is known as little as elsewhere, when the last good one could not be read.
TEST_P(LogFailureTest, gives_no_end_to_a_segment_that_could_not_be_read_though_a_frame_there_is_void) {
  if (GetParam() != "sim") GTEST_SKIP() << "needs a power cut";
  options.seal_at_close = false;
  options.compact_after = Duration{0};
  open();
  keep(0, "first");
  keep(1, "second");
  const Location promised =
      keep(2, "promised");  // further from the front than what comes into the next segment
  unsigned failed = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    const bool is_header = op.offset < kFirstFrame;
    if (failed == 0 ? is_header : !is_header) return std::nullopt;
    ++failed;
    return WriteFault{};
  };
  EXPECT_FALSE(wait(must_put(3, "lost")));
  keep(4, "says what is void");
  lose_power();
  machine->backend().on_write = nullptr;
  fail_reads_of(promised);
  open();
  machine->backend().on_read = nullptr;
  EXPECT_THAT(seen_ids(), ElementsAre(0, 1, 4));
  log->start_reclaim();
  settle();
  lose_power();
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(0, 1, 2, 4));
}

class LogLongFailureTest : public LogFailureTest {};

TEST_P(LogLongFailureTest, knows_after_more_failures_in_a_row_than_it_remembers_what_was_good_before) {
  open();
  log->start_reclaim();
  const auto good = must_put(1, "good");
  EXPECT_TRUE(wait(good));
  const unsigned count = kFailedRangesMax + 100;
  fail_frames(0, count, {.result = -EIO});
  const auto bad = must_put(2, "bad");
  EXPECT_FALSE(wait(bad));
  ASSERT_TRUE(machine->turn_until([&] { return frame_writes > count && !log->write_errors(); }));
  EXPECT_TRUE(log->failed(bad));
  EXPECT_FALSE(log->failed(good));
}

TEST_P(LogLongFailureTest, says_of_no_frame_that_it_is_good_when_it_has_forgotten) {
  open();
  log->start_reclaim();
  std::vector<Ticket> bad, good;
  for (std::size_t i = 0; i < kFailedRangesMax + 2; ++i) {
    fail_frames(0, 1, {.result = -EIO});
    bad.push_back(must_put(1, "bad"));
    EXPECT_FALSE(wait(bad.back()));
    good.push_back(must_put(2, "good"));
    EXPECT_TRUE(wait(good.back()));
  }
  for (const Ticket ticket : bad) EXPECT_TRUE(log->failed(ticket)) << ticket.frame;
  EXPECT_TRUE(log->failed(good.front())) << "nobody knows";
  for (const Ticket ticket : std::span(good).subspan(2)) EXPECT_FALSE(log->failed(ticket)) << ticket.frame;
}

INSTANTIATE_TEST_SUITE_P(Backends, LogLongFailureTest, ::testing::Values("sim"),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(Backends, LogFailureTest, ::testing::Values("epoll", "auto", "sim"),
                         [](const auto& info) { return info.param; });

// On a disk that takes nothing more: what is queued must be read and delivered all the same.
class LogFullDiskTest : public LogTest {
 protected:
  LogFullDiskTest() {
    machine = std::make_unique<Machine>(world);
    options.free_segments_ahead = 1;
  }
  void fill_disk() {
    const auto space = machine->files().space(machine->directory());
    ASSERT_TRUE(space);
    world->limit_disk(Bytes{space->total - space->available});
  }
  std::shared_ptr<io::SimWorld> world = std::make_shared<io::SimWorld>(12);
};

TEST_P(LogFullDiskTest, opens_for_records_of_state_and_takes_no_message) {
  open();
  keep(1, "queued");
  ASSERT_TRUE(machine->turn_until([&] { return log->space().free_segments == 2; }));
  fill_disk();
  reopen();
  reopen();  // a start must not use up what the next one needs
  EXPECT_THAT(seen_ids(), ElementsAre(1));
  const std::span<const std::byte> parts[] = {bytes_of("ended")};
  const Record record{.type = 2, .id = {1}, .parts = parts};
  const auto ticket = log->append({&record, 1}, {&last, 1}, {.reserve = true});
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(wait(*ticket));
  world->limit_disk(1_GiB);
  ASSERT_TRUE(machine->turn_until([&] { return log->accepts_messages() && log->space().free_segments > 1; }));
  keep(2, "there is room again");
}

Task<void> wait_for_room(Log& log, Instant until, std::optional<bool>& notified) {
  notified = co_await log.wait_for_room(until);
}

// The one segment that is left is for records of state; a second one is what a message waits for.
TEST_P(LogFullDiskTest, tells_who_waits_for_room_of_a_segment_that_was_made) {
  open();
  ASSERT_TRUE(machine->turn_until([&] { return log->space().free_segments == 2; }));
  fill_disk();
  Result<Ticket> ticket = fail(ErrorKind::temporary, "");
  while ((ticket = put(1, std::string(200'000, 'f')))) EXPECT_TRUE(wait(*ticket));
  EXPECT_EQ(ticket.error().kind, ErrorKind::exhausted);
  machine->turns(20);
  std::optional<bool> notified;
  machine->core().spawn(wait_for_room(*log, machine->core().now() + 1min, notified));
  world->limit_disk(1_GiB);
  ASSERT_TRUE(machine->turn_until([&] { return notified.has_value(); }));
  EXPECT_TRUE(*notified);
}

TEST_P(LogFullDiskTest, tries_once_in_an_interval_of_upkeep_to_make_a_segment_that_cannot_be_made) {
  open();
  ASSERT_TRUE(machine->turn_until([&] { return log->space().free_segments == 2; }));
  fill_disk();
  Result<Ticket> ticket = fail(ErrorKind::temporary, "");
  while ((ticket = put(1, std::string(200'000, 'f')))) EXPECT_TRUE(wait(*ticket));
  world->limit_disk(1_GiB);
  world->refuse_writes(true);
  const auto errors = [&] { return machine->figure("journal_write_errors"); };
  ASSERT_TRUE(machine->turn_until([&] { return errors() > 0; }));  // the room is known, and is none
  const std::uint64_t before = errors();
  const Instant begun = machine->core().now();
  for (int i = 0; i < 300; ++i) {
    EXPECT_FALSE(put(2, std::string(200'000, 'g')));
    machine->turns(1);
  }
  const auto intervals = static_cast<std::uint64_t>((machine->core().now() - begun) / kUpkeepInterval);
  EXPECT_LT(errors() - before, intervals + 2);
  world->refuse_writes(false);
  keep(3, "the disk takes it again");
}

INSTANTIATE_TEST_SUITE_P(Backends, LogFullDiskTest, ::testing::Values("sim"),
                         [](const auto& info) { return info.param; });

class LogFileLimitTest : public LogTest {};

TEST_P(LogFileLimitTest, says_what_to_do_when_a_segment_may_not_have_its_size) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit low{.rlim_cur = 500'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  const auto opened = try_open();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, HasSubstr("File too large; let the process write files of 1048576 bytes"));
  machine->restart();
  open();
}

INSTANTIATE_TEST_SUITE_P(Backends, LogFileLimitTest, ::testing::Values("epoll", "auto"),
                         [](const auto& info) { return info.param; });

// As a kill leaves the files: the last segment is open, so recovery reads its frames.
class LogDamageTest : public LogTest {
 protected:
  LogDamageTest() { options.seal_at_close = false; }
  // Three frames in segment 1, each of one block.
  void write_three() {
    open();
    keep(1, "first");
    keep(2, "second");
    keep(3, "third");
    close();
    machine->restart();
  }
};

TEST_P(LogDamageTest, finds_the_records_of_a_frame_whose_header_is_damaged_and_reports_it) {
  write_three();
  flip(1, kFirstFrame + kBlockSize + 20);  // in the second frame's header
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 2, 3));
  ASSERT_EQ(report.damages, 1U);
  EXPECT_EQ(report.torn_tails, 0U);
  EXPECT_EQ(report.damage[0].segment, 1U);
  EXPECT_EQ(report.damage[0].offset, kFirstFrame + kBlockSize);
  EXPECT_EQ(report.damage[0].size, kBlockSize);
}

TEST_P(LogDamageTest, loses_only_the_record_whose_payload_is_damaged) {
  open();
  ASSERT_TRUE(put(1, "good before"));
  ASSERT_TRUE(put(2, "damaged"));
  const Location damaged = last;
  const auto ticket = put(3, "good behind");
  EXPECT_TRUE(wait(*ticket));
  keep(4, "next frame");
  close();
  machine->restart();
  flip(1, damaged.offset + 3);
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3, 4));
  EXPECT_EQ(report.damages, 2U);  // the frame, and the record in it
}

TEST_P(LogDamageTest, takes_an_invalid_last_frame_of_an_open_segment_for_a_torn_tail) {
  open();
  keep(1, "first");
  keep(2, "torn");
  const Location torn = last;
  close();
  machine->restart();
  flip(1, torn.offset + 1);
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(1));
  EXPECT_EQ(report.torn_tails, 1U);
  EXPECT_EQ(report.damages, 0U);
  keep(3, "in a fresh segment");
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
}

TEST_P(LogDamageTest, takes_an_invalid_last_frame_of_a_sealed_segment_for_damage) {
  open();
  while (last.segment == 0) keep(7, std::string(200'000, 's'));
  machine->turns(20);
  close();
  machine->restart();
  // The last frame of the first file: its header is the last block boundary that begins a frame; flip them all there.
  auto& files = machine->files();
  const auto file = files.open(segment_file(1), {.write = true});
  ASSERT_TRUE(file);
  std::uint64_t last_frame = 0;
  std::vector<std::byte> block(kBlockSize);
  for (std::uint64_t at = kFirstFrame; at + kBlockSize <= options.segment_size.count; at += kBlockSize) {
    ASSERT_TRUE(files.read_at(file->handle, block, at));
    if (parse_frame_header(block)) last_frame = at;
  }
  files.close(file->handle);
  ASSERT_NE(last_frame, 0U);
  flip(1, last_frame + 8);
  RecoveryReport offline;
  ASSERT_TRUE(
      read_shard(machine->files(), {machine->directory() + "/shard-0", 0, 77}, [](const auto&) {}, offline));
  EXPECT_EQ(offline.damages, 1U);
  EXPECT_EQ(offline.torn_tails, 0U);
  EXPECT_EQ(offline.tables, 1U);
}

TEST_P(LogDamageTest, reads_on_with_one_damaged_header_slot) {
  for (const std::uint64_t slot : {0U, 1U}) {
    SCOPED_TRACE(slot);
    write_three();
    flip(1, slot * kBlockSize + 30);
    open();
    EXPECT_EQ(seen.size(), 3U + 3U * slot);  // the first round's three are there in the second
    close();
    flip(1, slot * kBlockSize + 30);
    machine->restart();
  }
}

TEST_P(LogDamageTest, reads_on_with_both_header_slots_damaged) {
  write_three();
  flip(1, 30);
  flip(1, kBlockSize + 30);
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 2, 3));
  EXPECT_EQ(report.damages, 1U);
}

TEST_P(LogDamageTest, says_permanent_when_a_record_does_not_verify_twice) {
  write_three();
  open();
  const Location second = seen[1].where;
  flip(1, second.offset + 1);
  const auto text = read(second);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::permanent);
  EXPECT_EQ(read(seen[2].where).value(), "third");
}

TEST_P(LogDamageTest, is_read_offline_without_a_change) {
  write_three();
  std::vector<std::uint64_t> ids;
  RecoveryReport offline;
  const auto done = read_shard(
      machine->files(), {machine->directory() + "/shard-0", 0, 77},
      [&](const RecordView& view) { ids.push_back(view.id.value); }, offline);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));
  EXPECT_EQ(offline.frames, 3U);
  EXPECT_THAT(offline.damage, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Backends, LogDamageTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

class LogMisreadTest : public LogTest {};

TEST_P(LogMisreadTest, looks_twice_before_it_says_that_something_is_damaged) {
  open();
  std::vector<std::uint64_t> all;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    keep(id, std::string(5000, 'x'));
    all.push_back(id);
  }
  for (unsigned attempt = 0; attempt < 10; ++attempt) {
    lose_power();  // no table then
    world->set_faults({.disk = {.read_rot = 1}, .network = {}});
    open();
    world->set_faults({});
    EXPECT_EQ(seen_ids(), all);
    EXPECT_EQ(report.damages + report.torn_tails, 0U);
  }
  EXPECT_GT(world->happened().at("disk: wrong bit in a read"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, LogMisreadTest, ::testing::Values("sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::journal::testing
