// Messages that come, and stand in the log, in pieces.
#include "ringpost/spool/limits.hpp"

#include "spool/records.hpp"
#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

class PiecesTest : public SpoolTest {};

INSTANTIATE_TEST_SUITE_P(Backends, PiecesTest, ::testing::Values("epoll", "auto", "sim"),
                         [](const auto& info) { return info.param; });

TEST_P(PiecesTest, takes_a_message_in_pieces) {
  at->open();
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += std::to_string(i) + ",";
  const MessageId id = at->accept(text, {.in_pieces = true});
  EXPECT_EQ(at->spool->size_of(id), text.size());
  EXPECT_EQ(at->body(id).value(), text);
  at->reopen();
  EXPECT_EQ(at->spool->size_of(id), text.size());
  EXPECT_EQ(at->body(id).value(), text);
  EXPECT_EQ(at->part(id, 299'990, 250'020).value(), text.substr(299'990, 250'020));
  EXPECT_EQ(at->part(id, text.size() - 5, 100).value(), text.substr(text.size() - 5));
  EXPECT_EQ(at->part(id, text.size(), 100).value(), "");
}

// The rest of it may be read the next time.
TEST_P(PiecesTest, keeps_the_pieces_of_a_message_of_which_one_could_not_be_read) {
  if (GetParam() != "sim") GTEST_SKIP() << "needs a power cut";
  at->open();
  std::string text(1'500'000, 'p');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i / 1000 % 26);
  const MessageId other = at->accept("other");
  const MessageId id = at->accept(text, {.in_pieces = true});
  machine->turns(500);  // the full segment gets its end
  at->lose_power();
  // Only the segment that was open is read frame by frame, and a piece stands there.
  constexpr std::uint64_t kBad = 16'384;
  unsigned refused = 0;
  machine->backend().on_read = [&](const io::Op& op) -> std::optional<std::int32_t> {
    std::uint64_t size = 0;
    for (std::uint32_t i = 0; i < op.vector_count; ++i) size += op.vectors[i].iov_len;
    if (op.offset > kBad || op.offset + size <= kBad) return std::nullopt;
    ++refused;
    return -EIO;
  };
  at->open();
  machine->backend().on_read = nullptr;
  ASSERT_GT(refused, 0U);
  // The other with pieces is kept too, but was read: what ends need not name it.
  EXPECT_EQ(at->spool->log().kept_segments().size(), 1U);
  ASSERT_FALSE(at->body(id));
  at->record(other, 0, RecipientState::delivered);
  ASSERT_TRUE(at->flush());
  for (int i = 0; i < 10; ++i) at->accept("mail that makes frames");
  machine->turns(3000);
  at->reopen();
  EXPECT_EQ(at->body(id).value_or(""), text);
}

TEST_P(PiecesTest, forgets_pieces_without_an_envelope) {
  at->open();
  struct Dropping {
    static Task<void> run(Spool& spool, Result<void>& result) {
      auto incoming = spool.begin();
      result = co_await incoming->append(bytes_of(std::string(400'000, 'd')));
    }
  };
  Result<void> result;
  ASSERT_TRUE(machine->run(Dropping::run(*at->spool, result)));
  EXPECT_TRUE(result);
  EXPECT_EQ(at->spool->log().space().live_bytes, 0U);
  const MessageId id = at->accept("next");
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 1U);
  EXPECT_TRUE(at->spool->contains(id));
}

Task<void> count_envelopes(Spool& spool, std::size_t& count) {
  (void)co_await spool.log().walk([&](const journal::RecordView& view) {
    count += view.type == static_cast<std::uint8_t>(RecordType::envelope) ? 1 : 0;
  });
}

TEST_P(PiecesTest, fails_a_message_in_pieces_when_one_of_them_failed) {
  at->open();
  unsigned frames = 0;
  machine->backend().on_write = [&](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < 8192 || frames++ != 0) return std::nullopt;
    return WriteFault{};
  };
  const auto failed = at->try_accept(std::string(1'500'000, 'p'), {.in_pieces = true});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::temporary);
  machine->turns(5);
  EXPECT_EQ(at->spool->message_count(), 0U);
  EXPECT_EQ(at->recorder.heard.size(), 0U);
  // Nor was there a moment at which a crash would have left an envelope whose body is incomplete.
  std::size_t envelopes = 0;
  EXPECT_TRUE(machine->run(count_envelopes(*at->spool, envelopes)));
  EXPECT_EQ(envelopes, 0U);
  at->reopen();
  EXPECT_EQ(at->spool->message_count(), 0U);
}

TEST_P(PiecesTest, takes_a_message_of_many_segments_in_bounded_memory) {
  at->open();
  std::string text;
  while (text.size() < 24'000'000) text += "line " + std::to_string(text.size()) + "\n";
  const auto before = machine->core().buffers().in_use().count;
  const MessageId id = at->accept(text, {.in_pieces = true});
  EXPECT_LE(machine->core().buffers().in_use().count, before + 256 * 1024);
  EXPECT_GT(at->spool->log().space().segments, 24U);
  at->reopen();
  for (const std::uint64_t offset : {0U, 1'048'000U, 13'000'001U, 23'900'000U})
    EXPECT_EQ(at->part(id, offset, 70'000).value(), text.substr(offset, 70'000));
  at->record(id, 0, RecipientState::delivered);
  ASSERT_TRUE(machine->turn_until([&] { return at->spool->log().space().live_bytes == 0; }));
}

}  // namespace
}  // namespace ringpost::spool::testing
