// A mailbox that is read in order is read from the disk in large pieces, and says the same as one that is not.
#include <algorithm>
#include <random>

#include "store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

class ReadAheadTest : public StoreTest {
 protected:
  // `count` messages with facts, and nothing of them in memory.
  void fill(int count, std::size_t size = 3000) {
    for (int i = 0; i < count; ++i) {
      texts_.push_back("message " + std::to_string(i) + " " +
                       std::string(size, static_cast<char>('a' + i % 26)));
      const auto done = at.try_append(
          {Mail{.text = texts_.back(), .facts = i % 3 == 0 ? "" : "facts " + std::to_string(i)}});
      ASSERT_TRUE(done);
    }
    at.reopen();
  }
  std::uint64_t figure(std::string_view name) { return machine.figure(name); }
  std::uint64_t cold_reads() { return figure("journal_cold_reads"); }
  void expect_same(std::size_t index, bool with_facts = true) {
    const Message& message = box().messages()[index];
    EXPECT_EQ(at.text(message), texts_[index]);
    if (!with_facts) return;
    const auto facts = run(at.user().facts(message.blob));
    ASSERT_TRUE(facts);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(facts->data()), facts->size()),
              index % 3 == 0 ? "" : "facts " + std::to_string(index));
  }
  std::vector<std::string> texts_;
};

TEST_F(ReadAheadTest, in_order_messages_come_in_large_pieces) {
  fill(300);
  const std::uint64_t before = cold_reads();
  for (std::size_t i = 0; i < 300; ++i) expect_same(i);
  EXPECT_LT(cold_reads() - before,
            12U);  // 300 times 3 KB in 256 KiB each, and the two before the order is seen
  EXPECT_GE(figure("store_read_ahead"), 290U);
}

TEST_F(ReadAheadTest, parts_of_messages_are_those_parts) {
  fill(20);
  for (std::size_t i = 0; i < 20; ++i)
    for (const std::uint64_t offset : {0U, 8U, 2900U, 5000U}) {
      const auto part = run(at.user().read(box().messages()[i].blob, offset, 200));
      ASSERT_TRUE(part);
      EXPECT_EQ(text_of(*part), texts_[i].substr(std::min<std::size_t>(offset, texts_[i].size()), 200));
    }
  EXPECT_GT(figure("store_read_ahead"), 0U);
}

TEST_F(ReadAheadTest, who_jumps_about_reads_one_message_at_a_time) {
  fill(200);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < 200; i += 20) order.push_back(i);
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  for (const std::size_t i : order) expect_same(i, false);
  EXPECT_EQ(figure("store_read_ahead"), 0U);
}

TEST_F(ReadAheadTest, what_was_read_ahead_and_expunged_is_gone) {
  fill(30);
  for (std::size_t i = 0; i < 3; ++i) expect_same(i);
  ASSERT_GT(figure("store_read_ahead"), 20U);
  const Message gone = box().messages()[10];
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({gone.uid.value}), false)));
  const auto content = run(at.user().read(gone));
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().kind, ErrorKind::permanent);
  EXPECT_FALSE(run(at.user().facts(gone.blob)));
  texts_.erase(texts_.begin() + 10);
  for (std::size_t i = 3; i < 29; ++i) expect_same(i, false);
}

TEST_F(ReadAheadTest, two_mailboxes_in_turns_and_copies_of_one_message_say_the_same) {
  fill(60);
  const MailboxId other = make("Other");
  ASSERT_TRUE(run(at.user().copy(kInbox, uids({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), other)));
  ASSERT_TRUE(run(at.user().copy(kInbox, uids({1, 2, 3}), kInbox)));
  for (std::size_t i = 0; i < 60; ++i) {
    expect_same(i);
    if (i < 10) EXPECT_EQ(at.text(at.user().find(other)->messages()[i]), texts_[i]);
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(at.text(box().messages()[60 + i]), texts_[i]);
}

TEST_F(ReadAheadTest, what_nobody_asks_for_is_let_go) {
  fill(30);
  for (std::size_t i = 0; i < 3; ++i) expect_same(i);
  EXPECT_GT(figure("store_read_ahead_bytes"), 80'000U);
  at.let_it_compact(kReadAheadKept + std::chrono::seconds{2});
  EXPECT_EQ(figure("store_read_ahead_bytes"), 0U);
  for (std::size_t i = 3; i < 30; ++i) expect_same(i);
}

TEST_F(ReadAheadTest, large_messages_among_small_ones_are_read_too) {
  fill(10);
  texts_.push_back(std::string(400'000, 'L'));
  ASSERT_TRUE(at.try_append({Mail{.text = texts_.back(), .facts = "facts 10"}}));
  texts_.push_back("after it " + std::string(200'000, 'm'));
  ASSERT_TRUE(at.try_append({Mail{.text = texts_.back(), .facts = "facts 11"}}));
  fill(3);
  for (std::size_t i = 0; i < 15; ++i) expect_same(i, i < 12);
}

}  // namespace
}  // namespace ringpost::store::testing
