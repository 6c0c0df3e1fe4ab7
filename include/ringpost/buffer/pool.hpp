// Blocks of message bytes, owned by one core: what a session stages a body in, what waits to be sent.
//
// Layer:  foundation (base). Owner: one core; a Block is freed on the core whose pool made it.
// Limits: buffer/limits.hpp and the budget given to the pool; past it `take` gives nothing and the caller answers 452
//         or stops reading. Blocks in use and blocks kept for reuse together never exceed the budget. Under sanitizers
//         every block is its own allocation.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "ringpost/base/units.hpp"
#include "ringpost/buffer/limits.hpp"

namespace ringpost::buffer {

class Pool;

// Move-only bytes with a fill mark. An empty Block owns nothing.
class Block {
 public:
  Block() = default;
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    Block(std::move(other)).swap(*this);
    return *this;
  }
  ~Block();

  explicit operator bool() const { return data_ != nullptr; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::span<std::byte> bytes() { return {data_, size_}; }
  // What is not filled yet; `fill(n)` says that n bytes of it now are.
  std::span<std::byte> room() { return {data_ + size_, capacity_ - size_}; }
  void fill(std::size_t count);
  void clear() { size_ = 0; }
  // Copies as much as there is room for; says how much that was.
  std::size_t append(std::span<const std::byte> bytes);
  void swap(Block& other) noexcept;

 private:
  friend class Pool;
  Block(Pool* pool, std::byte* data, std::size_t capacity) : pool_(pool), data_(data), capacity_(capacity) {}
  Pool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class Pool {
 public:
  static constexpr std::array<std::size_t, 4> kClasses{4U << 10, 16U << 10, 64U << 10, 256U << 10};

  explicit Pool(Bytes budget);
  ~Pool();  // every block has been given back
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // A block of at least `size` bytes (at most the largest class), or an empty one when the budget is spent.
  Block take(std::size_t size);
  // Moves the bytes of `block` to the next class; false (block unchanged) at the largest class or over the
  // budget, in which both blocks must fit while the bytes are copied.
  bool grow(Block& block);

  Bytes in_use() const { return {in_use_}; }
  Bytes budget() const { return {budget_}; }
  // True when less than a tenth of the budget is left: refuse new work before running dry.
  bool tight() const { return in_use_ + budget_ / kTightPart > budget_; }

 private:
  friend class Block;
  struct Free {
    Free* next;
  };
  void give_back(std::byte* data, std::size_t capacity) noexcept;
  void release_kept(std::size_t wanted) noexcept;
  static std::size_t class_of(std::size_t size);

  std::size_t budget_;
  std::size_t in_use_ = 0;
  std::size_t kept_ = 0;  // in the free lists
  std::array<Free*, kClasses.size()> free_{};
};

}  // namespace ringpost::buffer
