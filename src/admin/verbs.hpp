// What can be asked: one table of verbs, filled by one file for each subject.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/admin/control.hpp"
#include "ringpost/admin/json.hpp"

#include "arguments.hpp"
#include "directive_keeper.hpp"
#include "queue_access.hpp"

namespace ringpost::admin {

// One request while it is answered.
struct Call {
  Control& control;
  Queue& queue;
  DirectiveKeeper& keeper;
  Arguments& arguments;
  std::function<void(const Json&)> line;  // writes one line of the answer
  std::function<bool()> flush;            // sends what was written; false: nobody reads it any more
  WallTime now;
  // Set by a verb whose connection goes on as something else: called with its descriptor, which it then owns, once the answer has
  // been sent. Null where there is no connection.
  std::function<void(int descriptor)>* heir = nullptr;
};

struct Verb {
  std::string_view name;
  bool while_draining;  // also while the server ends, when the queues of the cores may be closed already
  // What the last line says beside {"done":true}: an object or null.
  Answered<Json> (*run)(Call& call);
};

std::span<const Verb> server_verbs();  // status, reload, stop, figures, accounts
std::span<const Verb> queue_verbs();   // looking
std::span<const Verb> trace_verbs();
std::span<const Verb> queue_change_verbs();  // changing
std::span<const Verb> quarantine_verbs();    // of the spam filter
std::span<const Verb> mailbox_verbs();

// The whole answer to one request line: each line without its end. The last is {"done":true,...} or {"error":{...}}.
void answer(
    std::string_view request, Control& control, Queue& queue, DirectiveKeeper& keeper, WallTime now,
    const std::function<void(const Json&)>& line, const std::function<bool()>& flush = [] { return true; },
    std::function<void(int descriptor)>* heir = nullptr);

// "2026-11-22T08:00:00Z"; null for 0.
Json time_json(WallTime time);
Json seconds_json(Duration duration);

}  // namespace ringpost::admin
