// A question to the services of one core, from a thread that is no core's: asked, and waited for within a bound.
//
// Layer: program, private.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "ringpost/admin/control.hpp"
#include "ringpost/admin/limits.hpp"

namespace ringpost::admin {

// A root task on the core. The promise is shared: a caller that stopped waiting leaves it behind.
template <class T>
Task<void> tell(shard::Core&, Task<T> question, std::shared_ptr<std::promise<T>> answer) {
  T value = co_await std::move(question);
  answer->set_value(std::move(value));
}

// `ask(deliver::Service&) -> Task<T>`, called on the core.
template <class T, class Ask>
Result<T> ask_core(Control& control, unsigned core, const Ask& ask) {
  auto answer = std::make_shared<std::promise<T>>();
  control.on_core(core,
                  [&](CoreView& view) { view.core.spawn(tell<T>(view.core, ask(view.deliver), answer)); });
  auto future = answer->get_future();
  if (future.wait_for(kCoreTimeout) != std::future_status::ready)
    return fail(ErrorKind::timed_out,
                "core " + std::to_string(core) + " is too busy; try again with a narrower selector");
  return future.get();
}

}  // namespace ringpost::admin
