// Every message of the queue in 32 bytes: an open-addressing table, in parts that grow one at a time.
//
// Layer: durable, private. Owner: one spool.
// Cost:  32 bytes a slot, between 64 and 80 % of the slots used: 40 to 50 bytes a message. What has happened to recipients
//        lies in States, and only when something has.
// Growth: one part of 256 grows by a quarter at a time, so ten million messages never stop the core for more than a
//        millisecond.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/journal/records.hpp"

#include "records.hpp"

namespace ringpost::spool {

struct Entry {
  enum Flag : std::uint8_t {
    large = 1,         // the body is in chunks: Queue::larges knows them
    in_memory = 2,     // not in the log yet: Spool::State::held has it
    promised = 4,      // somebody relies on it: a failed frame is no reason to drop it
    has_copies = 8,    // Queue::copies knows envelopes of it in other segments
    unannounced = 16,  // left from before and not handed over yet
    dirty = 32,        // its state found no room in the log yet
    no_body = 64,      // damage took it
  };
  std::uint64_t id = 0;  // 0: the slot is empty
  journal::Location envelope;
  std::uint32_t body_size = 0;  // of its record, which stands before the envelope; 0: there is none
  std::uint32_t state = 0;      // in States; 0 is "all pending, never tried"
  std::uint32_t recipients : 24 = 0;
  std::uint32_t flags : 8 = 0;

  journal::Location body() const { return body_before(envelope, body_size); }
  bool is(Flag flag) const { return (flags & flag) != 0; }
  void set(Flag flag) { flags |= flag; }
  void clear(Flag flag) { flags &= static_cast<std::uint8_t>(~flag); }
};
static_assert(sizeof(Entry) == 32);

class Index {
 public:
  // The pointers are valid until the next insert or erase.
  Entry* find(MessageId id);
  const Entry* find(MessageId id) const { return const_cast<Index*>(this)->find(id); }
  Entry& insert(MessageId id);  // not there yet
  void erase(MessageId id);     // there
  std::size_t size() const { return size_; }
  std::size_t memory() const { return slots_ * sizeof(Entry); }
  // What its messages need at the most; memory() stays as it was when they end.
  std::size_t memory_needed() const { return size_ * kBytesEach; }
  static constexpr std::size_t kBytesEach = sizeof(Entry) * 5 / 4 * 5 / 4;
  void for_each(const std::function<void(const Entry&)>& visit) const;
  void for_each(const std::function<void(Entry&)>& visit);

 private:
  static constexpr std::size_t kParts = 256;
  static constexpr std::size_t kFirstSlots = 8;
  struct Part {
    std::vector<Entry> slots;
    std::size_t used = 0;
  };
  static std::uint64_t hash(std::uint64_t id);
  static std::size_t home(std::uint64_t id, std::size_t slots);
  static Entry* look(Part& part, std::uint64_t id);
  void grow(Part& part);
  Part& part_of(std::uint64_t id) { return parts_[hash(id) >> 56]; }

  std::array<Part, kParts> parts_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace ringpost::spool
