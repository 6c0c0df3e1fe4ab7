#include "ringpost/observe/event_ring.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

namespace ringpost::observe {

namespace {

constexpr std::array kTypeNames = std::to_array<std::string_view>({
    "received",
    "delivered",
    "deferred",
    "bounced",
    "expired",
    "cancelled",
    "rejected",
    "notice",
    "traced",
});
static_assert(kTypeNames.size() == static_cast<std::size_t>(EventType::traced) + 1);

constexpr std::array kKeyNames = std::to_array<std::string_view>({
    "queue_id",   "sender",       "recipient",   "original_recipient",
    "peer",       "helo",         "listener",    "protocol",
    "tls",        "auth_user",    "size",        "recipient_count",
    "message_id", "remote",       "remote_host", "route",
    "delay",      "attempts",     "code",        "enhanced_status",
    "text",       "next_attempt", "durability",  "source",
    "reason",     "severity",     "subject",     "score",
    "required",   "tests",        "action",      "filter_time",
    "session",
});
static_assert(kKeyNames.size() == static_cast<std::size_t>(EventKey::session) + 1);

struct FieldHeader {
  EventKey key;
  std::uint16_t size;
};

// The first `kFieldBytesMax` bytes, without half of a UTF-8 character at the end.
std::string_view cut(std::string_view text) {
  if (text.size() <= kFieldBytesMax) return text;
  std::size_t size = kFieldBytesMax;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  for (int back = 0; back < 3 && continues(size); ++back) --size;
  return text.substr(0, size);
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

std::string_view to_string(EventType type) {
  return kTypeNames.at(static_cast<std::size_t>(type));
}
std::string_view to_string(EventKey key) {
  return kKeyNames.at(static_cast<std::size_t>(key));
}

EventBuilder::EventBuilder(EventRing& ring, EventType type, WallTime time)
    : ring_(ring),
      start_(ring.written_.load(std::memory_order_relaxed)),
      end_(start_ + sizeof(EventRing::Header)),
      type_(type),
      time_(time) {}

EventBuilder& EventBuilder::add(EventKey key, std::string_view text) {
  text = cut(text);
  const FieldHeader header{key, static_cast<std::uint16_t>(text.size())};
  put(bytes_of(header));
  put(std::as_bytes(std::span(text)));
  return *this;
}

EventBuilder& EventBuilder::add(EventKey key, std::uint64_t number) {
  const fmt::format_int text(number);
  return add(key, std::string_view(text.data(), text.size()));
}

EventBuilder& EventBuilder::add(EventKey key, MessageId id) {
  return add(key, std::string_view(to_string(id)));
}

EventBuilder& EventBuilder::add(EventKey key, Duration duration) {
  const auto milliseconds = std::max<std::int64_t>(0, duration.count() / 1'000'000);
  std::array<char, 32> text{};
  const auto end = fmt::format_to(text.data(), "{}.{:03}", milliseconds / 1000, milliseconds % 1000);
  return add(key, std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

void EventBuilder::put(std::span<const std::byte> bytes) {
  if (!fits_) return;
  const std::size_t free_end = ring_.read_.load(std::memory_order_acquire) + ring_.capacity_;
  if (end_ + bytes.size() > free_end) {
    fits_ = false;
    return;
  }
  ring_.write(end_, bytes);
  end_ += bytes.size();
}

void EventBuilder::finish() {
  const std::size_t free_end = ring_.read_.load(std::memory_order_acquire) + ring_.capacity_;
  // A ring smaller than one header has no room for an event without fields either.
  if (!fits_ || end_ > free_end) {
    ring_.dropped_.store(ring_.dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return;
  }
  const EventRing::Header header{static_cast<std::uint32_t>(end_ - start_), type_, time_};
  ring_.write(start_, bytes_of(header));
  ring_.written_.store(end_, std::memory_order_release);
}

void EventView::for_each(const std::function<void(EventKey, std::string_view)>& visit) const {
  for (std::size_t at = 0; at < fields.size();) {
    FieldHeader header;
    RP_ASSERT(fields.size() - at >= sizeof(header));
    std::memcpy(&header, fields.data() + at, sizeof(header));
    at += sizeof(header);
    RP_ASSERT(fields.size() - at >= header.size);
    visit(header.key, {reinterpret_cast<const char*>(fields.data() + at), header.size});
    at += header.size;
  }
}

std::string_view EventView::get(EventKey key) const {
  std::string_view found;
  for_each([&](EventKey each, std::string_view text) {
    if (each == key && found.empty()) found = text;
  });
  return found;
}

EventRing::EventRing(std::size_t capacity)
    : bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity)), capacity_(capacity) {
  RP_ASSERT(std::has_single_bit(capacity) && capacity <= (std::size_t{1} << 31));
}

void EventRing::write(std::size_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::size_t at = offset & (capacity_ - 1);
  const std::size_t first = std::min(bytes.size(), capacity_ - at);
  std::memcpy(bytes_.get() + at, bytes.data(), first);
  std::memcpy(bytes_.get(), bytes.data() + first, bytes.size() - first);
}

void EventRing::read(std::size_t offset, std::span<std::byte> bytes) const {
  const std::size_t at = offset & (capacity_ - 1);
  const std::size_t first = std::min(bytes.size(), capacity_ - at);
  std::memcpy(bytes.data(), bytes_.get() + at, first);
  std::memcpy(bytes.data() + first, bytes_.get(), bytes.size() - first);
}

std::size_t EventRing::drain(const std::function<void(const EventView&)>& visit) {
  const std::size_t end = written_.load(std::memory_order_acquire);
  std::size_t count = 0;
  for (std::size_t at = read_.load(std::memory_order_relaxed); at != end; ++count) {
    Header header;
    read(at, std::as_writable_bytes(std::span(&header, 1)));
    const std::size_t fields_at = (at + sizeof(Header)) & (capacity_ - 1);
    const std::size_t fields_size = header.size - sizeof(Header);
    std::span<const std::byte> fields(bytes_.get() + fields_at, std::min(fields_size, capacity_ - fields_at));
    if (fields.size() < fields_size) {
      wrapped_.resize(fields_size);
      read(at + sizeof(Header), wrapped_);
      fields = wrapped_;
    }
    visit(EventView{header.type, header.time, fields});
    at += header.size;
    read_.store(at, std::memory_order_release);  // room for the writer as early as possible
  }
  return count;
}

}  // namespace ringpost::observe
