#include <algorithm>
#include <array>

#include "unit/journal/log_fixture.hpp"

namespace ringpost::journal::testing {
namespace {

using ::testing::ElementsAre;

class LogReclaimTest : public LogTest {
 public:
  LogReclaimTest() { options.compact_after = Duration{0}; }
  std::uint64_t in_use() const { return log->space().segments - log->space().free_segments; }
};

TEST_P(LogReclaimTest, uses_a_segment_again_once_nothing_in_it_counts) {
  open();
  log->start_reclaim();
  const Location live = keep(1, "live");
  log->add_live(live);
  const auto name = log->name_of(live);
  next_segment();
  settle();
  EXPECT_TRUE(log->in_use(name));
  log->drop_live(live);
  ASSERT_TRUE(eventually([&] { return !log->in_use(name); }));
  EXPECT_FALSE(log->peek(live).data());
  reopen();
  for (const Seen& each : seen) EXPECT_NE(each.id.value, 1U);
}

TEST_P(LogReclaimTest, does_not_grow_while_it_can_use_segments_again) {
  open();
  log->start_reclaim();
  for (unsigned i = 0; i < 100; ++i) keep(i + 1, std::string(150'000, 'g'));
  EXPECT_LE(log->space().segments, 8U);
  reopen();
  EXPECT_LE(seen.size(), 60U);
  EXPECT_EQ(report.damages, 0U);
}

// What could not be read may hold what somebody was promised.
TEST_P(LogReclaimTest, keeps_a_segment_of_which_a_part_could_not_be_read_for_this_run) {
  options.seal_at_close = false;  // else its table is read, and not its frames
  open();
  const auto name = log->name_of(keep(1, "promised"));
  lose_or_close();
  unsigned refused = 0;
  machine->backend().on_read = [&](const io::Op& op) -> std::optional<std::int32_t> {
    if (op.offset < kFirstFrame) return std::nullopt;
    ++refused;
    return -EIO;
  };
  open();
  machine->backend().on_read = nullptr;
  ASSERT_GT(refused, 0U);
  ASSERT_TRUE(seen.empty());
  EXPECT_THAT(log->kept_segments(), ElementsAre(name));
  log->start_reclaim();
  keep(2, "other");
  settle();
  EXPECT_TRUE(log->in_use(name));
  lose_or_close();
  open();
  EXPECT_THAT(log->kept_segments(), ::testing::IsEmpty());
  EXPECT_TRUE(std::ranges::any_of(seen, [](const Seen& each) { return each.id.value == 1; }));
  // Read at last, it goes the way of all.
  log->start_reclaim();
  EXPECT_TRUE(eventually([&] { return !log->in_use(name); }));
}

TEST_P(LogReclaimTest, frees_nothing_before_what_supersedes_it_is_durable) {
  options.seal_at_close = false;  // a closed segment without anything live would be freed
  open();
  log->start_reclaim();
  const Location old = keep(1, "old");
  log->add_live(old);
  const auto name = log->name_of(old);
  next_segment();
  settle();
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < kFirstFrame) {
      const auto header =
          parse_segment_header({static_cast<const std::byte*>(op.vectors->iov_base), kBlockSize});
      if (frames < 2) EXPECT_NE(header->state, static_cast<std::uint16_t>(SegmentState::free));
      return std::nullopt;
    }
    return frames++ == 0 ? std::optional<WriteFault>(WriteFault{}) : std::nullopt;
  };
  bool again = false;
  log->set_lost([&](const RecordView& view) {
    EXPECT_EQ(view.id.value, 2U);
    EXPECT_TRUE(log->in_use(name));
    again = put(2, "new").has_value();
  });
  ASSERT_TRUE(put(2, "new"));
  log->drop_live(old);
  log->hold_reclaim(false);  // looks at once
  ASSERT_TRUE(eventually([&] {
    log->hold_reclaim(false);
    return frames >= 2;
  }));
  EXPECT_TRUE(again);
  ASSERT_TRUE(eventually([&] { return !log->in_use(name); }));
  reopen();
  EXPECT_TRUE(std::ranges::count(seen_ids(), 2U) == 1);
}

TEST_P(LogReclaimTest, keeps_a_negation_until_its_target_is_free) {
  open();
  log->start_reclaim();
  const Location target = keep(1, "a mail");
  log->add_live(target);
  const Location other = keep(2, "another in the same segment");
  log->add_live(other);
  const auto target_name = log->name_of(target);
  next_segment();
  const Location negation = keep(1, "done", 6);
  log->add_pin(negation, {&target_name, 1});
  log->drop_live(target);
  const auto negation_name = log->name_of(negation);
  EXPECT_NE(target_name, negation_name);
  next_segment();
  settle();
  EXPECT_TRUE(log->in_use(negation_name));  // nothing in it is live
  EXPECT_EQ(log->space().pinned_segments, 1U);
  log->drop_live(other);
  ASSERT_TRUE(eventually([&] { return !log->in_use(target_name); }));
  ASSERT_TRUE(eventually([&] { return !log->in_use(negation_name); }));
}

TEST_P(LogReclaimTest, carries_negations_and_live_records_out_of_an_old_segment) {
  options.compact_below = 0.5;
  open();
  const Location old = keep(1, "stuck for days");
  log->add_live(old);
  const auto old_name = log->name_of(old);
  next_segment();
  const Location negation = keep(5, "negates something in the first", 6);
  log->add_pin(negation, {&old_name, 1});
  const auto negation_name = log->name_of(negation);
  next_segment();
  std::vector<std::uint64_t> carried;
  Location moved;
  struct Carrying {
    static Task<Result<void>> run(LogReclaimTest& test, Location old_place, Location* to,
                                  std::vector<std::uint64_t>* ids, RecordView view) {
      if (view.id.value == 9999) co_return Result<void>{};
      ids->push_back(view.id.value);
      const std::string text = text_of(view.payload);
      while (!test.put(view.id.value, text, view.type))
        if (!co_await test.log->wait_for_room(test.machine->core().now() + std::chrono::seconds{5}))
          co_return fail(ErrorKind::exhausted, "no room");
      if (view.where == old_place) {
        *to = test.last;
        test.log->add_live(test.last);
        test.log->drop_live(old_place);
      }
      co_return Result<void>{};
    }
  };
  log->set_carry([&](const RecordView& view) { return Carrying::run(*this, old, &moved, &carried, view); });
  log->start_reclaim();
  ASSERT_TRUE(eventually([&] { return !log->in_use(old_name) && !log->in_use(negation_name); }));
  EXPECT_EQ(carried.front(), 1U);
  EXPECT_EQ(read(moved).value(), "stuck for days");
  reopen();
  EXPECT_EQ(std::ranges::count(seen_ids(), 1U), 1);
}

// Else it is read again and again for what its owner will leave there again.
TEST_P(LogReclaimTest, asks_much_later_for_what_was_left_in_a_segment) {
  if (GetParam() != "sim") GTEST_SKIP() << "waits for hours";
  options.compact_below = 0.5;
  open();
  const Location left = keep(1, "a piece of something large");
  log->add_live(left);
  next_segment();
  std::vector<Instant> asked;
  struct Leaving {
    static Task<Result<void>> run(LogReclaimTest& test, Location place, std::vector<Instant>* at,
                                  RecordView view) {
      if (view.where == place) at->push_back(test.machine->core().now());
      co_return Result<void>{};
    }
  };
  log->set_carry([&](const RecordView& view) { return Leaving::run(*this, left, &asked, view); });
  log->start_reclaim();
  ASSERT_TRUE(eventually([&] { return asked.size() == 2; }));
  EXPECT_GE(asked[1] - asked[0], kStayRetry);
  EXPECT_EQ(read(left).value(), "a piece of something large");
  close();
}

// It was left, and ends before anybody looks again: what the segment negates must not keep it for hours.
TEST_P(LogReclaimTest, empties_a_segment_soon_when_what_was_left_there_has_ended) {
  if (GetParam() != "sim") GTEST_SKIP() << "waits for minutes";
  options.compact_below = 0.5;
  open();
  const auto target = log->name_of(keep(1, std::string(700'000, 't')));
  log->add_live(last);
  next_segment();
  const Location left = keep(2, "a piece of something large");
  log->add_live(left);
  const Location negation = keep(3, "negates something in the first", 6);
  log->add_pin(negation, {&target, 1});
  const auto name = log->name_of(negation);
  next_segment();
  unsigned asked = 0;
  struct Carrying {
    static Task<Result<void>> run(LogReclaimTest& test, const SegmentName& negated, unsigned* count,
                                  RecordView view) {
      if (view.id.value == 2) ++*count;
      if (view.id.value != 3) co_return Result<void>{};
      EXPECT_TRUE(test.put(3, "negates something in the first", 6));
      test.log->add_pin(test.last, {&negated, 1});
      co_return Result<void>{};
    }
  };
  log->set_carry([&](const RecordView& view) { return Carrying::run(*this, target, &asked, view); });
  log->start_reclaim();
  ASSERT_TRUE(eventually([&] { return asked == 1; }));
  settle();
  log->drop_live(left);
  const Instant ended = machine->core().now();
  ASSERT_TRUE(eventually([&] { return !log->in_use(name); }));
  EXPECT_LT(machine->core().now() - ended, kStayRetry / 2);
  close();
}

TEST_P(LogReclaimTest, tells_whether_moving_gives_space_back) {
  options.compact_below = 0.25;
  open();
  const Location thin = keep(1, std::string(10'000, 't'));
  log->add_live(thin);
  next_segment();
  const Location dense = keep(2, std::string(600'000, 'd'));
  log->add_live(dense);
  next_segment();
  const Location open_yet = keep(3, "in the segment that is written to");
  log->add_live(open_yet);
  settle();
  const auto gains = [&](std::vector<Location> places) { return log->gains_by_moving(places); };
  EXPECT_TRUE(gains({thin}));
  EXPECT_FALSE(gains({dense}));
  EXPECT_FALSE(gains({thin, dense}));
  EXPECT_TRUE(gains({thin, open_yet}));
  EXPECT_FALSE(gains({open_yet}));
}

// Of two segments in which nothing else lives both are given back, though more than the part that is emptied lives in one of them.
TEST_P(LogReclaimTest, counts_a_segment_in_which_nothing_else_lives_as_given_back) {
  options.compact_below = 0.5;
  open();
  const Location begin = keep(1, std::string(10'000, 'b'));
  log->add_live(begin);
  next_segment();
  const Location rest = keep(1, std::string(600'000, 'r'));
  log->add_live(rest);
  const Location other = keep(2, "something else");
  next_segment();
  settle();
  const std::array both{begin, rest};
  EXPECT_TRUE(log->gains_by_moving(both));
  log->add_live(other);
  EXPECT_FALSE(log->gains_by_moving(both));
}

// What ends a message may stand in the part that could not be read.
TEST_P(LogReclaimTest, keeps_a_segment_that_it_could_not_read_to_its_end_while_it_was_emptied) {
  options.compact_below = 0.5;
  open();
  const auto target = log->name_of(keep(1, std::string(700'000, 't')));
  log->add_live(last);
  next_segment();
  const Location stuck = keep(2, "stuck for days");
  log->add_live(stuck);
  const Location negation = keep(3, "negates something in the first", 6);
  log->add_pin(negation, {&target, 1});
  const auto name = log->name_of(negation);
  ASSERT_EQ(log->name_of(stuck), name);
  next_segment();
  settle();
  struct Carrying {
    static Task<Result<void>> run(LogReclaimTest& test, Location from, RecordView view) {
      if (view.where != from) co_return Result<void>{};
      EXPECT_TRUE(test.put(view.id.value, "moved"));
      test.log->add_live(test.last);
      test.log->drop_live(from);
      co_return Result<void>{};
    }
  };
  fail_reads_of(negation);
  log->set_carry([&](const RecordView& view) { return Carrying::run(*this, stuck, view); });
  log->start_reclaim();
  ASSERT_TRUE(eventually([&] { return !log->kept_segments().empty(); }));
  machine->backend().on_read = nullptr;
  EXPECT_GT(reads_failed, 0U);
  settle();
  EXPECT_TRUE(log->in_use(name));
  reopen();
  EXPECT_EQ(std::ranges::count(seen_ids(), 3U), 1);
}

// What is appended while it is held may stand for what was superseded long ago, in a frame that failed.
TEST_P(LogReclaimTest, frees_nothing_before_what_was_appended_while_it_was_held_is_durable) {
  open();
  log->start_reclaim();
  const Location live = keep(1, "live");
  log->add_live(live);
  const auto name = log->name_of(live);
  next_segment();
  log->hold_reclaim(true);
  log->drop_live(live);
  settle();
  const Ticket again = must_put(2, "what it was about");
  bool early = false;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header =
        parse_segment_header({static_cast<const std::byte*>(op.vectors[0].iov_base), op.vectors[0].iov_len});
    if (header && header->number == name.number) early = early || log->newest_settled().frame < again.frame;
    return std::nullopt;
  };
  log->hold_reclaim(false);
  ASSERT_TRUE(eventually([&] { return !log->in_use(name); }));
  EXPECT_FALSE(early);
}

TEST_P(LogReclaimTest, frees_nothing_while_held) {
  open();
  log->start_reclaim();
  log->hold_reclaim(true);
  const auto name = log->name_of(keep(1, "dead at once"));
  next_segment();
  settle();
  EXPECT_TRUE(log->in_use(name));
  log->hold_reclaim(false);
  ASSERT_TRUE(eventually([&] { return !log->in_use(name); }));
}

TEST_P(LogReclaimTest, keeps_a_segment_whose_header_cannot_be_written_and_tries_again) {
  open();
  log->start_reclaim();
  const Location live = keep(1, "live");
  log->add_live(live);
  const auto name = log->name_of(live);
  next_segment();
  settle();
  bool broken = true;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    return broken && op.offset < kFirstFrame ? std::optional<WriteFault>(WriteFault{}) : std::nullopt;
  };
  log->drop_live(live);
  settle();
  EXPECT_TRUE(log->in_use(name));
  broken = false;
  ASSERT_TRUE(eventually([&] { return !log->in_use(name); }));
}

TEST_P(LogReclaimTest, reads_an_orphan_shard_frees_it_and_removes_its_directory) {
  open();
  const std::string text(120'000, 'o');
  for (unsigned i = 1; i <= 20; ++i) keep(i, text);
  close();
  machine->restart();
  // The same directory again, as the orphan of another shard's log.
  Log::Place adopting{
      .directory = machine->directory() + "/shard-1", .shard = 1, .epoch = ++epoch, .spool_id = 77};
  adopting.orphans.push_back({machine->directory() + "/shard-0", 0});
  seen.clear();
  struct Opening {
    static Task<void> run(LogReclaimTest& test, Log::Place place) {
      auto opened = co_await Log::open(
          test.machine->core(), test.options, place,
          [&test](Log& of, const RecordView& view) {
            EXPECT_EQ(view.shard, 0U);
            of.add_live(view.where);
            test.seen.push_back({view.type, view.id, text_of(view.payload), view.where, view.order});
          },
          nullptr);
      EXPECT_TRUE(opened);
      if (opened) test.log = std::move(*opened);
    }
  };
  ASSERT_TRUE(machine->run(Opening::run(*this, adopting)));
  ASSERT_EQ(seen.size(), 20U);
  EXPECT_GE(log->space().orphan_segments, 2U);
  log->start_reclaim();
  EXPECT_EQ(read(seen[7].where).value(), text);
  keep(100, "in the own shard");
  for (const Seen& each : seen) log->drop_live(each.where);
  auto& files = machine->files();
  ASSERT_TRUE(eventually([&] {
    const auto names = files.list(machine->directory());
    return names && std::ranges::count(*names, "shard-0") == 0;
  }));
  EXPECT_EQ(log->space().orphan_segments, 0U);
}

// The record that says which frames of an adopted shard had failed stays until a header says so.
TEST_P(LogReclaimTest, brings_no_failed_frame_of_an_orphan_shard_back) {
  open();
  keep(1, "before");
  bool done = false;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < kFirstFrame) return done ? std::optional<WriteFault>(WriteFault{}) : std::nullopt;
    if (done) return std::nullopt;
    done = true;
    return WriteFault{.result = -EIO, .reaches_disk = true};
  };
  EXPECT_FALSE(wait(must_put(2, "ghost")));
  keep(3, "after");
  machine->turns(100);
  lose_or_close();
  machine->backend().on_write = nullptr;
  struct Opening {
    static Task<void> run(LogReclaimTest& test) {
      Log::Place place{.directory = test.machine->directory() + "/shard-1",
                       .shard = 1,
                       .epoch = ++test.epoch,
                       .spool_id = 77};
      place.orphans.push_back({test.machine->directory() + "/shard-0", 0});
      test.seen.clear();
      auto opened = co_await Log::open(
          test.machine->core(), test.options, place,
          [&test](Log& of, const RecordView& view) {
            if (view.id.value == 1) of.add_live(view.where);
            test.seen.push_back({view.type, view.id, text_of(view.payload), view.where, view.order});
          },
          nullptr);
      EXPECT_TRUE(opened);
      if (opened) test.log = std::move(*opened);
    }
  };
  ASSERT_TRUE(machine->run(Opening::run(*this)));
  EXPECT_THAT(seen_ids(), ElementsAre(1, 3));
  const auto holder = log->name_of(seen.back().where);
  log->start_reclaim();
  ASSERT_TRUE(eventually([&] { return !log->in_use(holder); }));
  settle();
  lose_or_close();
  ASSERT_TRUE(machine->run(Opening::run(*this)));
  EXPECT_THAT(seen_ids(), ElementsAre(1));
}

INSTANTIATE_TEST_SUITE_P(Backends, LogReclaimTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

// No frame of an earlier use of a segment comes back, wherever the power is cut.
class LogCrash : public LogTest {};

TEST_P(LogCrash, keeps_what_was_durable_and_brings_nothing_back) {
  options.free_segments_ahead = 2;
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, std::string> durable;  // and not negated durably
  std::map<std::uint64_t, Location> places;
  std::vector<std::uint64_t> negated;  // durably
  std::uint64_t seed = 1;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
  };
  for (unsigned round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    std::map<std::uint64_t, Location> found;
    on_visit = [&](Log& of, const RecordView& view) {
      if (view.type == 1) {
        of.add_live(view.where);
        found[view.id.value] = view.where;
        return;
      }
      if (const auto at = found.find(view.id.value); at != found.end()) {
        const SegmentName name = of.name_of(at->second);
        of.drop_live(at->second);
        of.add_pin(view.where, {&name, 1});
        found.erase(at);
      }
    };
    open();
    ASSERT_EQ(report.damages, 0U);
    for (const auto& [id, text] : durable) {
      ASSERT_TRUE(found.contains(id)) << "lost " << id;
      ASSERT_EQ(read(found[id]).value(), text);
    }
    for (const std::uint64_t id : negated) ASSERT_FALSE(found.contains(id)) << "came back: " << id;
    // What nobody was told of may be there or not; from now on it counts as it is.
    places = found;
    durable.clear();
    for (const auto& [id, where] : found) durable[id] = read(where).value();
    log->start_reclaim();

    const unsigned steps = static_cast<unsigned>(random(60)) + 5;
    for (unsigned step = 0; step < steps; ++step) {
      if (random(3) != 0 || places.empty()) {
        const std::uint64_t id = next_id++;
        const std::string text(random(90'000) + 1, static_cast<char>('a' + id % 26));
        const auto ticket = must_put(id, text);
        log->add_live(last);
        places[id] = last;
        if (random(4) != 0) {
          ASSERT_TRUE(wait(ticket));
          durable[id] = text;
        }
      } else {
        auto victim = places.begin();
        std::advance(victim, static_cast<std::ptrdiff_t>(random(places.size())));
        const std::uint64_t id = victim->first;
        const SegmentName name = log->name_of(victim->second);
        const auto ticket = must_put(id, "done", 6);
        log->add_pin(last, {&name, 1});
        log->drop_live(victim->second);
        places.erase(victim);
        durable.erase(id);
        if (random(2) != 0) {
          ASSERT_TRUE(wait(ticket));
          negated.push_back(id);
        }
      }
      machine->turns(static_cast<unsigned>(random(3)));
    }
    if (random(4) == 0)
      reopen_cleanly();
    else
      lose_power();
  }
}

INSTANTIATE_TEST_SUITE_P(Simulated, LogCrash, ::testing::Values("sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::journal::testing
