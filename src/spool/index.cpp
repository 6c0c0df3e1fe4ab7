#include "index.hpp"

#include "ringpost/base/assert.hpp"

namespace ringpost::spool {

// Ids rise by one, so they are mixed: the high bits choose the part, the low ones the slot.
std::uint64_t Index::hash(std::uint64_t id) {
  std::uint64_t mixed = id * 0x9E3779B97F4A7C15U;
  mixed ^= mixed >> 32;
  return mixed * 0xD6E8FEB86659FD93U;
}

// The slot of `id`, or the empty one where it would be.
Entry* Index::look(Part& part, std::uint64_t id) {
  const std::size_t mask = part.slots.size() - 1;
  std::size_t slot = hash(id) & mask;
  while (part.slots[slot].id != 0 && part.slots[slot].id != id) slot = (slot + 1) & mask;
  return &part.slots[slot];
}

Entry* Index::find(MessageId id) {
  Part& part = part_of(id.value);
  if (part.slots.empty()) return nullptr;
  Entry* entry = look(part, id.value);
  return entry->id == id.value && id ? entry : nullptr;
}

void Index::grow(Part& part) {
  std::vector<Entry> old(part.slots.empty() ? kFirstSlots : part.slots.size() * 2);
  old.swap(part.slots);
  for (const Entry& entry : old)
    if (entry.id != 0) *look(part, entry.id) = entry;
}

Entry& Index::insert(MessageId id) {
  RP_ASSERT(id);
  Part& part = part_of(id.value);
  if ((part.used + 1) * 4 > part.slots.size() * 3) grow(part);
  Entry* entry = look(part, id.value);
  RP_ASSERT(entry->id == 0);
  *entry = Entry{};
  entry->id = id.value;
  ++part.used;
  ++size_;
  return *entry;
}

// Closes the gap, so that no grave is left in the way of later searches.
void Index::erase(MessageId id) {
  Part& part = part_of(id.value);
  Entry* entry = part.slots.empty() ? nullptr : look(part, id.value);
  RP_ASSERT(entry != nullptr && entry->id == id.value);
  const std::size_t mask = part.slots.size() - 1;
  auto hole = static_cast<std::size_t>(entry - part.slots.data());
  for (std::size_t next = (hole + 1) & mask; part.slots[next].id != 0; next = (next + 1) & mask) {
    const std::size_t home = hash(part.slots[next].id) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    part.slots[hole] = part.slots[next];
    hole = next;
  }
  part.slots[hole] = Entry{};
  --part.used;
  --size_;
}

std::size_t Index::memory() const {
  std::size_t slots = 0;
  for (const Part& part : parts_) slots += part.slots.size();
  return slots * sizeof(Entry);
}

void Index::for_each(const std::function<void(const Entry&)>& visit) const {
  for (const Part& part : parts_)
    for (const Entry& entry : part.slots)
      if (entry.id != 0) visit(entry);
}

void Index::for_each(const std::function<void(Entry&)>& visit) {
  for (Part& part : parts_)
    for (Entry& entry : part.slots)
      if (entry.id != 0) visit(entry);
}

}  // namespace ringpost::spool
