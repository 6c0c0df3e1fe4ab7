#include "io/operation_table.hpp"

#include <deque>
#include <random>

#include <gtest/gtest.h>

namespace ringpost::io {

namespace {

struct Nothing {};
struct Silent : Operation {
  Silent() : Operation([](Operation&, const Completion&) {}) {}
};
using Table = OperationTable<Nothing>;

Op receive(Operation& operation, int descriptor) {
  return {.kind = OpKind::receive, .handle = Handle{descriptor}, .operation = &operation};
}

TEST(OperationTable, finds_by_operation_and_by_ticket) {
  Table table;
  Silent one, two;
  Table::Entry* first = table.add(receive(one, 3));
  Table::Entry* second = table.add(receive(two, 4));
  EXPECT_EQ(table.find(&one), first);
  EXPECT_EQ(table.find(&two), second);
  EXPECT_EQ(table.find(first->ticket), first);
  EXPECT_EQ(table.find(nullptr), nullptr);
  EXPECT_EQ(table.find(Ticket{}), nullptr);
  EXPECT_EQ(table.count(), 2U);
}

TEST(OperationTable, a_ticket_dies_with_its_user_not_with_its_slot) {
  Table table;
  Silent one;
  Table::Entry* entry = table.add(receive(one, 3));
  const Ticket old = entry->ticket;
  table.remove(*entry);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_EQ(table.find(&one), nullptr);
  Table::Entry* again = table.add(receive(one, 3));
  EXPECT_EQ(again->ticket.slot, old.slot);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_EQ(table.find(again->ticket), again);
}

TEST(OperationTable, keeps_its_index_true_through_many_changes) {
  Table table;
  std::deque<Silent> operations(3000);
  std::vector<bool> there(operations.size());
  std::mt19937 random(1);
  for (int step = 0; step < 100'000; ++step) {
    const std::size_t i = random() % operations.size();
    if (there[i])
      table.remove(*table.find(&operations[i]));
    else
      table.add(receive(operations[i], static_cast<int>(i)));
    there[i] = !there[i];
  }
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto* entry = table.find(&operations[i]);
    ASSERT_EQ(entry != nullptr, there[i]);
    if (entry != nullptr) ASSERT_EQ(entry->handle.value, static_cast<int>(i));
  }
}

TEST(OperationTableDeathTest, asserts_the_rules_of_use) {
  const auto twice = [](OpKind first, OpKind second) {
    Table table;
    Silent one, two;
    table.add({.kind = first, .handle = Handle{5}, .operation = &one});
    table.add({.kind = second, .handle = Handle{5}, .operation = &two});
  };
  EXPECT_DEATH(twice(OpKind::receive, OpKind::receive), "reading");
  EXPECT_DEATH(twice(OpKind::send, OpKind::send), "writing");
  EXPECT_DEATH(twice(OpKind::receive, OpKind::close), "total == 0");
  twice(OpKind::receive, OpKind::send);
  twice(OpKind::write, OpKind::write);
  twice(OpKind::poll, OpKind::close);  // a foreign library closes when it likes
  EXPECT_DEATH(
      {
        Table table;
        Silent one;
        table.add(receive(one, 5));
        table.add(receive(one, 6));
      },
      "operation");
}

TEST(OperationTable, checks_vectors_at_their_limits) {
  char byte = 0;
  std::vector<iovec> vectors(kVectorsMax + 1, iovec{&byte, 1});
  Op op{.vectors = vectors.data(), .vector_count = kVectorsMax};
  std::uint64_t total = 0;
  EXPECT_EQ(check_vectors(op, total), 0);
  EXPECT_EQ(total, kVectorsMax);
  op.vector_count = kVectorsMax + 1;
  EXPECT_EQ(check_vectors(op, total), -EINVAL);
  op.vector_count = 2;
  vectors[0].iov_len = kOperationBytesMax - 1;
  EXPECT_EQ(check_vectors(op, total), 0);
  vectors[0].iov_len = kOperationBytesMax;
  EXPECT_EQ(check_vectors(op, total), -EINVAL);
}

TEST(ReadyQueue, hands_out_in_order_and_in_parts) {
  ReadyQueue queue;
  for (int i = 0; i < 5; ++i) queue.push({.result = i});
  std::array<Completion, 3> out;
  EXPECT_EQ(queue.take(out), 3U);
  EXPECT_EQ(out[2].result, 2);
  queue.push({.result = 5});
  EXPECT_EQ(queue.take(out), 3U);
  EXPECT_EQ(out[0].result, 3);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take(out), 0U);
}

}  // namespace

}  // namespace ringpost::io
