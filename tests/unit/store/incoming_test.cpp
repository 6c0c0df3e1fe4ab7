// Messages that come in pieces, while everything else goes on.
#include "ringpost/journal/limits.hpp"

#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

class IncomingTest : public StoreTest {
 protected:
  static std::string text_of_size(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += std::to_string(i);
    text.resize(size);
    return text;
  }
  void write(Incoming& incoming, std::string_view text) {
    const auto written = run(incoming.write(bytes_of(text)));
    EXPECT_TRUE(written) << written.error().text;
  }
  // The pieces of `text` from the `first` on.
  void write_from(Incoming& incoming, std::string_view text, std::size_t first) {
    for (std::size_t at_byte = first * kChunkSize; at_byte < text.size(); at_byte += kChunkSize)
      write(incoming, text.substr(at_byte, kChunkSize));
  }
  Task<Outcome<Appended>> do_append(const Incoming& incoming) {
    NewMessage message;
    message.incoming = &incoming;
    message.internal_date = 5;
    co_return co_await at.user().append(kInbox, {&message, 1});
  }
};

TEST_F(IncomingTest, is_there_whole_once_it_is_appended_and_after_a_cut) {
  for (const std::size_t size : {std::size_t{1}, kChunkSize, kChunkSize + 1, 3 * kChunkSize - 1}) {
    const std::string text = text_of_size(size);
    auto incoming = at.user().receive(size);
    write_from(*incoming, text, 0);
    ASSERT_TRUE(run(incoming->end(bytes_of("prepared"))));
    EXPECT_EQ(at.user().bytes_used(), at.see().bytes) << "not yet";
    const auto appended = run(do_append(*incoming));
    ASSERT_TRUE(appended) << appended.error().error.text;
    incoming.reset();
    const Message message = box().messages().back();
    EXPECT_EQ(at.text(message), text);
    EXPECT_EQ(run(at.user().facts(message.blob)).value().size(), std::string_view("prepared").size());
    const Seen before = at.see();
    at.lose_power();
    at.open();
    EXPECT_EQ(at.see(), before);
    EXPECT_EQ(at.spool->recovery().damages, 0U);
  }
}

TEST_F(IncomingTest, dropped_on_its_way_it_leaves_nothing) {
  const std::string text = text_of_size(3 * kChunkSize);
  at.user();
  const std::uint64_t live = at.spool->log().space().live_bytes;
  {
    auto incoming = at.user().receive(text.size());
    write(*incoming, std::string_view(text).substr(0, kChunkSize));
    EXPECT_GT(at.spool->log().space().live_bytes, live);
  }
  EXPECT_EQ(at.spool->log().space().live_bytes, live);
  at.append("other");
  const Seen before = at.see();
  at.reopen();
  EXPECT_EQ(at.see(), before);
}

// A client that sends slowly: the segments of its first pieces are emptied meanwhile.
TEST_F(IncomingTest, its_pieces_move_with_their_segments_before_it_is_complete) {
  const std::string text = text_of_size(3 * kChunkSize + 100);
  auto incoming = at.user().receive(text.size());
  write(*incoming, std::string_view(text).substr(0, kChunkSize));
  const std::string other(100'000, 'm');
  const std::uint64_t moved = at.spool->log().space().segments;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 20; ++i) at.append(other + std::to_string(i));
    ASSERT_TRUE(run(at.user().expunge(kInbox, UidSet::all(), false)));
    at.let_it_compact(std::chrono::seconds{3});
  }
  EXPECT_LT(at.spool->log().space().segments, moved + 10) << "12 MB went through segments of 1 MiB";
  write_from(*incoming, text, 1);
  ASSERT_TRUE(run(incoming->end({})));
  ASSERT_TRUE(run(do_append(*incoming)));
  incoming.reset();
  EXPECT_EQ(at.text(box().messages().back()), text);
  const Seen before = at.see();
  at.lose_power();
  at.open();
  EXPECT_EQ(at.see(), before);
  EXPECT_EQ(at.spool->recovery().damages, 0U);
}

TEST_F(IncomingTest, one_of_whose_frames_failed_is_not_appended) {
  const std::string text = text_of_size(2 * kChunkSize);
  auto incoming = at.user().receive(text.size());
  bool broken = false;
  machine.backend().on_write = fail_next_frame(broken, false);
  write(*incoming, std::string_view(text).substr(0, kChunkSize));
  ASSERT_TRUE(machine.turn_until([&] { return broken; }));
  machine.backend().on_write = nullptr;
  ASSERT_TRUE(machine.turn_until([&] { return !at.spool->log().write_errors(); }));
  write_from(*incoming, text, 1);
  ASSERT_TRUE(run(incoming->end({})));
  const auto appended = run(do_append(*incoming));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().error.kind, ErrorKind::temporary);
  EXPECT_EQ(box().count(), 0U);
}

// A slow client, on a disk that fails again and again.
TEST_F(IncomingTest, one_of_whose_frames_failed_so_long_ago_that_it_is_forgotten_is_not_appended) {
  const std::string text = text_of_size(2 * kChunkSize);
  auto incoming = at.user().receive(text.size());
  const auto fail_one = [&](const std::function<void()>& write_it) {
    bool broken = false;
    machine.backend().on_write = fail_next_frame(broken, false);
    write_it();
    ASSERT_TRUE(machine.turn_until([&] { return broken; }));
    machine.backend().on_write = nullptr;
    machine.turns(5);  // until the writer knows
  };
  fail_one([&] { write(*incoming, std::string_view(text).substr(0, kChunkSize)); });
  for (std::size_t i = 0; i <= journal::kFailedRangesMax; ++i) {
    fail_one([&] { EXPECT_FALSE(at.try_append({Mail{.text = "x"}})); });
    at.append("y");
  }
  const std::size_t count = box().count();
  write_from(*incoming, text, 1);
  ASSERT_TRUE(run(incoming->end({})));
  const auto appended = run(do_append(*incoming));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().error.kind, ErrorKind::temporary);
  EXPECT_EQ(box().count(), count);
}

}  // namespace
}  // namespace ringpost::store::testing
