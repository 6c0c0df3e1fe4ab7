#include "access/threads.hpp"

#include <string>

#include <gtest/gtest.h>

#include "ringpost/access/limits.hpp"

namespace ringpost::access {
namespace {

Threading message(std::uint32_t number, std::string id, std::vector<std::string> references,
                  std::string subject = "", bool reply = false) {
  return {.uid = {number},
          .number = number,
          .time = number,
          .id = std::move(id),
          .references = std::move(references),
          .subject = std::move(subject),
          .reply = reply};
}

std::string text(const std::vector<imap::ThreadNode>& nodes) {
  std::string all;
  for (const imap::ThreadNode& node : nodes) {
    all += "(" + (node.number == 0 ? "-" : std::to_string(node.number));
    all += text(node.children) + ")";
  }
  return all;
}

TEST(ThreadsByReferences, an_answer_hangs_below_what_it_answers) {
  EXPECT_EQ(text(threads_by_references({message(1, "a", {}), message(2, "b", {"a"}),
                                        message(3, "c", {"a", "b"}), message(4, "d", {})})),
            "(1(2(3)))(4)");
}

TEST(ThreadsByReferences, a_message_that_is_not_there_holds_its_answers_together) {
  EXPECT_EQ(text(threads_by_references({message(1, "b", {"gone"}), message(2, "c", {"gone"})})), "(-(1)(2))");
  EXPECT_EQ(text(threads_by_references({message(1, "b", {"gone"})})), "(1)");
}

TEST(ThreadsByReferences, a_circle_is_broken) {
  const std::string made =
      text(threads_by_references({message(1, "a", {"b"}), message(2, "b", {"a"}), message(3, "c", {"c"})}));
  for (const char* number : {"1", "2", "3"}) EXPECT_NE(made.find(number), std::string::npos) << made;
}

TEST(ThreadsByReferences, the_second_message_of_an_id_is_a_message_of_its_own) {
  EXPECT_EQ(text(threads_by_references({message(1, "a", {}), message(2, "a", {})})), "(1)(2)");
}

TEST(ThreadsByReferences, threads_of_one_subject_become_one) {
  EXPECT_EQ(text(threads_by_references({message(1, "a", {}, "PLAN"), message(2, "b", {}, "PLAN", true),
                                        message(3, "c", {}, "OTHER")})),
            "(1(2))(3)");
  EXPECT_EQ(text(threads_by_references({message(1, "a", {}, "PLAN"), message(2, "b", {}, "PLAN")})),
            "(-(1)(2))");
}

TEST(ThreadsByReferences, are_in_the_order_of_their_first_messages) {
  auto first = message(1, "a", {});
  first.time = 100;
  EXPECT_EQ(text(threads_by_references({first, message(2, "b", {}), message(3, "c", {"a"})})), "(2)(1(3))");
}

std::size_t count(const std::vector<imap::ThreadNode>& nodes) {
  std::size_t sum = 0;
  for (const imap::ThreadNode& node : nodes) sum += (node.number != 0 ? 1 : 0) + count(node.children);
  return sum;
}

// If any of these took time by the square of its size, the test would not end.
TEST(ThreadsByReferences, large_ones_of_every_shape_are_made_in_time) {
  constexpr std::uint32_t kCount = 100'000;
  const auto id = [](std::uint32_t n) { return "m" + std::to_string(n); };
  std::vector<Threading> backwards;  // the last answer has the lowest number
  std::vector<Threading> star;       // all answer one, and each was named by its own answer before it came
  std::vector<Threading> forks;      // what was answered before it came answers the end of a long chain
  std::vector<Threading> circles;    // each claims to answer the end of the chain that it is in
  for (std::uint32_t n = 1; n <= kCount; ++n) {
    backwards.push_back(message(n, id(kCount - n), {id(kCount - n + 1)}));
    const std::uint32_t half = kCount / 2;
    star.push_back(n <= half ? message(n, "x" + id(n), {"top", id(n)}) : message(n, id(n - half), {"top"}));
    forks.push_back(n <= half    ? message(n, id(n), {id(n - 1)})
                    : n % 2 == 0 ? message(n, "y" + id(n), {"x" + id(n + 1)})
                                 : message(n, "x" + id(n), {id(half)}));
    circles.push_back(n <= half ? message(n, "x" + id(n), {id(n - 1), id(n)})
                                : message(n, id(n - half), {id(half)}));
  }
  for (const auto* shape : {&backwards, &star, &forks, &circles})
    EXPECT_EQ(count(threads_by_references(*shape)), kCount);
}

TEST(ThreadsByReferences, a_chain_of_thousands_ends_side_by_side) {
  constexpr std::uint32_t kCount = 5000;
  std::vector<Threading> chain{message(1, "m1", {})};
  for (std::uint32_t n = 2; n <= kCount; ++n)
    chain.push_back(message(n, "m" + std::to_string(n), {"m" + std::to_string(n - 1)}));
  const auto threads = threads_by_references(chain);
  ASSERT_EQ(threads.size(), 1U);
  const imap::ThreadNode* node = &threads.front();
  std::size_t depth = 0;
  for (; node->children.size() == 1; node = &node->children.front()) ++depth;
  EXPECT_EQ(depth, kThreadDepthMax);
  EXPECT_EQ(depth + 1 + node->children.size(), kCount);
}

TEST(ThreadsBySubject, the_earliest_is_the_parent_of_the_others) {
  EXPECT_EQ(text(threads_by_subject({message(3, "c", {}, "X", true), message(1, "a", {}, "X"),
                                     message(2, "b", {}, "Y"), message(4, "d", {}, "X", true)})),
            "(1(3)(4))(2)");
}

}  // namespace
}  // namespace ringpost::access
