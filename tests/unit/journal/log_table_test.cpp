// Index tables: recovery reads them, believes only what verifies, and reads the frames otherwise.
#include "unit/journal/log_fixture.hpp"

namespace ringpost::journal::testing {
namespace {

using ::testing::ElementsAre;

class LogTableTest : public LogTest {
 public:
  // Records of several sizes over at least two segments, closed in an orderly way.
  void fill() {
    open();
    std::uint64_t id = 0;
    while (last.segment < 2) {
      ++id;
      remember(id, std::string(id % 5 == 0 ? 150'000 : 10 + id, static_cast<char>('a' + id % 26)));
    }
    close();
    machine->restart();
  }
  void remember(std::uint64_t id, const std::string& text) {
    const Location where = keep(id, text, static_cast<std::uint8_t>(1 + id % 3));
    written.push_back({static_cast<std::uint8_t>(1 + id % 3), {id}, text, where, 0});
  }
  void expect_all() const {
    ASSERT_EQ(seen.size(), written.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].id, written[i].id);
      EXPECT_EQ(seen[i].type, written[i].type);
      EXPECT_EQ(seen[i].text, written[i].text);
      EXPECT_EQ(seen[i].where.offset, written[i].where.offset);
      EXPECT_EQ(seen[i].where.size, written[i].where.size);
      if (i > 0) EXPECT_LE(seen[i - 1].order, seen[i].order);
    }
  }
  // Rewrites both header slots of a closed log's file.
  void change_headers(unsigned segment, const std::function<void(SegmentHeader&)>& change) {
    auto& files = machine->files();
    const auto file = files.open(segment_file(segment), {.write = true});
    ASSERT_TRUE(file);
    std::vector<std::byte> slot(kBlockSize);
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{kBlockSize}}) {
      ASSERT_TRUE(files.read_at(file->handle, slot, offset));
      auto header = load<SegmentHeader>(slot);
      if (header.magic != kSegmentMagic) continue;
      change(header);
      seal(header);
      std::memcpy(slot.data(), &header, sizeof header);
      ASSERT_TRUE(files.write_at(file->handle, slot, offset));
    }
    ASSERT_TRUE(files.sync(file->handle));
    files.close(file->handle);
  }
  std::uint64_t end_of(unsigned segment) {
    std::uint64_t end = 0;
    change_headers(segment, [&](SegmentHeader& header) { end = std::max(end, header.end); });
    return end;
  }
  static constexpr std::size_t kSmall = 2 * kTableKept / (sizeof(TableEntry) + 16);
  void fill_with_small(bool counts) {
    options.segment_size = 16_MiB;
    open();
    log->start_reclaim();
    for (std::size_t i = 1; i <= kSmall; ++i) {
      const Ticket ticket = must_put(i, std::string(16, 'e'), 6);
      if (counts || i == 1) log->add_live(last);
      if (i % 4096 == 0) EXPECT_TRUE(wait(ticket));
    }
  }
  std::vector<Seen> written;
};

TEST_P(LogTableTest, recovers_sealed_segments_by_their_tables) {
  fill();
  open();
  expect_all();
  EXPECT_EQ(report.tables, 3U);  // the last one was sealed by the orderly end
  EXPECT_EQ(report.frames, 0U);
  EXPECT_EQ(report.damages + report.torn_tails, 0U);
  for (const Seen& each : seen) EXPECT_EQ(read(each.where).value(), each.text);
}

// Who recovers can have the place of a record fetched: it hears of each a little before it comes, and of no other.
TEST_P(LogTableTest, tells_of_the_records_in_a_table_before_they_come) {
  fill();
  std::vector<std::uint64_t> announced, unannounced;
  struct Opening {
    static Task<void> run(LogTableTest& test, std::vector<std::uint64_t>& ahead,
                          std::vector<std::uint64_t>& missed) {
      auto opened = co_await Log::open(test.machine->core(), test.options, test.place());
      EXPECT_TRUE(opened);
      if (!opened) co_return;
      test.log = std::move(*opened);
      const auto recovered = co_await test.log->recover(
          [&](Log&, const RecordView& view) {
            if (std::ranges::find(ahead, view.id.value) == ahead.end()) missed.push_back(view.id.value);
            test.seen.push_back({view.type, view.id, text_of(view.payload), view.where, view.order});
            EXPECT_LE(ahead.size(), test.seen.size() + kAheadSteps);
          },
          &test.report, [&](MessageId id) { ahead.push_back(id.value); });
      EXPECT_TRUE(recovered);
    }
  };
  ++epoch;
  ASSERT_TRUE(machine->run(Opening::run(*this, announced, unannounced)));
  expect_all();
  EXPECT_TRUE(unannounced.empty());
  EXPECT_EQ(announced, seen_ids());
}

