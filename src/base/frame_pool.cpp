#include "ringpost/base/frame_pool.hpp"

#include <new>

#include "ringpost/base/assert.hpp"

namespace ringpost {

#ifdef RINGPOST_SANITIZED
constexpr bool kPassThrough = true;
#else
constexpr bool kPassThrough = false;
#endif

FramePool::~FramePool() {
  for (Free*& head : free_) {
    while (head != nullptr) {
      Free* next = head->next;
      ::operator delete(head);
      head = next;
    }
  }
}

void* FramePool::allocate(std::size_t size) {
  const std::size_t steps = (size + kStep - 1) / kStep;
  live_bytes_ += steps * kStep;
  if (!kPassThrough && steps < kClasses && free_[steps] != nullptr) {
    Free* frame = free_[steps];
    free_[steps] = frame->next;
    return frame;
  }
  return ::operator new(steps * kStep);
}

void FramePool::release(void* frame, std::size_t size) noexcept {
  const std::size_t steps = (size + kStep - 1) / kStep;
  RP_ASSERT(live_bytes_ >= steps * kStep);
  live_bytes_ -= steps * kStep;
  if (kPassThrough || steps >= kClasses) {
    ::operator delete(frame);
    return;
  }
  free_[steps] = ::new (frame) Free{free_[steps]};
}

}  // namespace ringpost
