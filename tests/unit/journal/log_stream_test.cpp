// Streams of copies beside the first one: what recovery shows when, and what a crash, a failure and a full disk leave.
#include <algorithm>
#include <set>

#include "unit/journal/log_fixture.hpp"

namespace ringpost::journal::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;

class LogStreamTest : public LogTest {
 public:
  LogStreamTest() { options.free_segments_ahead = 4; }

  Result<Ticket> put_in(unsigned stream, std::uint64_t id, std::string_view text) {
    const std::span<const std::byte> parts[] = {bytes_of(text)};
    const Record record{.type = 1, .id = {id}, .parts = parts};
    return log->append({&record, 1}, {&last, 1}, {.reserve = true, .stream = stream});
  }
  Location keep_in(unsigned stream, std::uint64_t id, std::string_view text) {
    auto ticket = put_in(stream, id, text);
    EXPECT_TRUE(machine->turn_until([&] { return ticket || (ticket = put_in(stream, id, text)); }));
    EXPECT_TRUE(wait(*ticket));
    return last;
  }
  SegmentHeader header_of(unsigned segment) {
    auto& files = machine->files();
    const auto file = files.open(segment_file(segment), {});
    std::vector<std::byte> head(kFirstFrame);
    EXPECT_TRUE(file && files.read_at(file->handle, head, 0));
    files.close(file->handle);
    return parse_segment_head(head).header.value_or(SegmentHeader{});
  }
  std::set<std::uint32_t> versions_of(unsigned segment) {
    auto& files = machine->files();
    const auto file = files.open(segment_file(segment), {});
    std::vector<std::byte> head(kFirstFrame);
    EXPECT_TRUE(file && files.read_at(file->handle, head, 0));
    files.close(file->handle);
    std::set<std::uint32_t> versions;
    for (const std::size_t slot : {std::size_t{0}, kBlockSize})
      versions.insert(load<SegmentHeader>(std::span<const std::byte>(head), slot).version);
    return versions;
  }
  std::vector<unsigned> segments_of_stream(unsigned stream) {
    std::vector<unsigned> found;
    for (unsigned number = 1; number <= log->space().segments; ++number)
      if (header_of(number).stream == stream) found.push_back(number);
    return found;
  }
};