TEST_P(LogTableTest, reads_the_frames_when_a_table_does_not_verify) {
  fill();
  flip(1, end_of(1) + sizeof(TableHeader) + 3);
  flip(2, end_of(2) + 9);  // the salt
  open();
  expect_all();
  EXPECT_EQ(report.tables, 1U);
  ASSERT_EQ(report.damages, 2U);
  EXPECT_EQ(report.damage[0].segment, 1U);
  EXPECT_GT(report.frames, 0U);
}

TEST_P(LogTableTest, reads_segments_of_the_version_that_had_no_tables) {
  fill();
  for (unsigned segment = 1; segment <= 3; ++segment)
    change_headers(segment, [](SegmentHeader& header) { header.version = 1, header.table_size = 0; });
  open();
  expect_all();
  EXPECT_EQ(report.tables, 0U);
  EXPECT_EQ(report.damages + report.torn_tails, 0U);
}

// As when a long queue is cancelled: nothing of so many small records would be read from it.
TEST_P(LogTableTest, of_records_that_do_not_count_is_dropped_when_it_grows) {
  fill_with_small(false);
  reopen();
  EXPECT_EQ(report.tables, 0U);
  EXPECT_EQ(seen.size(), kSmall);
}

TEST_P(LogTableTest, of_records_that_count_grows_on) {
  fill_with_small(true);
  reopen();
  EXPECT_EQ(report.tables, 1U);
  EXPECT_EQ(seen.size(), kSmall);
}

TEST_P(LogTableTest, refuses_a_segment_of_a_version_that_it_does_not_know) {
  fill();
  change_headers(2, [](SegmentHeader& header) { header.version = kFormatVersionCold + 1; });
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::permanent);
  EXPECT_NE(opened.error().text.find("newer"), std::string::npos) << opened.error().text;
}

TEST_P(LogTableTest, names_a_long_record_that_the_table_does_not_hold_and_that_is_damaged) {
  fill();
  const Seen& hurt = written[4];
  ASSERT_GT(hurt.text.size(), kTableBytesMax);
  flip(1, hurt.where.offset + 5000);
  open();
  EXPECT_EQ(seen.size(), written.size() - 1);
  ASSERT_EQ(report.damages, 1U);
  EXPECT_EQ(report.damage[0].offset, hurt.where.offset);
}

TEST_P(LogTableTest, hands_out_the_summary_that_was_given_and_omits_what_is_not_to_be_listed) {
  open();
  const std::string long_text(5000, 'l');
  const std::span<const std::byte> parts[] = {bytes_of(long_text)};
  const Record records[] = {
      {.type = 1, .id = {1}, .parts = parts, .in_table = InTable::nothing, .summary = {}},
      {.type = 2, .id = {2}, .parts = parts, .in_table = InTable::summary, .summary = bytes_of("in short")},
      {.type = 3, .id = {3}, .parts = parts, .in_table = InTable::summary, .summary = {}},
  };
  Location where[3];
  const auto ticket = log->append(records, where);
  ASSERT_TRUE(ticket && wait(*ticket));
  std::vector<bool> summaries;
  on_visit = [&](Log&, const RecordView& view) { summaries.push_back(view.summary); };
  reopen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_THAT(summaries, ElementsAre(true, true));
  EXPECT_EQ(seen[0].text, "in short");
  EXPECT_EQ(seen[1].text, "");
  EXPECT_EQ(read(seen[1].where).value(), long_text);
}

