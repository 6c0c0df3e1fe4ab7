#include "unit/journal/log_fixture.hpp"

namespace ringpost::journal::testing {
namespace {

using ::testing::ElementsAre;

TEST_P(LogTest, keeps_records_over_a_restart_in_order) {
  open();
  keep(1, "one");
  keep(2, "two", 9);
  keep(3, "three");
  reopen();
  ASSERT_THAT(seen_ids(), ElementsAre(1, 2, 3));
  EXPECT_EQ(seen[1].text, "two");
  EXPECT_EQ(seen[1].type, 9);
  EXPECT_LT(seen[0].order, seen[1].order);
  EXPECT_EQ(report.damages + report.torn_tails, 0U);
  keep(4, "four");
  reopen();
  EXPECT_THAT(seen_ids(), ElementsAre(1, 2, 3, 4));
}

TEST_P(LogTest, reads_a_record_hot_and_after_a_restart_cold) {
  open();
  const Location where = keep(1, "the text of it");
  EXPECT_EQ(read(where).value(), "the text of it");
  {
    const Pin pin = log->pin(where);
    ASSERT_TRUE(pin);
    EXPECT_EQ(text_of(pin.bytes()), "the text of it");
  }
  reopen();
  EXPECT_FALSE(log->pin(seen[0].where));
  EXPECT_EQ(read(seen[0].where).value(), "the text of it");
}

TEST_P(LogTest, commits_all_records_of_one_turn_in_one_frame) {
  open();
  const auto first = put(1, "a");
  const auto second = put(2, "b");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->frame, second->frame);
  EXPECT_TRUE(wait(*second));
  EXPECT_EQ(log->frames_committed(), 1U);
}

TEST_P(LogTest, gathers_the_next_frame_while_one_is_written) {
  open();
  const auto first = put(1, "a");
  machine->core().turn(machine->core().now());  // the hook has submitted it
  const auto second = put(2, "b");
  const auto third = put(3, "c");
  EXPECT_NE(first->frame, second->frame);
  EXPECT_EQ(second->frame, third->frame);
  EXPECT_TRUE(wait(*third));
  EXPECT_EQ(log->frames_committed(), 2U);
}

TEST_P(LogTest, takes_a_record_as_large_as_a_frame_and_refuses_one_byte_more) {
  open();
  const std::string largest(log->payload_max(), 'x');
  const Location where = keep(1, largest);
  EXPECT_EQ(read(where).value(), largest);
  const auto refused = put(2, largest + std::string(8, 'y'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::permanent);
  reopen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].text, largest);
  EXPECT_EQ(read(seen[0].where).value(), largest);
}

TEST_P(LogTest, rolls_over_many_segments) {
  open();
  const std::string text(100'000, 'r');
  std::vector<Location> places;
  for (unsigned i = 0; i < 60; ++i) places.push_back(keep(i + 1, text + std::to_string(i)));
  EXPECT_NE(places.front().segment, places.back().segment);
  EXPECT_EQ(read(places.front()).value(), text + "0");
  reopen();
  ASSERT_EQ(seen.size(), 60U);
  for (unsigned i = 0; i < 60; ++i) EXPECT_EQ(seen[i].text, text + std::to_string(i));
}

TEST_P(LogTest, refuses_an_append_without_room_and_says_when_there_is_some) {
  open();
  const std::string text(200'000, 'q');
  std::vector<Ticket> tickets;
  auto ticket = put(1, text);
  while (ticket) {
    tickets.push_back(*ticket);
    ASSERT_LT(tickets.size(), 1000U);
    ticket = put(1, text);
  }
  EXPECT_EQ(ticket.error().kind, ErrorKind::exhausted);
  for (const Ticket each : tickets) EXPECT_TRUE(wait(each));
  keep(2, text);
}

TEST_P(LogTest, does_not_reuse_a_buffer_under_a_pin) {
  open();
  const Location where = keep(1, "pinned");
  Pin pin = log->pin(where);
  ASSERT_TRUE(pin);
  const std::string text(300'000, 'p');
  for (unsigned i = 0; i < 60; ++i) keep(i + 2, text);
  EXPECT_EQ(text_of(pin.bytes()), "pinned");
  pin = Pin();
  for (unsigned i = 0; i < 40; ++i) keep(i + 100, text);
  EXPECT_FALSE(log->pin(where));
  EXPECT_EQ(read(where).value(), "pinned");
}

TEST_P(LogTest, gives_no_pin_past_its_budget) {
  open();
  std::vector<Pin> pins;
  const std::string text(900'000, 'b');
  unsigned refused = 0;
  for (unsigned i = 0; i < 12; ++i) {
    Pin pin = log->pin(keep(i + 1, text));
    refused += pin ? 0 : 1;
    pins.push_back(std::move(pin));
  }
  EXPECT_EQ(pins.size() - refused, 5U);  // of 8 buffers, 3 are kept for writing
}

TEST_P(LogTest, refuses_the_segment_of_another_spool) {
  open();
  keep(1, "mine");
  close();
  machine->restart();
  ++epoch;
  Log::Place other = place();
  other.spool_id = 78;
  struct Opening {
    static Task<void> run(shard::Core& core, LogOptions options, Log::Place place, Result<void>& result) {
      auto opened = co_await Log::open(core, options, place, [](Log&, const RecordView&) {}, nullptr);
      if (!opened) result = fail(opened.error());
    }
  };
  Result<void> result;
  EXPECT_TRUE(machine->run(Opening::run(machine->core(), options, other, result)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::permanent);
}

TEST_P(LogTest, walks_all_records_once_more) {
  open();
  for (unsigned i = 1; i <= 30; ++i) keep(i, std::string(90'000, 'w'));
  std::vector<std::uint64_t> walked;
  struct Walking {
    static Task<void> run(Log& of, std::vector<std::uint64_t>& into, bool& good) {
      const auto done = co_await of.walk([&](const RecordView& view) { into.push_back(view.id.value); });
      good = done.has_value();
    }
  };
  bool good = false;
  ASSERT_TRUE(machine->run(Walking::run(*log, walked, good)));
  EXPECT_TRUE(good);
  ASSERT_EQ(walked.size(), 30U);
  EXPECT_TRUE(std::ranges::is_sorted(walked));
}

INSTANTIATE_TEST_SUITE_P(Backends, LogTest, ::testing::Values("epoll", "auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::journal::testing
