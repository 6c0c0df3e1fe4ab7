#include "ringpost/buffer/pool.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "ringpost/base/assert.hpp"

namespace ringpost::buffer {

namespace {

// A sanitizer sees a use after return only when the block really goes back to the system.
#ifdef RINGPOST_SANITIZED
constexpr bool kPassThrough = true;
#else
constexpr bool kPassThrough = false;
#endif

std::byte* allocate(std::size_t size) {
  return static_cast<std::byte*>(::operator new(size, std::align_val_t{kAlignment}));
}
void release(void* data) noexcept {
  ::operator delete(data, std::align_val_t{kAlignment});
}

}  // namespace

Block::~Block() {
  if (data_ != nullptr) pool_->give_back(data_, capacity_);
}

void Block::fill(std::size_t count) {
  RP_ASSERT(count <= capacity_ - size_);
  size_ += count;
}

std::size_t Block::append(std::span<const std::byte> bytes) {
  const std::size_t count = std::min(bytes.size(), capacity_ - size_);
  if (count != 0) std::memcpy(data_ + size_, bytes.data(), count);
  size_ += count;
  return count;
}

void Block::swap(Block& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
}

Pool::Pool(Bytes budget) : budget_(budget.count) {}

Pool::~Pool() {
  RP_ASSERT(in_use_ == 0);
  release_kept(kept_);
}

Block Pool::take(std::size_t size) {
  const std::size_t which = class_of(size);
  const std::size_t capacity = kClasses[which];
  if (in_use_ + capacity > budget_) return {};
  std::byte* data = nullptr;
  if (Free* kept = free_[which]; kept != nullptr) {
    free_[which] = kept->next;
    kept_ -= capacity;
    data = reinterpret_cast<std::byte*>(kept);
  } else {
    // What other classes keep gives way, so that a change of sizes does not double the memory.
    if (in_use_ + kept_ + capacity > budget_) release_kept(in_use_ + kept_ + capacity - budget_);
    data = allocate(capacity);
  }
  in_use_ += capacity;
  return Block(this, data, capacity);
}

bool Pool::grow(Block& block) {
  RP_ASSERT(block.pool_ == this);
  if (block.capacity_ == kClasses.back()) return false;
  Block larger = take(block.capacity_ + 1);
  if (!larger) return false;
  larger.append(block.bytes());
  block.swap(larger);
  return true;
}

void Pool::give_back(std::byte* data, std::size_t capacity) noexcept {
  RP_ASSERT(in_use_ >= capacity);
  in_use_ -= capacity;
  if constexpr (kPassThrough) {
    release(data);
    return;
  }
  const std::size_t which = class_of(capacity);
  free_[which] = ::new (data) Free{free_[which]};
  kept_ += capacity;
}

// Frees kept blocks until at least `wanted` bytes have gone, the largest first.
void Pool::release_kept(std::size_t wanted) noexcept {
  std::size_t released = 0;
  for (std::size_t which = kClasses.size(); which-- > 0;) {
    while (released < wanted && free_[which] != nullptr) {
      Free* block = free_[which];
      free_[which] = block->next;
      release(block);
      released += kClasses[which];
    }
  }
  kept_ -= released;
}

std::size_t Pool::class_of(std::size_t size) {
  RP_ASSERT(size <= kClasses.back());
  std::size_t which = 0;
  while (kClasses[which] < size) ++which;
  return which;
}

}  // namespace ringpost::buffer
