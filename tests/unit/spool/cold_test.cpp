// Mail that waits long is moved to where mail waits that expires at about the same time.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/records.hpp"
#include "ringpost/spool/archive.hpp"
#include "ringpost/spool/limits.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

using ::testing::Each;

class ColdTest : public SpoolTest {
 protected:
  ColdTest() {
    at->options.compact_after = Duration{0};
    at->options.segments_ahead = 4;
  }
  std::uint64_t figure(std::string_view name) { return machine->figure(name); }
  // Messages that are delivered at once.
  void pass_by(int count) {
    for (int i = 0; i < count; ++i)
      at->record(at->accept(std::string(100'000, 'x')), 0, RecipientState::delivered);
  }
  // Its segment is closed, and all else in it has ended.
  void fill_up() {
    pass_by(12);
    EXPECT_TRUE(at->flush());
  }
  void wait_for_moves(std::uint64_t count) {
    ASSERT_TRUE(machine->turn_until([&] { return figure("spool_moved") >= count; }));
    EXPECT_TRUE(at->flush());
    machine->turns(50);
  }
  unsigned stream_of_file(std::uint32_t number) {
    auto& files = machine->files();
    const auto file =
        files.open(fmt::format("{}/shard-0/segment-{:06}", at->options.directory.text, number), {});
    std::vector<std::byte> head(journal::kFirstFrame);
    EXPECT_TRUE(file && files.read_at(file->handle, head, 0));
    files.close(file->handle);
    return journal::parse_segment_head(head).header.value_or(journal::SegmentHeader{}).stream;
  }
  // Of each body in pieces that a BODY_END of the message names, in which streams they stand.
  std::vector<std::set<unsigned>> streams_of_pieces(MessageId id) {
    std::map<std::uint64_t, std::set<unsigned>> pieces;
    std::vector<std::uint64_t> bodies;
    journal::RecoveryReport report;
    EXPECT_TRUE(journal::read_shard(
        machine->files(), {at->options.directory.text + "/shard-0", 0, 0},
        [&](const journal::RecordView& view) {
          if (view.type == 2) pieces[view.id.value].insert(stream_of_file(view.where.segment));
          if (view.type != 3 || view.id != id) return;
          bodies.push_back(journal::load<std::uint64_t>(view.payload));
          pieces[bodies.back()].insert(stream_of_file(view.where.segment));
        },
        report));
    std::vector<std::set<unsigned>> found;
    for (const std::uint64_t body : bodies) found.push_back(pieces[body]);
    return found;
  }
  // By who only looks, at a spool that is closed.
  std::string text_in_archive(MessageId id) {
    const auto archive = Archive::open(machine->files(), at->options.directory.text);
    EXPECT_TRUE(archive && !(*archive)->inspection().damaged());
    std::string text;
    const auto done = (*archive)->read_body(id, [&](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return Result<void>{};
    });
    EXPECT_TRUE(done);
    return text;
  }
  std::array<std::uint64_t, journal::kStreams> streams() { return at->spool->log().space().stream_segments; }
};

TEST_P(ColdTest, those_of_one_class_share_a_segment) {
  at->open();
  std::vector<MessageId> all;
  for (const int hours : {2, 30, 3, 31, 0}) {
    all.push_back(at->accept(std::string(3000, 'm'), {.life = std::chrono::hours{hours} + 30min}));
    at->record(all.back(), 0, RecipientState::pending, 2);
  }
  fill_up();
  wait_for_moves(5);
  EXPECT_EQ(figure("spool_moved_cold"), 4U);
  EXPECT_EQ(streams()[1], 1U);  // of 2 and 3 hours
  EXPECT_EQ(streams()[3], 1U);  // of 30 and 31
  EXPECT_EQ(streams()[2] + streams()[4], 0U);
  for (const bool killed : {false, true}) {
    if (killed && GetParam() == "sim") {
      at->lose_power();
      at->open();
    } else {
      at->reopen();
    }
    EXPECT_EQ(at->recorder.heard.size(), all.size());
    for (const MessageId id : all) {
      EXPECT_EQ(at->body(id).value(), std::string(3000, 'm'));
      EXPECT_EQ(at->load(id)->outcomes[0].attempts, 2);
    }
  }
}

TEST_P(ColdTest, a_segment_dies_with_its_messages) {
  at->open();
  std::vector<MessageId> all;
  for (int i = 0; i < 5; ++i) all.push_back(at->accept(std::string(3000, 'm'), {.life = 100h}));
  fill_up();
  wait_for_moves(5);
  EXPECT_EQ(streams()[4], 1U);
  for (const MessageId id : all) at->record(id, 0, RecipientState::expired);
  EXPECT_TRUE(at->flush());
  ASSERT_TRUE(machine->turn_until([&] { return streams()[4] == 0; }));
  EXPECT_EQ(figure("spool_moved"), 5U);
  at->reopen();
  EXPECT_TRUE(at->recorder.heard.empty());
}

// Each was accepted alone, in a frame of its own. What they cost the frame of new mail is counted in frames, not messages.
TEST_P(ColdTest, those_of_many_small_frames_are_moved_with_few) {
  at->open();
  std::vector<MessageId> all;
  for (int i = 0; i < 40; ++i) all.push_back(at->accept(std::string(850, 'm'), {.life = 20h}));
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < journal::kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header = journal::parse_frame_header(
        {static_cast<const std::byte*>(op.vectors[0].iov_base), op.vectors[0].iov_len});
    if (header && header->stream != 0) ++frames;
    return std::nullopt;
  };
  fill_up();
  wait_for_moves(40);
  EXPECT_EQ(figure("spool_moved_cold"), 40U);
  EXPECT_LE(frames, 2U);  // the copies, and the empty one behind them
  machine->backend().on_write = nullptr;
  for (const MessageId id : all) EXPECT_EQ(at->body(id).value(), std::string(850, 'm'));
}

// The file of that class ends in its middle, and there is no other: all of it goes among new mail then, without a wait.
TEST_P(ColdTest, a_large_message_that_finds_no_second_file_goes_among_new_mail) {
  at->options.segments_ahead = 8;
  at->open();
  for (int i = 0; i < 5; ++i) {
    for (int stays = 0; stays < 2; ++stays) at->accept(std::string(90'000, 's'), {.life = 20h});
    fill_up();
  }
  wait_for_moves(10);
  EXPECT_EQ(streams()[3], 1U);
  std::string text(190'000, 'l');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i / 1000 % 26);
  const MessageId id = at->accept(text, {.in_pieces = true, .life = 20h});
  unsigned opened = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= journal::kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header = journal::parse_segment_header(
        {static_cast<const std::byte*>(op.vectors[0].iov_base), op.vectors[0].iov_len});
    if (!header || header->stream == 0 ||
        header->state != static_cast<std::uint16_t>(journal::SegmentState::open))
      return std::nullopt;
    ++opened;
    return WriteFault{};
  };
  const Instant before = machine->core().now();
  fill_up();
  wait_for_moves(11);
  EXPECT_GT(opened, 0U);
  EXPECT_EQ(figure("spool_moved_cold"), 10U);
  if (GetParam() == "sim") EXPECT_LT(machine->core().now() - before, kRoomWait);
  machine->backend().on_write = nullptr;
  for (const bool again : {false, true}) {
    if (again) at->reopen();
    EXPECT_TRUE(at->body(id).value() == text);
  }
}

TEST_P(ColdTest, a_large_message_moves_in_one_stream) {
  at->open();
  std::string text(700'000, 'l');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i / 1000 % 26);
  const MessageId id = at->accept(text, {.in_pieces = true, .life = 20h});
  for (int i = 0; i < 60; ++i)
    at->record(at->accept(std::string(100'000, 'x')), 0, RecipientState::delivered);
  // Most of what its segments hold is live: two are half full of it.
  at->options.segment_size = 4_MiB;
  at->reopen();
  at->record(at->accept(text, {.in_pieces = true, .life = 20h}), 0, RecipientState::delivered);
  const MessageId moved = at->accept(text, {.in_pieces = true, .life = 20h});
  for (int i = 0; i < 60; ++i)
    at->record(at->accept(std::string(100'000, 'x')), 0, RecipientState::delivered);
  EXPECT_TRUE(at->flush());
  wait_for_moves(1);
  EXPECT_GT(figure("spool_moved_cold"), 0U);
  auto pieces = streams_of_pieces(id);
  std::ranges::copy(streams_of_pieces(moved), std::back_inserter(pieces));
  EXPECT_THAT(pieces, ::testing::Contains(std::set<unsigned>{3}));
  EXPECT_THAT(pieces, Each(::testing::SizeIs(1)));
  at->reopen();
  EXPECT_EQ(at->body(id).value(), text);
  EXPECT_EQ(at->body(moved).value(), text);
  EXPECT_EQ(at->recorder.heard.size(), 2U);
}

// Its first pieces were in a segment that is free again. The segment of its end stays, for other mail, and its index table knows
// nothing of pieces.
TEST_P(ColdTest, a_large_message_is_not_taken_for_its_end_alone) {
  at->open();
  std::string text(150'000, 'l');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i / 1000 % 26);
  pass_by(9);
  const MessageId id = at->accept(text, {.in_pieces = true, .life = 20h});
  std::vector<MessageId> stay;
  for (int i = 0; i < 4; ++i) stay.push_back(at->accept(std::string(60'000, 's'), {.life = 20h}));
  fill_up();
  wait_for_moves(1);
  EXPECT_EQ(figure("spool_moved"), 1U);
  EXPECT_EQ(streams()[3], 1U);
  for (int starts = 0; starts < 3; ++starts) {
    at->reopen();
    machine->turns(200);
    EXPECT_TRUE(at->body(id).value() == text);
    for (const MessageId other : stay) EXPECT_EQ(at->body(other).value(), std::string(60'000, 's'));
  }
  at->close();
  machine->restart();
  // The end is there twice: alone, and behind its pieces.
  EXPECT_THAT(streams_of_pieces(id),
              ::testing::UnorderedElementsAre(std::set<unsigned>{0}, std::set<unsigned>{3}));
  EXPECT_TRUE(text_in_archive(id) == text);
  for (const MessageId other : stay) EXPECT_EQ(text_in_archive(other), std::string(60'000, 's'));
}

// It fills about a segment, and begins near the end of one. Its copy would begin where it ended itself, near the end of the next,
// which would be as thin: so it went on, once in compact_after.
TEST_P(ColdTest, a_large_message_is_not_moved_when_nothing_is_gained) {
  at->open();
  const std::string text(1'000'000, 'l');
  pass_by(9);
  const MessageId id = at->accept(text, {.in_pieces = true});
  pass_by(10);
  EXPECT_TRUE(at->flush());
  machine->turns(GetParam() == "sim" ? 20'000 : 3000);
  EXPECT_EQ(figure("spool_moved"), 0U);
  for (const bool again : {false, true}) {
    if (again) at->reopen();
    EXPECT_TRUE(at->body(id).value() == text);
  }
}

// The copies are there, and nothing stands behind them yet: so the originals are, too.
TEST_P(ColdTest, a_crash_between_the_copies_and_what_stands_behind_them_costs_nothing) {
  if (GetParam() != "sim") GTEST_SKIP() << "needs a power cut";
  at->open();
  std::vector<MessageId> all;
  for (int i = 0; i < 5; ++i) all.push_back(at->accept(std::string(3000, 'm'), {.life = 20h}));
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < journal::kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header = journal::parse_frame_header(
        {static_cast<const std::byte*>(op.vectors[0].iov_base), op.vectors[0].iov_len});
    frames += header && header->stream != 0 ? 1U : 0U;
    return std::nullopt;
  };
  fill_up();
  ASSERT_TRUE(machine->turn_until([&] { return frames == 2; }));
  at->lose_power();
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), all.size());
  for (const MessageId id : all) EXPECT_EQ(at->body(id).value(), std::string(3000, 'm'));
  at->close();
  machine->restart();
  for (const MessageId id : all) EXPECT_EQ(text_in_archive(id), std::string(3000, 'm'));
}

// A header of a cold segment that cannot be written is no reason to refuse mail, nor to empty nothing.
TEST_P(ColdTest, goes_among_new_mail_where_no_cold_segment_can_be_opened) {
  at->open();
  std::vector<MessageId> all;
  for (int i = 0; i < 5; ++i) all.push_back(at->accept(std::string(3000, 'm'), {.life = 20h}));
  unsigned refused = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset >= journal::kFirstFrame || op.vectors == nullptr) return std::nullopt;
    const auto header = journal::parse_segment_header(
        {static_cast<const std::byte*>(op.vectors[0].iov_base), op.vectors[0].iov_len});
    if (!header || header->stream == 0) return std::nullopt;
    ++refused;
    return WriteFault{};
  };
  fill_up();
  wait_for_moves(5);
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(figure("spool_moved_cold"), 0U);
  EXPECT_TRUE(at->try_accept("more", {}));
  machine->backend().on_write = nullptr;
  at->reopen();
  for (const MessageId id : all) EXPECT_EQ(at->body(id).value(), std::string(3000, 'm'));
}

TEST_P(ColdTest, is_read_by_who_only_looks) {
  at->open();
  const MessageId id = at->accept("waits", {.life = 20h});
  at->record(id, 0, RecipientState::pending, 7);
  fill_up();
  wait_for_moves(1);
  at->close();
  machine->restart();
  const auto archive = Archive::open(machine->files(), at->options.directory.text);
  ASSERT_TRUE(archive);
  EXPECT_FALSE((*archive)->inspection().damaged());
  EXPECT_EQ((*archive)->inspection().shards[0].report.stream_segments[3], 1U);
  const auto stored = (*archive)->read(id);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->outcomes[0].attempts, 7);
  EXPECT_EQ(text_in_archive(id), "waits");
}

INSTANTIATE_TEST_SUITE_P(Backends, ColdTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
