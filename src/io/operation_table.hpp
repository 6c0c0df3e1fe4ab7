// The operations in flight on one backend: where each is found by slot, or by the address that a cancel names.
//
// Layer:  io, private. Owner: one backend.
// Why:    a completion must find its record after the kernel's detour, and a cancel may name an operation that has
//         ended and whose memory is used by another; so an Operation is never dereferenced here but to complete it.
// Limits: kOperationsMax slots; records stay where they are, so the kernel may point into them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/io/limits.hpp"

namespace ringpost::io {

// Asserts the rules of use of a handle (backend.hpp, "Rules").
class HandleClaims {
 public:
  void take(const Op& op) {
    Claim* claim = find(op.kind, op.handle);
    if (claim == nullptr) return;
    if (op.kind == OpKind::close) RP_ASSERT(claim->total == 0);
    if (reads(op.kind)) RP_ASSERT(!std::exchange(claim->reading, true));
    if (writes(op.kind)) RP_ASSERT(!std::exchange(claim->writing, true));
    ++claim->total;
  }
  void give_back(OpKind kind, Handle handle) {
    Claim* claim = find(kind, handle);
    if (claim == nullptr) return;
    if (reads(kind)) claim->reading = false;
    if (writes(kind)) claim->writing = false;
    --claim->total;
  }

 private:
  struct Claim {
    std::uint32_t total = 0;
    bool reading = false;
    bool writing = false;
  };
  static bool reads(OpKind kind) { return kind == OpKind::receive || kind == OpKind::accept; }
  static bool writes(OpKind kind) { return kind == OpKind::send || kind == OpKind::connect; }
  Claim* find(OpKind kind, Handle handle) {
    // A polled socket belongs to a foreign library, which closes it when it likes.
    if (kind == OpKind::poll || handle.value < 0 || handle.value >= kDescriptorsMax) return nullptr;
    const auto index = static_cast<std::size_t>(handle.value);
    if (index >= claims_.size()) claims_.resize(std::max(index + 1, 2 * claims_.size()));
    return &claims_[index];
  }
  std::vector<Claim> claims_;
};

// A slot and the generation of its user: what travels through the kernel. 0 is nothing.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

template <class Record>
class OperationTable {
 public:
  struct Entry : Record {
    Operation* operation = nullptr;  // null: the slot is free
    Ticket ticket;
    Handle handle;
    OpKind kind{};
    bool cancelled = false;
  };

  // Null when kOperationsMax are in flight.
  Entry* add(const Op& op) {
    RP_ASSERT(op.operation != nullptr);
    if (free_.empty() && !grow()) return nullptr;
    if (2 * (count_ + 1) > index_.size()) rehash();
    Entry& entry = (*this)[free_.back()];
    free_.pop_back();
    claims_.take(op);
    entry.operation = op.operation;
    entry.handle = op.handle;
    entry.kind = op.kind;
    entry.cancelled = false;
    insert(entry.ticket.slot);
    ++count_;
    return &entry;
  }

  // After this a cancel no longer finds it.
  void remove(Entry& entry) {
    claims_.give_back(entry.kind, entry.handle);
    erase(entry.operation);
    entry.operation = nullptr;
    entry.ticket.generation = (entry.ticket.generation + 1) & kGenerationMask;
    free_.push_back(entry.ticket.slot);
    --count_;
  }

  Entry* find(const Operation* operation) {
    if (index_.empty()) return nullptr;
    for (std::size_t at = home(operation); index_[at] != 0; at = (at + 1) & (index_.size() - 1))
      if (Entry& entry = (*this)[index_[at]]; entry.operation == operation) return &entry;
    return nullptr;
  }
  // Null when that user of the slot has ended.
  Entry* find(Ticket ticket) {
    if (ticket.slot == 0 || ticket.slot > kBlock * blocks_.size()) return nullptr;
    Entry& entry = (*this)[ticket.slot];
    return entry.operation != nullptr && entry.ticket.generation == ticket.generation ? &entry : nullptr;
  }
  Entry& operator[](std::uint32_t slot) { return (*blocks_[(slot - 1) / kBlock])[(slot - 1) % kBlock]; }

  std::size_t count() const { return count_; }
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t slot = 1; slot <= kBlock * blocks_.size(); ++slot)
      if (Entry& entry = (*this)[slot]; entry.operation != nullptr) visit(entry);
  }

  static constexpr std::uint32_t kGenerationMask = (1U << 24) - 1;

 private:
  static constexpr std::uint32_t kBlock = 256;
  using Block = std::array<Entry, kBlock>;

  bool grow() {
    const auto first = static_cast<std::uint32_t>(kBlock * blocks_.size()) + 1;
    if (first > kOperationsMax) return false;
    blocks_.push_back(std::make_unique<Block>());
    for (std::uint32_t i = kBlock; i-- > 0;) {
      (*blocks_.back())[i].ticket.slot = first + i;
      free_.push_back(first + i);
    }
    return true;
  }
  std::size_t home(const Operation* operation) const {
    const auto address = reinterpret_cast<std::uintptr_t>(operation);
    return ((address >> 4) * 0x9e37'79b9'7f4a'7c15U >> 32) & (index_.size() - 1);
  }
  void insert(std::uint32_t slot) {
    const Operation* operation = (*this)[slot].operation;
    std::size_t at = home(operation);
    for (; index_[at] != 0; at = (at + 1) & (index_.size() - 1))
      RP_ASSERT((*this)[index_[at]].operation != operation);  // one operation is in flight once
    index_[at] = slot;
  }
  // Linear probing without tombstones: what follows the gap moves up when its home lies before it.
  void erase(const Operation* operation) {
    const std::size_t mask = index_.size() - 1;
    std::size_t gap = home(operation);
    while ((*this)[index_[gap]].operation != operation) gap = (gap + 1) & mask;
    for (std::size_t at = (gap + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
      const std::size_t wanted = home((*this)[index_[at]].operation);
      if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
      index_[gap] = index_[at];
      gap = at;
    }
    index_[gap] = 0;
  }
  void rehash() {
    const std::size_t size = index_.empty() ? 2 * kBlock : 2 * index_.size();
    index_.assign(size, 0);
    for_each([&](Entry& entry) { insert(entry.ticket.slot); });
  }

  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> index_;  // by address of the operation; a power of two, at most half full
  std::size_t count_ = 0;
  HandleClaims claims_;
};

// Completions that did not come from the kernel's queue, handed out first come first served.
class ReadyQueue {
 public:
  void push(const Completion& completion) { queue_.push_back(completion); }
  bool empty() const { return next_ == queue_.size(); }
  std::size_t take(std::span<Completion> out) {
    const std::size_t count = std::min(out.size(), queue_.size() - next_);
    std::copy_n(queue_.begin() + static_cast<std::ptrdiff_t>(next_), count, out.begin());
    next_ += count;
    if (next_ == queue_.size()) {
      queue_.clear();
      next_ = 0;
    }
    return count;
  }

 private:
  std::vector<Completion> queue_;  // bounded by the operations in flight
  std::size_t next_ = 0;
};

// -EINVAL for an operation that no backend takes, else 0; `total` becomes the size of its vectors.
std::int32_t check_vectors(const Op& op, std::uint64_t& total);

}  // namespace ringpost::io
