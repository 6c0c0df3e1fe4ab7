// The templates of await.hpp.
//
// Layer: runtime. Included by await.hpp only.
#pragma once

#include <coroutine>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "ringpost/shard/await.hpp"

namespace ringpost::shard {

namespace detail {

// What a call returned; void has a value too.
template <class R>
class Returned {
 public:
  template <class F, class... Args>
  void call(F& function, Args&... args) {
    value_.emplace(std::invoke(function, args...));
  }
  R take() { return std::move(*value_); }

 private:
  std::optional<R> value_;
};
template <>
class Returned<void> {
 public:
  template <class F, class... Args>
  void call(F& function, Args&... args) {
    std::invoke(function, args...);
  }
  void take() {}
};

// OffloadWork as an awaitable.
struct Offloading : OffloadWork {
  using OffloadWork::OffloadWork;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    awaiting = handle;
    home.start_offload(*this);
  }
  void await_resume() const noexcept {}
};

template <class F>
struct OffloadingOf final : Offloading {
  OffloadingOf(Core& core, F& what)
      : Offloading(core,
                   [](OffloadWork& self) noexcept {
                     auto& of = static_cast<OffloadingOf&>(self);
                     of.returned.call(of.function);
                   }),
        function(what) {}
  F& function;
  Returned<std::invoke_result_t<F&>> returned;
};

// One question to another core, in the frame of the coroutine that asks.
struct Asking {
  using Run = void (*)(Asking& self, Core& there);
  Asking(Core& core, unsigned other, Run function) : home(core), there(other), run(function) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  void await_resume() const noexcept {}
  Core& home;
  unsigned there;
  Run run;
  std::coroutine_handle<> awaiting;
  Asking* next = nullptr;  // in the line for a credit
};

template <class F>
struct AskingOf final : Asking {
  AskingOf(Core& core, unsigned other, F& what)
      : Asking(core, other,
               [](Asking& self, Core& there_now) {
                 auto& of = static_cast<AskingOf&>(self);
                 of.returned.call(of.function, there_now);
               }),
        function(what) {}
  F& function;
  Returned<std::invoke_result_t<F&, Core&>> returned;
};

}  // namespace detail

template <class F>
Task<std::invoke_result_t<F&>> offload(Core& core, F function) {
  detail::OffloadingOf<F> offloading(core, function);
  co_await offloading;
  co_return offloading.returned.take();
}

template <class F>
Task<std::invoke_result_t<F&, Core&>> ask(Core& core, unsigned there, F function) {
  if (there == core.index()) co_return function(core);
  detail::AskingOf<F> asking(core, there, function);
  co_await asking;
  co_return asking.returned.take();
}

}  // namespace ringpost::shard
