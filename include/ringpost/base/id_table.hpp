// Small facts about millions of messages: an open-addressing table in parts that grow one at a time.
//
// Layer: base. Owner: one core. `Entry` is moved about, and has a member `std::uint64_t id`, 0 for an empty slot.
// Order: none, whatever the ids are. For those that come one after the other, and are looked at so, there is IdBlocks.
// Cost:  77 to 88 % of the slots are used, so an entry takes 1.14 to 1.31 times its size.
// Growth: one part of kParts grows by an eighth at a time, so ten million entries never stop the core for more than a
//        millisecond.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/base/ids.hpp"

namespace ringpost {

template <class Entry>
class IdTable {
 public:
  static constexpr std::size_t kParts = 256;
  static constexpr std::size_t kBytesEach = sizeof(Entry) * 8 / 7 * 8 / 7;  // the most

  // The pointers are valid until the next insert or erase.
  Entry* find(MessageId id) {
    Part& part = part_of(id.value);
    if (part.slots.empty() || !id) return nullptr;
    Entry* entry = look(part, id.value);
    return entry->id == id.value ? entry : nullptr;
  }
  const Entry* find(MessageId id) const { return const_cast<IdTable*>(this)->find(id); }

  Entry& insert(MessageId id) {  // not there yet
    RP_ASSERT(id);
    Part& part = part_of(id.value);
    if ((part.used + 1) * kFullDenominator > part.slots.size() * kFullNumerator) grow(part);
    Entry* entry = look(part, id.value);
    RP_ASSERT(entry->id == 0);
    *entry = Entry{};
    entry->id = id.value;
    ++part.used;
    ++size_;
    return *entry;
  }

  // There. Closes the gap, so that no grave is left in the way of later searches.
  void erase(MessageId id) {
    Part& part = part_of(id.value);
    Entry* entry = part.slots.empty() ? nullptr : look(part, id.value);
    RP_ASSERT(entry != nullptr && entry->id == id.value);
    const std::size_t count = part.slots.size();
    const auto distance = [count](std::size_t from, std::size_t to) {
      return to >= from ? to - from : to + count - from;
    };
    auto hole = static_cast<std::size_t>(entry - part.slots.data());
    for (std::size_t next = (hole + 1) % count; part.slots[next].id != 0; next = (next + 1) % count) {
      if (distance(home(part.slots[next].id, count), next) < distance(hole, next)) continue;
      part.slots[hole] = std::move(part.slots[next]);
      hole = next;
    }
    part.slots[hole] = Entry{};
    --part.used;
    --size_;
  }

  std::size_t size() const { return size_; }
  std::size_t memory() const { return slots_ * sizeof(Entry); }
  // What its entries need at the most; memory() stays as it was when they go.
  std::size_t memory_needed() const { return size_ * kBytesEach; }

  template <class Visit>
  void for_each(Visit visit) {
    for (Part& part : parts_)
      for (Entry& entry : part.slots)
        if (entry.id != 0) visit(entry);
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Part& part : parts_)
      for (const Entry& entry : part.slots)
        if (entry.id != 0) visit(entry);
  }
  // ---- for who lets others run in between
  static std::size_t part_of_id(MessageId id) { return hash(id.value) >> 56; }
  template <class Visit>
  void for_each_in(std::size_t part, Visit visit) const {
    for (const Entry& entry : parts_[part].slots)
      if (entry.id != 0) visit(entry);
  }

 private:
  static constexpr std::size_t kFullNumerator = 7, kFullDenominator = 8;
  static constexpr std::size_t kFirstSlots = 8;
  struct Part {
    std::vector<Entry> slots;
    std::size_t used = 0;
  };

  // Ids rise by one, so they are mixed: the high bits choose the part, those behind them the slot.
  static std::uint64_t hash(std::uint64_t id) {
    std::uint64_t mixed = id * 0x9E3779B97F4A7C15U;
    mixed ^= mixed >> 32;
    return mixed * 0xD6E8FEB86659FD93U;
  }
  // Where a search begins: the hash as a fraction of the number of slots, which is no power of two.
  static std::size_t home(std::uint64_t id, std::size_t slots) {
    constexpr unsigned kPartBits = 8;
    const auto fraction = static_cast<std::uint32_t>(hash(id) << kPartBits >> 32);
    return static_cast<std::size_t>(std::uint64_t{fraction} * slots >> 32);
  }
  // The slot of `id`, or the empty one where it would be.
  static Entry* look(Part& part, std::uint64_t id) {
    const std::size_t count = part.slots.size();
    std::size_t slot = home(id, count);
    while (part.slots[slot].id != 0 && part.slots[slot].id != id)
      if (++slot == count) slot = 0;
    return &part.slots[slot];
  }
  void grow(Part& part) {
    std::vector<Entry> old(std::max(kFirstSlots, part.slots.size() * kFullDenominator / kFullNumerator));
    slots_ += old.size() - part.slots.size();
    old.swap(part.slots);
    for (Entry& entry : old)
      if (entry.id != 0) *look(part, entry.id) = std::move(entry);
  }
  Part& part_of(std::uint64_t id) { return parts_[part_of_id({id})]; }

  std::array<Part, kParts> parts_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace ringpost
