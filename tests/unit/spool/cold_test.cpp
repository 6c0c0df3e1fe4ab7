// Mail that waits long is moved to where mail waits that expires at about the same time.
#include "ringpost/spool/archive.hpp"

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
  std::uint64_t figure(std::string_view name) {
    for (const auto& entry : machine->core().figures().entries())
      if (entry.name == name) return entry.counter->value();
    return 0;
  }
  // Its segment is closed, and all else in it has ended.
  void fill_up() {
    for (int i = 0; i < 12; ++i)
      at->record(at->accept(std::string(100'000, 'x')), 0, RecipientState::delivered);
    EXPECT_TRUE(at->flush());
  }
  void wait_for_moves(std::uint64_t count) {
    ASSERT_TRUE(machine->turn_until([&] { return figure("spool_moved") >= count; }));
    EXPECT_TRUE(at->flush());
    machine->turns(50);
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
  at->reopen();  // closes it
  for (const MessageId id : all) at->record(id, 0, RecipientState::expired);
  EXPECT_TRUE(at->flush());
  ASSERT_TRUE(machine->turn_until([&] { return streams()[4] == 0; }));
  EXPECT_EQ(figure("spool_moved"), 0U);
  at->reopen();
  EXPECT_TRUE(at->recorder.heard.empty());
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
  at->reopen();
  EXPECT_EQ(at->body(id).value(), text);
  EXPECT_EQ(at->body(moved).value(), text);
  EXPECT_EQ(at->recorder.heard.size(), 2U);
}

// The copy is whole, but of the original a piece is gone with its segment.
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
}

INSTANTIATE_TEST_SUITE_P(Backends, ColdTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
