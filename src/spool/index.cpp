#include "index.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

namespace ringpost::spool {

namespace {

// Between them a part grows by a quarter: it is never emptier than 64 %, once it has more than a few slots.
constexpr std::size_t kFullNumerator = 4, kFullDenominator = 5;

}  // namespace

// Ids rise by one, so they are mixed: the high bits choose the part, those behind them the slot.
std::uint64_t Index::hash(std::uint64_t id) {
  std::uint64_t mixed = id * 0x9E3779B97F4A7C15U;
  mixed ^= mixed >> 32;
  return mixed * 0xD6E8FEB86659FD93U;
}

// Where its search begins: the hash as a fraction of the number of slots, which is no power of two.
std::size_t Index::home(std::uint64_t id, std::size_t slots) {
  constexpr unsigned kPartBits = 8;
  const auto fraction = static_cast<std::uint32_t>(hash(id) << kPartBits >> 32);
  return static_cast<std::size_t>(std::uint64_t{fraction} * slots >> 32);
}

// The slot of `id`, or the empty one where it would be.
Entry* Index::look(Part& part, std::uint64_t id) {
  const std::size_t count = part.slots.size();
  std::size_t slot = home(id, count);
  while (part.slots[slot].id != 0 && part.slots[slot].id != id)
    if (++slot == count) slot = 0;
  return &part.slots[slot];
}

Entry* Index::find(MessageId id) {
  Part& part = part_of(id.value);
  if (part.slots.empty()) return nullptr;
  Entry* entry = look(part, id.value);
  return entry->id == id.value && id ? entry : nullptr;
}

void Index::grow(Part& part) {
  std::vector<Entry> old(std::max(kFirstSlots, part.slots.size() * kFullDenominator / kFullNumerator));
  slots_ += old.size() - part.slots.size();
  old.swap(part.slots);
  for (const Entry& entry : old)
    if (entry.id != 0) *look(part, entry.id) = entry;
}

Entry& Index::insert(MessageId id) {
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

// Closes the gap, so that no grave is left in the way of later searches.
void Index::erase(MessageId id) {
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
    part.slots[hole] = part.slots[next];
    hole = next;
  }
  part.slots[hole] = Entry{};
  --part.used;
  --size_;
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
