// Which copy of a message counts when others go.
#include "spool/queue.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringpost::spool::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Of each segment: how many records live in it.
class Counts final : public Ledger {
 public:
  void add_live(journal::Location where) override { ++live[where.segment]; }
  void drop_live(journal::Location where) override { --live[where.segment]; }
  void add_pin(journal::Location, std::span<const journal::SegmentName>) override {}
  void keep_beside_unread(journal::Location) override {}
  journal::SegmentName name_of(journal::Location where) const override { return {0, where.segment, 1}; }
  std::uint32_t epoch_of(journal::Location where) const override { return epochs[where.segment]; }
  mutable std::map<std::uint32_t, std::uint32_t> epochs;
  std::map<std::uint32_t, int> live;
};

class QueueTest : public ::testing::Test {
 protected:
  static journal::Location at(std::uint32_t segment, std::uint32_t offset) { return {segment, offset, 100}; }
  // In two pieces, of which the first may be in another segment.
  static Copy in_pieces(std::uint32_t first, std::uint32_t rest) {
    return {.envelope = at(rest, 9000),
            .body = {},
            .large = Large{first * 100 + rest, 200, {at(first, 8300), at(rest, 8300)}, at(rest, 8600)}};
  }
  std::vector<std::uint32_t> segments_of_pieces() {
    std::vector<std::uint32_t> found;
    for (const journal::Location chunk : queue_.large(kId)->chunks) found.push_back(chunk.segment);
    return found;
  }
  void lose(std::uint32_t segment) { queue_.go_back(*queue_.find(kId), at(segment, 9000)); }

  static constexpr MessageId kId{1};
  Counts counts_;
  Queue queue_{counts_};
};

// A1 and A2, then C1, whose copy is whole when A1 is free. The frame of the next copy, in C2, fails.
TEST_F(QueueTest, goes_back_to_the_copy_that_it_left_last) {
  constexpr std::uint32_t kA1 = 1, kA2 = 2, kC1 = 3, kC2 = 4;
  Entry& entry = queue_.add(kId, in_pieces(kA1, kA2), 1);
  queue_.relocate(entry, in_pieces(kC1, kC1));
  queue_.forget_copies(kA1);
  EXPECT_EQ(counts_.live[kA1], 0);
  queue_.relocate(entry, in_pieces(kC2, kC2));
  lose(kC2);
  EXPECT_THAT(segments_of_pieces(), ElementsAre(kC1, kC1));
  EXPECT_EQ(counts_.live[kA1], 0) << "it is free";
  EXPECT_GT(counts_.live[kC1], 0);
  EXPECT_EQ(counts_.live[kC2], 0);
}

TEST_F(QueueTest, goes_back_to_the_copy_that_it_left_last_when_it_was_in_one_piece) {
  Entry& entry = queue_.add(kId, {.envelope = at(1, 9000)}, 1);
  queue_.relocate(entry, {.envelope = at(2, 9000)});
  queue_.relocate(entry, {.envelope = at(3, 9000)});
  lose(3);
  EXPECT_EQ(queue_.find(kId)->envelope.segment, 2U);
}

// A start read the one of the later epoch first, and the other one counts: the later one may be given back at any time.
TEST_F(QueueTest, goes_back_to_the_copy_that_it_left_last_though_another_one_is_newer) {
  constexpr std::uint32_t kOlder = 1, kNewer = 2, kLost = 3;
  counts_.epochs = {{kOlder, 7}, {kNewer, 8}, {kLost, 9}};
  Entry& entry = queue_.add(kId, {.envelope = at(kOlder, 9000)}, 1);
  queue_.add_copy(entry, {.envelope = at(kNewer, 9000)});
  queue_.relocate(entry, {.envelope = at(kLost, 9000)});
  lose(kLost);
  EXPECT_EQ(queue_.find(kId)->envelope.segment, kOlder);
  EXPECT_EQ(counts_.live[kNewer], 0);
  EXPECT_EQ(counts_.live[kLost], 0);
  EXPECT_EQ(queue_.segments_of(*queue_.find(kId)).size(), 2U);
}

// It was moved twice, and neither frame could be written: they are told in their order.
TEST_F(QueueTest, goes_back_by_two_places) {
  Entry& entry = queue_.add(kId, {.envelope = at(1, 9000)}, 1);
  queue_.relocate(entry, {.envelope = at(2, 9000)});
  queue_.relocate(entry, {.envelope = at(3, 9000)});
  lose(2);
  lose(3);
  EXPECT_EQ(queue_.find(kId)->envelope.segment, 1U);
  EXPECT_FALSE(queue_.find(kId)->is(Entry::has_copies));
}

// A start finds which copies are void: of the others the best counts.
TEST_F(QueueTest, takes_the_newest_whole_copy_when_its_own_is_void) {
  counts_.epochs = {{1, 5}, {2, 6}, {3, 7}, {4, 8}};
  Entry& entry = queue_.add(kId, {.envelope = at(4, 9000)}, 1);
  queue_.add_copy(entry, {.envelope = at(1, 9000)});
  queue_.add_copy(entry, {.envelope = at(3, 9000), .no_body = true});
  queue_.add_copy(entry, {.envelope = at(2, 9000)});
  EXPECT_TRUE(queue_.remove_copies(kId, [](journal::Location envelope) { return envelope.segment == 4; }));
  EXPECT_EQ(queue_.find(kId)->envelope.segment, 2U);
  EXPECT_EQ(counts_.live[4], 0);
}

TEST_F(QueueTest, has_no_body_where_a_piece_of_it_is_gone) {
  Entry& entry = queue_.add(kId, in_pieces(1, 2), 1);
  queue_.relocate(entry, in_pieces(3, 3));
  queue_.forget_copies(1);
  lose(3);
  EXPECT_TRUE(queue_.find(kId)->is(Entry::no_body));
  EXPECT_THAT(queue_.body_records(*queue_.find(kId)), IsEmpty());
  EXPECT_EQ(counts_.live[1], 0);
}

}  // namespace
}  // namespace ringpost::spool::testing
