#include "compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_id.hpp"

namespace ringpost::loadgen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string id(std::uint64_t sequence) {
  return to_string(LoadId{1, 0, sequence});
}
std::string acknowledged(std::uint64_t sequence, int recipients = 1, std::uint32_t checksum = 7) {
  return id(sequence) + " " + std::to_string(recipients) + " " + checksum_text(checksum) + "\n";
}
std::string received(std::uint64_t sequence, const std::string& recipients = "a@x",
                     std::uint32_t checksum = 7, const std::string& judgement = "ok") {
  return id(sequence) + " " + recipients + " " + judgement + " " + checksum_text(checksum) + "\n";
}

TEST(Compare, counts_what_came) {
  const Comparison c = compare(acknowledged(1) + acknowledged(2), received(2) + received(1));
  EXPECT_EQ(c.acknowledged, 2U);
  EXPECT_EQ(c.received, 2U);
  EXPECT_TRUE(c.good());
  EXPECT_EQ(to_text(c),
            "acknowledged 2, received 2, lost 0, duplicated 0, corrupted 0, unacknowledged but received 0\n");
}

TEST(Compare, names_what_is_lost) {
  const Comparison c = compare(acknowledged(1) + acknowledged(2) + acknowledged(3), received(2));
  EXPECT_EQ(c.lost, 2U);
  EXPECT_EQ(c.received, 1U);
  EXPECT_FALSE(c.good());
  EXPECT_THAT(c.lost_ids, ElementsAre(id(1), id(3)));
  EXPECT_THAT(to_text(c), HasSubstr("lost       " + id(1)));
}

TEST(Compare, a_message_is_lost_when_one_recipient_lacks_it) {
  const std::string sent = acknowledged(1, 3);
  EXPECT_EQ(compare(sent, received(1, "a@x,b@x")).lost, 1U);
  EXPECT_EQ(compare(sent, received(1, "a@x,b@x") + received(1, "b@x")).lost, 1U);
  const Comparison c = compare(sent, received(1, "a@x,b@x") + received(1, "c@y"));
  EXPECT_EQ(c.lost, 0U);
  EXPECT_EQ(c.duplicated, 0U);
}

TEST(Compare, a_repeat_for_the_same_recipient_is_a_duplicate_and_no_fault) {
  const Comparison c =
      compare(acknowledged(1) + acknowledged(2), received(1) + received(2) + received(1) + received(1));
  EXPECT_EQ(c.duplicated, 1U);
  EXPECT_TRUE(c.good());
  EXPECT_THAT(to_text(c), HasSubstr("told, and is no fault"));
}

TEST(Compare, a_changed_body_is_corrupted) {
  EXPECT_EQ(compare(acknowledged(1), received(1, "a@x", 7, "bad")).corrupted, 1U);
  EXPECT_EQ(compare(acknowledged(1), received(1, "a@x", 8, "ok")).corrupted, 1U);
  EXPECT_FALSE(compare(acknowledged(1), received(1, "a@x", 8, "ok")).good());
}

TEST(Compare, what_came_without_250_is_told_and_no_fault) {
  const Comparison c = compare(acknowledged(1), received(1) + received(2));
  EXPECT_EQ(c.unacknowledged, 1U);
  EXPECT_EQ(c.acknowledged, 1U);
  EXPECT_TRUE(c.good());
}

TEST(Compare, messages_of_others_are_counted_apart) {
  const Comparison c = compare("", "- a@x ok 00000007\n");
  EXPECT_EQ(c.foreign, 1U);
  EXPECT_EQ(c.unacknowledged, 0U);
}

TEST(Compare, a_line_cut_off_at_any_place_is_no_message) {
  const std::string ack = acknowledged(2);
  const std::string got = received(2);
  for (std::size_t size = 1; size < ack.size(); ++size) {
    const Comparison c = compare(acknowledged(1) + ack.substr(0, size), received(1));
    EXPECT_EQ(c.acknowledged, 1U) << size;
    EXPECT_EQ(c.cut, 1U) << size;
    EXPECT_EQ(c.unreadable, 0U) << size;
  }
  for (std::size_t size = 1; size < got.size(); ++size) {
    // As a process that started later left it: the part, a line end, and what followed.
    const Comparison c = compare(acknowledged(1), got.substr(0, size) + "\n" + received(1));
    EXPECT_EQ(c.received, 1U) << size;
    if (size + 1 < got.size()) {
      EXPECT_EQ(c.unacknowledged, 0U) << size;
      EXPECT_EQ(c.cut, 1U) << size;
      EXPECT_EQ(c.unreadable, 0U) << size;
    }
  }
}

TEST(Compare, a_line_that_nobody_writes_is_unreadable_and_not_cut_off) {
  for (const std::string line : {"{\"format\": 1}\n", "00000001-000-00000000000x 1 00000007\n", "zz\n"}) {
    EXPECT_EQ(compare(line, "").unreadable, 1U) << line;
    EXPECT_EQ(compare("", line).unreadable, 1U) << line;
    EXPECT_EQ(compare(line, line).cut, 0U) << line;
  }
  EXPECT_EQ(compare(id(1) + " many 00000007\n", "").unreadable, 1U);
  EXPECT_EQ(compare("", id(1) + " a@x fine 00000007\n").unreadable, 1U);
  EXPECT_EQ(compare(id(1) + " 1 0000000700\n", "").unreadable, 1U);
}

TEST(Compare, names_no_more_than_ten) {
  std::string sent;
  for (std::uint64_t i = 0; i < 25; ++i) sent += acknowledged(i);
  const Comparison c = compare(sent, "");
  EXPECT_EQ(c.lost, 25U);
  EXPECT_EQ(c.lost_ids.size(), 10U);
}

}  // namespace
}  // namespace ringpost::loadgen
