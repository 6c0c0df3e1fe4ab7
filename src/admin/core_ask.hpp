// A question to the services of one core, from a thread that is no core's: asked, and waited for within a bound.
//
// Layer: program, private.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ringpost/admin/control.hpp"
#include "ringpost/admin/limits.hpp"

namespace ringpost::admin {

// A root task on the core. The promise is shared: a caller that stopped waiting leaves it behind.
template <class T>
Task<void> tell(shard::Core&, Task<T> question, std::shared_ptr<std::promise<T>> answer) {
  T value = co_await std::move(question);
  answer->set_value(std::move(value));
}

// `ask(CoreView&) -> Task<T>`, called on the core; its answer comes later.
template <class T, class Ask>
std::future<T> begin_to_visit(Control& control, unsigned core, const Ask& ask) {
  auto answer = std::make_shared<std::promise<T>>();
  control.on_core(core, [&](CoreView& view) { view.core.spawn(tell<T>(view.core, ask(view), answer)); });
  return answer->get_future();
}
// `ask(deliver::Service&) -> Task<T>`.
template <class T, class Ask>
std::future<T> begin_to_ask(Control& control, unsigned core, const Ask& ask) {
  return begin_to_visit<T>(control, core, [&](CoreView& view) { return ask(view.deliver); });
}

template <class T>
Result<T> await_answer(std::future<T> answer, unsigned core) {
  if (answer.wait_for(kCoreTimeout) != std::future_status::ready)
    return fail(ErrorKind::timed_out,
                "core " + std::to_string(core) + " is too busy; try again with a narrower selector");
  return answer.get();
}

template <class T, class Ask>
Result<T> ask_core(Control& control, unsigned core, const Ask& ask) {
  return await_answer<T>(begin_to_ask<T>(control, core, ask), core);
}

// All of them at once; the answers in their order, or the first error.
template <class T, class Ask>
Result<std::vector<T>> ask_all_cores(Control& control, const Ask& ask) {
  std::vector<std::future<T>> asked;
  for (unsigned core = 0; core < control.core_count(); ++core)
    asked.push_back(begin_to_ask<T>(control, core, ask));
  std::vector<T> answers;
  for (unsigned core = 0; core < asked.size(); ++core)
    answers.push_back(RP_TRY(await_answer<T>(std::move(asked[core]), core)));
  return answers;
}

}  // namespace ringpost::admin
