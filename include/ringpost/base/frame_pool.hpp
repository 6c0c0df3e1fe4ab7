// Where coroutine frames live: size-class free lists of one core, no lock, no system allocator once warm.
//
// Layer: base.  Owner: one core; every frame is freed on the core that made it.
// Under sanitizers each frame is its own allocation, so that a use after free is seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringpost {

class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  void* allocate(std::size_t size);
  void release(void* frame, std::size_t size) noexcept;
  std::size_t live_bytes() const { return live_bytes_; }

 private:
  static constexpr std::size_t kStep = 128;    // a frame is rounded up to this
  static constexpr std::size_t kClasses = 32;  // frames over kStep * kClasses go to the system
  struct Free {
    Free* next;
  };
  std::array<Free*, kClasses> free_{};
  std::size_t live_bytes_ = 0;
};

}  // namespace ringpost
