#include "ringpost/observe/event_ring.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ringpost::observe {
namespace {

std::vector<std::string> drain(EventRing& ring) {
  std::vector<std::string> lines;
  ring.drain([&](const EventView& event) {
    std::string line(to_string(event.type));
    event.for_each(
        [&](EventKey key, std::string_view text) { line += fmt::format(" {}={}", to_string(key), text); });
    lines.push_back(line);
  });
  return lines;
}

TEST(EventRing, hands_out_events_with_their_fields_in_order) {
  EventRing ring;
  ring.begin(EventType::received, WallTime{42})
      .add(EventKey::queue_id, MessageId::make(1, 0, 1))
      .add(EventKey::size, std::uint64_t{4096})
      .add(EventKey::delay, Duration(1'234'567'890))
      .add(EventKey::peer, "192.0.2.1")
      .finish();
  ring.begin(EventType::notice, WallTime{43}).finish();
  std::size_t count = ring.drain([&](const EventView& event) {
    if (event.type != EventType::received) return;
    EXPECT_EQ(event.time, WallTime{42});
    EXPECT_EQ(event.get(EventKey::queue_id), to_string(MessageId::make(1, 0, 1)));
    EXPECT_EQ(event.get(EventKey::size), "4096");
    EXPECT_EQ(event.get(EventKey::delay), "1.234");
    EXPECT_EQ(event.get(EventKey::peer), "192.0.2.1");
    EXPECT_EQ(event.get(EventKey::sender), "");
  });
  EXPECT_EQ(count, 2U);
  EXPECT_EQ(ring.drain([](const EventView&) { FAIL(); }), 0U);
}

TEST(EventRing, an_unfinished_event_is_never_seen) {
  EventRing ring;
  ring.begin(EventType::bounced, WallTime{}).add(EventKey::reason, "no");
  ring.begin(EventType::delivered, WallTime{}).finish();
  EXPECT_EQ(drain(ring), std::vector<std::string>{"delivered"});
  EXPECT_EQ(ring.dropped(), 0U);
}

// A header takes 16 bytes and a field 4 and its text, so a text of 44 fills a ring of 64.
TEST(EventRing, takes_an_event_of_exactly_its_room_and_drops_one_byte_more) {
  EventRing ring(64);
  ring.begin(EventType::notice, WallTime{}).add(EventKey::text, std::string(44, 'a')).finish();
  EXPECT_EQ(ring.dropped(), 0U);
  ring.begin(EventType::notice, WallTime{}).finish();
  EXPECT_EQ(ring.dropped(), 1U);
  EXPECT_EQ(drain(ring).size(), 1U);
  ring.begin(EventType::notice, WallTime{}).add(EventKey::text, std::string(45, 'a')).finish();
  EXPECT_EQ(ring.dropped(), 2U);
  EXPECT_TRUE(drain(ring).empty());
}

TEST(EventRing, drops_whole_events_and_goes_on_when_there_is_room_again) {
  EventRing ring(256);
  for (int i = 0; i < 100; ++i)
    ring.begin(EventType::deferred, WallTime{}).add(EventKey::attempts, 12U).finish();
  const std::vector<std::string> kept = drain(ring);
  EXPECT_EQ(kept.size(), 256U / 22U);
  EXPECT_EQ(ring.dropped(), 100U - kept.size());
  for (const std::string& line : kept) EXPECT_EQ(line, "deferred attempts=12");
  ring.begin(EventType::delivered, WallTime{}).finish();
  EXPECT_EQ(drain(ring).size(), 1U);
}

TEST(EventRing, reads_events_that_lie_around_its_end) {
  EventRing ring(128);
  for (std::size_t i = 0; i < 500; ++i) {
    const std::string text(i % 60, static_cast<char>('a' + i % 26));
    ring.begin(EventType::notice, WallTime{}).add(EventKey::text, text).finish();
    EXPECT_EQ(drain(ring), std::vector<std::string>{"notice text=" + text});
  }
  EXPECT_EQ(ring.dropped(), 0U);
}

TEST(EventRing, cuts_a_long_text_at_its_limit_and_between_characters) {
  EventRing ring;
  ring.begin(EventType::notice, WallTime{}).add(EventKey::text, std::string(kFieldBytesMax, 'x')).finish();
  ring.begin(EventType::notice, WallTime{})
      .add(EventKey::text, std::string(kFieldBytesMax + 1, 'x'))
      .finish();
  std::string umlauts = "x";
  while (umlauts.size() < kFieldBytesMax + 10) umlauts += "\xC3\xA4";
  ring.begin(EventType::notice, WallTime{}).add(EventKey::text, umlauts).finish();
  std::vector<std::size_t> sizes;
  ring.drain([&](const EventView& event) { sizes.push_back(event.get(EventKey::text).size()); });
  EXPECT_EQ(sizes, (std::vector<std::size_t>{kFieldBytesMax, kFieldBytesMax, kFieldBytesMax - 1}));
}

TEST(EventRing, carries_every_event_or_counts_it_between_two_threads) {
  constexpr std::uint64_t kEvents = 50'000;
  EventRing ring(4096);
  std::atomic<bool> finished{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kEvents; ++i)
      ring.begin(EventType::received, WallTime{static_cast<std::int64_t>(i)}).add(EventKey::size, i).finish();
    finished.store(true);
  });
  std::uint64_t seen = 0;
  std::int64_t last = -1;
  const auto visit = [&](const EventView& event) {
    EXPECT_GT(event.time.nanoseconds, last);
    EXPECT_EQ(event.get(EventKey::size), std::to_string(event.time.nanoseconds));
    last = event.time.nanoseconds;
  };
  while (!finished.load()) seen += ring.drain(visit);
  seen += ring.drain(visit);
  writer.join();
  EXPECT_EQ(seen + ring.dropped(), kEvents);
  EXPECT_GT(seen, 0U);
}

TEST(Vocabulary, every_type_and_key_has_a_name_of_its_own) {
  EXPECT_EQ(to_string(EventType::rejected), "rejected");
  EXPECT_EQ(to_string(EventKey::enhanced_status), "enhanced_status");
  EXPECT_EQ(to_string(EventKey::queue_id), "queue_id");
  EXPECT_EQ(to_string(EventKey::subject), "subject");
}

}  // namespace
}  // namespace ringpost::observe
