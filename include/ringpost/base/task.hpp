// Task<T>: a lazy coroutine that one other coroutine awaits, or that a core spawns.
//
// Layer:  base.  Owner: whoever holds the Task; the frame dies with it. One core, never two.
// Frames: taken from the FramePool that the first parameter (or *this) offers through an ADL function
//         `FramePool& frame_pool(X&)`; without one, from the system allocator.
//         The compiler may put the frame of a coroutine into that of the one which awaits it, for good: RP_OWN_FRAME
//         keeps a rare step out of a frame that lives long.
// Rule:   a frame named by an operation in flight must not be destroyed; cancel, then await the final completion.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/base/frame_pool.hpp"

// On the declaration of a coroutine that a long-lived one awaits now and then: its frame is taken when it runs and given
// back when it ends, so that waiting for the next occasion costs nothing.
#define RP_OWN_FRAME [[gnu::noinline]]

namespace ringpost {

template <class T = void>
class Task;

namespace detail {

template <class X>
concept OffersFramePool = requires(X& x) {
  { frame_pool(x) } -> std::convertible_to<FramePool&>;
};

inline FramePool* find_frame_pool() {
  return nullptr;
}
template <class First, class... Rest>
FramePool* find_frame_pool(First& first, Rest&... rest) {
  if constexpr (OffersFramePool<First>)
    return &frame_pool(first);
  else
    return find_frame_pool(rest...);
}

// The frame is followed by the pool that it came from.
struct FrameMemory {
  static void* take(std::size_t size, FramePool* pool) {
    const std::size_t whole = round(size) + sizeof(FramePool*);
    void* frame = pool != nullptr ? pool->allocate(whole) : ::operator new(whole);
    ::new (static_cast<std::byte*>(frame) + round(size)) FramePool*(pool);
    return frame;
  }
  static void give_back(void* frame, std::size_t size) noexcept {
    FramePool* pool =
        *std::launder(reinterpret_cast<FramePool**>(static_cast<std::byte*>(frame) + round(size)));
    if (pool != nullptr)
      pool->release(frame, round(size) + sizeof(FramePool*));
    else
      ::operator delete(frame);
  }
  static constexpr std::size_t round(std::size_t size) {
    return (size + alignof(FramePool*) - 1) & ~(alignof(FramePool*) - 1);
  }
};

struct TaskPromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

  template <class... Args>
  static void* operator new(std::size_t size, Args&... args) {
    return FrameMemory::take(size, find_frame_pool(args...));
  }
  static void operator delete(void* frame, std::size_t size) noexcept { FrameMemory::give_back(frame, size); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    RP_ASSERT(value.has_value());
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        handle.promise().continuation = awaiting;
        return handle;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    RP_ASSERT(handle_);
    return Awaiter{handle_};
  }

  // For whoever starts a root task (shard::Core::spawn) and for tests.
  Handle handle() const { return handle_; }
  bool done() const { return !handle_ || handle_.done(); }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace ringpost