TEST_P(LogStreamTest, are_shown_before_all_other_records_and_each_in_its_order) {
  open();
  keep(1, "first");
  keep_in(2, 11, "copy");
  keep(2, "second");
  for (std::uint64_t id = 12; id < 20; ++id)
    keep_in(2, id, std::string(300'000, 'c'));  // more than a segment
  keep_in(4, 31, "copy of another class");
  keep(3, "third");
  for (const bool killed : {false, true}) {
    killed ? lose_or_close() : reopen_cleanly();
    open();
    EXPECT_THAT(seen_ids(), ElementsAre(11, 12, 13, 14, 15, 16, 17, 18, 19, 31, 1, 2, 3));
    EXPECT_EQ(report.damages + report.torn_tails, 0U);
    EXPECT_EQ(log->space().stream_segments[2], 3U);
    EXPECT_EQ(log->space().stream_segments[4], 1U);
  }
}

// Right after a start files are still being made; what is moved then must not go among new mail for that.
TEST_P(LogStreamTest, wait_for_files_that_are_being_made) {
  open();
  EXPECT_TRUE(log->takes(2, 3'000'000, 100'000));
  ASSERT_TRUE(machine->turn_until([&] { return log->space().free_segments >= 4; }));
  EXPECT_TRUE(log->takes(2, 1'000'000, 100'000));
}

TEST_P(LogStreamTest, have_a_version_that_older_programs_refuse) {
  open();
  keep(1, "first");
  keep_in(3, 2, "copy");
  const auto cold = segments_of_stream(3);
  ASSERT_EQ(cold.size(), 1U);
  EXPECT_EQ(header_of(cold[0]).version, kFormatVersionCold);
  EXPECT_EQ(header_of(1).version, kFormatVersion);
}

TEST_P(LogStreamTest, that_are_given_back_are_as_any_other_segment) {
  open();
  log->start_reclaim();
  const Location copy = keep_in(3, 2, "copy");
  log->add_live(copy);
  const auto name = log->name_of(copy);
  reopen();
  log->start_reclaim();
  ASSERT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
  EXPECT_EQ(header_of(name.number).version, kFormatVersion);
  EXPECT_EQ(header_of(name.number).stream, 0U);
  // The older slot keeps the version until the file is used again: docs/spool.md says so.
  EXPECT_EQ(versions_of(name.number), (std::set{kFormatVersion, kFormatVersionCold}));
}

// Without the header its first frame says whose it is.
TEST_P(LogStreamTest, keep_their_place_when_both_headers_are_lost) {
  open();
  keep(1, "first");
  keep_in(1, 11, "copy");
  keep(2, "second");
  keep_in(1, 12, "copy");
  const auto cold = segments_of_stream(1);
  ASSERT_EQ(cold.size(), 1U);
  close();
  machine->restart();
  flip(cold[0], 20);
  flip(cold[0], kBlockSize + 20);
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(11, 12, 1, 2));
  EXPECT_EQ(report.damages, 1U);
}

TEST_P(LogStreamTest, wait_for_the_first_one_when_a_frame_has_failed) {
  open();
  keep(1, "first");
  const Location copy = keep_in(1, 11, "copy");
  bool failing = true;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < kFirstFrame || !std::exchange(failing, false)) return std::nullopt;
    return WriteFault{.result = -EIO, .reaches_disk = true};
  };
  const auto failed = put_in(1, 12, "lost copy");
  const auto behind = put(2, "behind it");
  ASSERT_TRUE(failed && behind);
  EXPECT_FALSE(wait(*failed));
  EXPECT_FALSE(wait(*behind));
  EXPECT_FALSE(log->takes(1, 100, 100));
  EXPECT_FALSE(put_in(1, 13, "too early"));
  keep(3, "third");
  const Location later = keep_in(1, 14, "copy");
  EXPECT_NE(later.segment, copy.segment);
  lose_or_close();
  open();
  EXPECT_THAT(seen_ids(), ElementsAre(11, 14, 1, 3));
}

// Of the last frame of all nobody could tell rot from a write that was cut short.
TEST_P(LogStreamTest, end_with_a_frame_that_may_be_lost) {
  options.compact_after = Duration{0};
  options.seal_at_close = false;
  open();
  const Location old = keep(1, "waits long");
  log->add_live(old);
  const auto name = log->name_of(old);
  while (last.segment == old.segment) keep(9, std::string(200'000, '.'));
  Location copy;
  struct Carrying {
    static Task<Result<void>> run(LogStreamTest& test, Location from, Location* to, RecordView view) {
      if (view.where != from) co_return Result<void>{};
      const std::string text = text_of(view.payload);
      while (!test.put_in(2, view.id.value, text))
        if (!co_await test.log->wait_for_room(test.machine->core().now() + 5s))
          co_return fail(ErrorKind::exhausted, "no room");
      test.log->add_live(test.last);
      test.log->drop_live(from);
      *to = test.last;
      co_return Result<void>{};
    }
  };
  log->set_carry([&](const RecordView& view) { return Carrying::run(*this, old, &copy, view); });
  log->start_reclaim();
  ASSERT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
  const auto moved_to = log->name_of(copy).number;
  lose_or_close();
  flip(moved_to, copy.offset);
  open();
  EXPECT_EQ(std::ranges::count(seen_ids(), 1U), 0);
  EXPECT_EQ(report.torn_tails, 0U);
  EXPECT_TRUE(std::ranges::any_of(report.damage, [](const Damage& each) { return each.id.value == 1; }));
}

// Empties the segment of `original` by copying that record to `stream`, behind a filler of so many bytes.
Task<Result<void>> copy_over(LogStreamTest& test, Location original, unsigned stream, std::size_t filler,
                             Location* to, RecordView view) {
  if (view.where != original || *to) co_return Result<void>{};
  const std::string filling(filler, 'f');
  const std::string text = text_of(view.payload);
  for (const std::string& each : {filling, text}) {
    if (each.empty()) continue;
    while (!test.put_in(stream, view.id.value, each))
      if (!co_await test.log->wait_for_room(test.machine->core().now() + 5s))
        co_return fail(ErrorKind::exhausted, "no room");
    test.log->add_live(test.last);
  }
  test.log->note_copy(original, test.last);
  test.log->drop_live(original);
  *to = test.last;
  co_return Result<void>{};
}

// The cold segment that a copy ends has no room for an empty frame behind it: its header must say where it ends before the
// original is given back.
TEST_P(LogStreamTest, that_are_full_are_sealed_before_the_originals_are_free) {
  options.compact_after = Duration{0};
  open();
  const Location old = keep(1, "waits long");
  log->add_live(old);
  const auto name = log->name_of(old);
  while (last.segment == old.segment) keep(9, std::string(200'000, '.'));
  // With the copy in the same frame one block is left, for the table.
  const std::size_t filler = (1_MiB).count - kFirstFrame - 2 * kBlockSize;
  bool broken = true;
  unsigned seals = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= kFirstFrame) return std::nullopt;
    const auto header =
        parse_segment_header({static_cast<const std::byte*>(op.vectors->iov_base), kBlockSize});
    if (header->stream != 2 || header->state != static_cast<std::uint16_t>(SegmentState::sealed))
      return std::nullopt;
    ++seals;
    return broken ? std::optional<WriteFault>(WriteFault{}) : std::nullopt;
  };
  Location copy;
  log->set_carry([&](const RecordView& view) { return copy_over(*this, old, 2, filler, &copy, view); });
  log->start_reclaim();
  ASSERT_TRUE(machine->turn_until([&] { return seals >= 2; }));
  ASSERT_GT(copy.offset, filler);
  machine->turns(100);
  EXPECT_TRUE(log->in_use(name));
  broken = false;
  ASSERT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
}

// Where a crash comes before the empty frame, the original is still there.
TEST_P(LogStreamTest, keep_the_original_until_the_frame_behind_the_copy_is_durable) {
  options.compact_after = Duration{0};
  options.seal_at_close = false;
  open();
  const Location old = keep(1, "waits long");
  log->add_live(old);
  const auto name = log->name_of(old);
  while (last.segment == old.segment) keep(9, std::string(200'000, '.'));
  Location copy;
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < kFirstFrame) return std::nullopt;
    const auto header =
        parse_frame_header({static_cast<const std::byte*>(op.vectors->iov_base), sizeof(FrameHeader)});
    if (!header || header->stream != 2) return std::nullopt;
    EXPECT_TRUE(log->in_use(name));
    ++frames;
    return std::nullopt;
  };
  log->set_carry([&](const RecordView& view) { return copy_over(*this, old, 2, 0, &copy, view); });
  log->start_reclaim();
  ASSERT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
  EXPECT_EQ(frames, 2U);  // the copy, and the empty one
}

// Rot in its last frame is told then, and not taken for the end of writing.
TEST_P(LogStreamTest, that_a_crash_left_open_get_an_end) {
  options.seal_at_close = false;
  open();
  const Location first = keep(1, "first");
  keep_in(2, 11, "copy");
  const Location late = keep_in(2, 12, "the last copy");
  const auto cold = log->name_of(late).number;
  lose_or_close();
  open();
  ASSERT_TRUE(machine->turn_until(
      [&] { return header_of(cold).state == static_cast<std::uint16_t>(SegmentState::sealed); }));
  ASSERT_TRUE(machine->turn_until(
      [&] { return header_of(1).state == static_cast<std::uint16_t>(SegmentState::sealed); }));
  lose_or_close();
  flip(cold, late.offset);
  flip(1, first.offset);
  open();
  EXPECT_EQ(report.torn_tails, 0U);
  for (const std::uint64_t id : {1U, 12U})
    EXPECT_TRUE(std::ranges::any_of(report.damage, [&](const Damage& each) { return each.id.value == id; }))
        << id;
}

// Nobody knows of which originals the copies in it are the last ones, so none is given back before.
TEST_P(LogStreamTest, that_a_crash_left_open_get_their_end_before_anything_is_free) {
  options.seal_at_close = false;
  open();
  const auto name = log->name_of(keep(1, "dead"));
  keep_in(2, 11, "copy");
  lose_or_close();
  bool broken = true;
  unsigned refused = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header =
        parse_segment_header({static_cast<const std::byte*>(op.vectors->iov_base), kBlockSize});
    if (!broken || !header || header->stream != 2) return std::nullopt;
    ++refused;
    return WriteFault{};
  };
  on_visit = [](Log& of, const RecordView& view) {
    if (view.id.value == 11) of.add_live(view.where);
  };
  open();
  log->start_reclaim();
  ASSERT_TRUE(machine->turn_until([&] { return refused >= 2; }));
  EXPECT_TRUE(log->in_use(name));
  broken = false;
  EXPECT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
}

// A block of one file that takes no write is no reason for a core to run out of files.
TEST_P(LogStreamTest, that_get_no_end_are_emptied_however_much_lives_there) {
  if (GetParam() != "sim") GTEST_SKIP() << "takes some seconds of real time";
  options.seal_at_close = false;
  options.compact_after = Duration{0};
  open();
  const auto name = log->name_of(keep(1, "dead"));
  const Location old = keep_in(2, 11, std::string(700'000, 'c'));
  const auto cold = log->name_of(old);
  lose_or_close();
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header =
        parse_segment_header({static_cast<const std::byte*>(op.vectors->iov_base), kBlockSize});
    return header && header->number == cold.number ? std::optional(WriteFault{}) : std::nullopt;
  };
  Location now;
  on_visit = [&](Log& of, const RecordView& view) {
    if (view.id.value != 11) return;
    of.add_live(view.where);
    now = view.where;
  };
  open();
  struct Carrying {
    static Task<Result<void>> run(LogStreamTest& test, Location& place, RecordView view) {
      if (view.id.value != 11 || view.where != place) co_return Result<void>{};
      const std::string text = text_of(view.payload);
      while (!test.put(11, text)) (void)co_await test.log->wait_for_room(test.machine->core().now() + 60s);
      test.log->add_live(test.last);
      test.log->drop_live(std::exchange(place, test.last));
      co_return Result<void>{};
    }
  };
  log->set_carry([&](const RecordView& view) { return Carrying::run(*this, now, view); });
  log->start_reclaim();
  EXPECT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
  EXPECT_NE(log->name_of(now), cold);
  EXPECT_EQ(read(now).value(), std::string(700'000, 'c'));
}

TEST_P(LogStreamTest, give_an_open_segment_back_when_nothing_lives_in_it) {
  open();
  log->start_reclaim();
  const Location first = keep_in(2, 1, "copy");
  log->add_live(first);
  const Location second = keep_in(2, 2, "copy");
  log->add_live(second);
  const auto name = log->name_of(first);
  const Location negation = keep(1, "done", 6);
  log->add_pin(negation, {&name, 1});
  log->drop_live(first);
  machine->turns(1500);
  EXPECT_TRUE(log->in_use(name));
  log->drop_live(second);
  ASSERT_TRUE(machine->turn_until([&] { return !log->in_use(name); }));
  EXPECT_EQ(log->space().pinned_segments, 0U);
}

TEST_P(LogStreamTest, close_a_segment_that_has_been_open_for_long) {
  options.stream_life[2] = 2s;
  open();
  const Location copy = keep_in(2, 1, "copy");
  const Location other = keep_in(3, 2, "copy of another class");
  log->add_live(copy);
  log->add_live(other);
  const auto is_sealed = [&](Location where) {
    return header_of(log->name_of(where).number).state == static_cast<std::uint16_t>(SegmentState::sealed);
  };
  ASSERT_TRUE(machine->turn_until([&] { return is_sealed(copy); }));
  EXPECT_FALSE(is_sealed(other));
  EXPECT_NE(keep_in(2, 3, "the next").segment, copy.segment);
}

// What gathers takes its room too, and pieces do not share what is left at the end of a file.
TEST_P(LogStreamTest, count_what_gathers_and_all_pieces) {
  if (GetParam() != "sim") GTEST_SKIP() << "needs a disk that can be filled";
  options.free_segments_ahead = 2;  // so one may be had for copies
  open();
  ASSERT_TRUE(machine->turn_until([&] { return log->space().free_segments == 3; }));
  EXPECT_TRUE(log->takes(1, 1'200'000, 300'000)) << "files are made as they are wanted";
  const auto space = machine->files().space(machine->directory());
  world->limit_disk(Bytes{space->total - space->available});
  ASSERT_TRUE(machine->turn_until([&] { return !log->takes(1, 1'200'000, 300'000); }));
  EXPECT_TRUE(log->takes(1, 900'000, 300'000));
  EXPECT_FALSE(log->takes(1, 1'200'000, 300'000));  // three of four
  keep_in(1, 1, "opens the file");
  EXPECT_TRUE(log->takes(1, 900'000, 300'000));
  EXPECT_FALSE(log->takes(1, 1'200'000, 300'000));
  ASSERT_TRUE(put_in(1, 2, std::string(500'000, 'g')));
  EXPECT_FALSE(log->takes(1, 600'000, 300'000));  // one here
  EXPECT_TRUE(log->takes(1, 300'000, 300'000));
}

// The last files are for new mail and records of state.
TEST_P(LogStreamTest, take_no_file_when_few_are_left) {
  options.free_segments_ahead = 1;
  open();
  ASSERT_TRUE(machine->turn_until([&] { return log->space().free_segments == 2; }));
  EXPECT_FALSE(log->takes(1, 100, 100));
  EXPECT_FALSE(put_in(1, 11, "copy"));
  machine->turns(50);
  EXPECT_FALSE(put_in(1, 11, "copy"));
  keep(1, "first");
}

INSTANTIATE_TEST_SUITE_P(Backends, LogStreamTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::journal::testing