TEST_P(LogTableTest, keeps_room_for_the_table_whatever_the_records_are) {
  open();
  // Records without a payload: their entries are as long as they are.
  unsigned count = 0;
  while (last.segment == 0 && count < 60'000) {
    for (unsigned i = 0; i < 500; ++i) must_put(++count, "");
    machine->turns(1);
  }
  EXPECT_GT(count, 15'000U);
  reopen();
  EXPECT_EQ(seen.size(), count);
  EXPECT_EQ(report.tables, 2U);
  EXPECT_EQ(report.damages, 0U);
}

TEST_P(LogTableTest, seals_without_a_table_when_it_cannot_be_written) {
  open();
  machine->backend().on_write = [](const io::Op& op) -> std::optional<WriteFault> {
    const auto bytes = std::span(static_cast<const std::byte*>(op.vectors->iov_base), op.vectors->iov_len);
    return op.offset >= kFirstFrame && parse_table_header(bytes) ? std::optional<WriteFault>(WriteFault{})
                                                                 : std::nullopt;
  };
  std::uint64_t id = 0;
  while (last.segment == 0) remember(++id, std::string(100'000, 'w'));
  machine->turns(20);
  machine->backend().on_write = nullptr;
  EXPECT_TRUE(log->accepts_messages());
  reopen();
  expect_all();
  EXPECT_EQ(report.tables, 1U);  // of the second segment
  EXPECT_EQ(report.damages + report.torn_tails, 0U);
}

TEST_P(LogTableTest, writes_no_table_for_a_segment_with_a_failed_frame) {
  open();
  remember(1, "good");
  bool failing = true;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < kFirstFrame || !std::exchange(failing, false)) return std::nullopt;
    return WriteFault{.reaches_disk = true};
  };
  EXPECT_FALSE(wait(must_put(2, "failed")));
  machine->backend().on_write = nullptr;
  remember(3, "behind it");
  reopen();
  expect_all();
  EXPECT_EQ(report.tables, 1U);
}

TEST_P(LogTableTest, uses_a_segment_with_a_table_again) {
  options.compact_after = Duration{0};
  open();
  log->start_reclaim();
  for (unsigned i = 0; i < 60; ++i) keep(i + 1, std::string(150'000, 'g'));
  EXPECT_LE(log->space().segments, 8U);
  reopen();
  EXPECT_EQ(report.damages, 0U);
  EXPECT_LE(seen.size(), 60U);
}

// It will be free soon, or emptied.
TEST_P(LogTableTest, has_none_of_a_segment_of_which_hardly_anything_lives) {
  for (const bool live : {false, true}) {
    SCOPED_TRACE(live);
    open();
    log->start_reclaim();
    const Location first = keep(1, "lives");
    log->add_live(first);
    std::vector<Location> all;
    while (last.segment == first.segment) {
      all.push_back(keep(2, std::string(100'000, 'd')));
      if (live) log->add_live(all.back());
    }
    keep(3, "lives too");
    log->add_live(last);
    machine->turns(50);
    lose_or_close();
    open();
    const bool ended = GetParam() != "sim";  // in order: then the last one has a table, whatever lives
    EXPECT_EQ(report.tables, (live ? 1U : 0U) + (ended ? 1U : 0U));
    EXPECT_TRUE(std::ranges::any_of(seen, [](const Seen& each) { return each.text == "lives"; }));
    EXPECT_EQ(report.damages, 0U);
    close();
    if (GetParam() == "sim") {
      world = std::make_shared<io::SimWorld>(12);
      machine = std::make_unique<Machine>(world);
    } else {
      machine = std::make_unique<Machine>(GetParam());
    }
  }
}

TEST_P(LogTableTest, finds_rot_in_a_sealed_segment_while_it_runs) {
  fill();
  const Seen& hurt = written[2];
  flip(1, hurt.where.offset + 2);
  open();
  ASSERT_EQ(report.damages, 0U);  // the table says nothing of it
  for (const Seen& each : seen) log->add_live(each.where);
  std::vector<Damage> found;
  log->set_damage([&](const Damage& damage) { found.push_back(damage); });
  log->start_reclaim();
  ASSERT_TRUE(machine->turn_until([&] { return !found.empty(); }));
  EXPECT_EQ(found[0].segment, 1U);
  EXPECT_TRUE(std::ranges::any_of(found, [&](const Damage& damage) { return damage.id == hurt.id; }));
}

INSTANTIATE_TEST_SUITE_P(Backends, LogTableTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::journal::testing
