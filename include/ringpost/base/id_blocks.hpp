// Small facts about millions of messages whose ids rise by one: kept in the order of the ids, so that who goes from one message
// to the next, as recovery, a survey and a queue do, stays where memory is near.
//
// Layer: base. Owner: one core. `Entry` is moved about, and has a member `std::uint64_t id`, never 0.
// Cost:  about 60 bytes for each 256 ids of which one is there; beside each entry a third of its size at the most (two slots in a
//        block with few), and nothing where all 256 are there. Those that go give their memory back.
// Growth: one block of 256 ids at a time, and the table of blocks as IdTable does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/base/id_table.hpp"
#include "ringpost/base/ids.hpp"

namespace ringpost {

template <class Entry>
class IdBlocks {
  struct Block {
    std::uint64_t id = 0;        // of the block; 0 only in IdTable's empty slots
    std::vector<Entry> entries;  // at least one, rising
  };
  using Blocks = IdTable<Block>;

 public:
  static constexpr std::size_t kParts = Blocks::kParts;

  // The pointers are valid until the next insert or erase.
  Entry* find(MessageId id) {
    Block* block = blocks_.find(block_of(id));
    if (block == nullptr) return nullptr;
    const std::size_t at = place(block->entries, id);
    return at < block->entries.size() && block->entries[at].id == id.value ? &block->entries[at] : nullptr;
  }
  const Entry* find(MessageId id) const { return const_cast<IdBlocks*>(this)->find(id); }

  // It will be wanted in a moment: who has many ids before it says so of each some steps ahead. A guess, right where all from the
  // beginning of its block are there; elsewhere it is a line or some beside it.
  void fetch(MessageId id) const {
    const Block* block = blocks_.find(block_of(id));
    if (block == nullptr) return;
    __builtin_prefetch(&block->entries[std::min(id.value % kBlock, block->entries.size() - 1)], 1);
  }

  Entry& insert(MessageId id) {  // not there yet
    RP_ASSERT(id);
    Block* block = blocks_.find(block_of(id));
    if (block == nullptr) block = &blocks_.insert(block_of(id));
    std::vector<Entry>& entries = block->entries;
    const std::size_t at = place(entries, id);
    RP_ASSERT(at == entries.size() || entries[at].id != id.value);
    if (entries.size() == entries.capacity())
      resize(entries, std::clamp(entries.size() * 4 / 3, entries.size() + 1, kBlock));
    ++size_;
    Entry& entry = *entries.emplace(entries.begin() + static_cast<std::ptrdiff_t>(at));
    entry.id = id.value;
    return entry;
  }

  // There.
  void erase(MessageId id) {
    Block* block = blocks_.find(block_of(id));
    RP_ASSERT(block != nullptr);
    std::vector<Entry>& entries = block->entries;
    const std::size_t at = place(entries, id);
    RP_ASSERT(at < entries.size() && entries[at].id == id.value);
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
    --size_;
    if (entries.empty()) {
      slots_ -= entries.capacity();
      blocks_.erase(block_of(id));
    } else if (entries.capacity() > entries.size() * 4 / 3 + kSpare) {
      resize(entries, entries.size() * 9 / 8);
    }
  }

  std::size_t size() const { return size_; }
  std::size_t memory() const { return blocks_.memory() + of_entries(); }
  // The table of blocks stays as it was when they go.
  std::size_t memory_needed() const { return blocks_.memory_needed() + of_entries(); }

  template <class Visit>
  void for_each(Visit visit) {
    blocks_.for_each([&](Block& block) {
      for (Entry& entry : block.entries) visit(entry);
    });
  }
  template <class Visit>
  void for_each(Visit visit) const {
    blocks_.for_each([&](const Block& block) {
      for (const Entry& entry : block.entries) visit(entry);
    });
  }
  // ---- for who lets others run in between
  static std::size_t part_of_id(MessageId id) { return Blocks::part_of_id(block_of(id)); }
  template <class Visit>
  void for_each_in(std::size_t part, Visit visit) const {
    blocks_.for_each_in(part, [&](const Block& block) {
      for (const Entry& entry : block.entries) visit(entry);
    });
  }

 private:
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kSpare = 2;        // slots that a block may have beside the third
  static constexpr std::size_t kAllocation = 16;  // bytes of the allocator's own for each piece, about

  static MessageId block_of(MessageId id) { return {id.value / kBlock + 1}; }
  // Where it is, or would be. Mostly those before it are all there, or all from the first one on.
  static std::size_t place(const std::vector<Entry>& entries, MessageId id) {
    if (entries.empty() || entries.back().id < id.value) return entries.size();
    if (const std::uint64_t guess = id.value - entries.front().id;
        guess < entries.size() && entries[guess].id == id.value)
      return guess;
    return static_cast<std::size_t>(
        std::ranges::lower_bound(entries, id.value, {},
                                 [](const Entry& entry) { return std::uint64_t{entry.id}; }) -
        entries.begin());
  }
  void resize(std::vector<Entry>& entries, std::size_t slots) {
    std::vector<Entry> next;
    next.reserve(slots);
    next.assign(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
    slots_ += next.capacity() - entries.capacity();
    entries.swap(next);
  }
  std::size_t of_entries() const { return slots_ * sizeof(Entry) + blocks_.size() * kAllocation; }

  Blocks blocks_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace ringpost
