// The mail events of one core on their way to the log: a byte ring that the core fills and the publisher's thread
// drains. The mail path never waits for a log: when the ring is full the event is dropped and counted.
//
// Layer:  foundation. Owner: one core writes, one thread reads.
// Form:   each event is {size, type, time, fields}; a field is {key, size, bytes}. Keys and types are the one
//         vocabulary for log lines, JSON and streams.
// Limits: observe/limits.hpp; a longer text is cut at a character, an event over the free room is dropped whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/observe/limits.hpp"

namespace ringpost::observe {

enum class EventType : std::uint8_t {
  received,
  delivered,
  deferred,
  bounced,
  expired,
  cancelled,
  rejected,
  notice,
  traced,  // a line of a session; in a Trace only, never in a log
};
std::string_view to_string(EventType type);

enum class EventKey : std::uint8_t {
  queue_id,
  sender,
  recipient,
  original_recipient,
  peer,
  helo,
  listener,
  protocol,
  tls,
  auth_user,
  size,
  recipient_count,
  message_id,
  remote,
  remote_host,
  route,
  delay,
  attempts,
  code,
  enhanced_status,
  text,
  next_attempt,
  durability,
  source,
  reason,
  severity,
  subject,
  score,  // of the spam filter
  required,
  tests,
  action,
  filter_time,
  session,
};
std::string_view to_string(EventKey key);

class EventRing;

// Builds one event in place: `ring.begin(type, time).add(key, value)....finish()`. `finish` publishes it; an
// event that does not fit is dropped whole. One builder of a ring at a time; one that is never finished
// leaves no trace.
class EventBuilder {
 public:
  EventBuilder(const EventBuilder&) = delete;
  EventBuilder& operator=(const EventBuilder&) = delete;
  EventBuilder& add(EventKey key, std::string_view text);
  EventBuilder& add(EventKey key, std::uint64_t number);  // decimal text
  EventBuilder& add(EventKey key, MessageId id);
  EventBuilder& add(EventKey key, Duration duration);  // seconds with three decimals
  void finish();

 private:
  friend class EventRing;
  EventBuilder(EventRing& ring, EventType type, WallTime time);
  void put(std::span<const std::byte> bytes);
  EventRing& ring_;
  std::size_t start_;  // free-running offset of the event
  std::size_t end_;
  EventType type_;
  WallTime time_;
  bool fits_ = true;
};

struct EventView {
  EventType type;
  WallTime time;
  std::span<const std::byte> fields;
  // Calls `visit(EventKey, std::string_view)` in the order in which the fields were added.
  void for_each(const std::function<void(EventKey, std::string_view)>& visit) const;
  std::string_view get(EventKey key) const;  // "" when absent
};

class EventRing {
 public:
  explicit EventRing(std::size_t capacity = kEventRingBytes);  // a power of two
  EventBuilder begin(EventType type, WallTime time) { return {*this, type, time}; }
  // Reader: hands out every published event (valid inside `visit` only); says how many.
  std::size_t drain(const std::function<void(const EventView&)>& visit);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  friend class EventBuilder;
  struct Header {
    std::uint32_t size;  // with this header
    EventType type;
    WallTime time;
  };
  // Copies at a free-running offset, around the end of the ring when needed.
  void write(std::size_t offset, std::span<const std::byte> bytes);
  void read(std::size_t offset, std::span<std::byte> bytes) const;

  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_;
  std::vector<std::byte> wrapped_;  // the reader's copy of an event that lies around the end
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
  alignas(64) std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace ringpost::observe
