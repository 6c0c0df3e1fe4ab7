// The control endpoint: a Unix socket, a request of one JSON line, an answer of one JSON line or several.
//
// Layer:  program. Owner: the main thread; runs on threads of its own, off the cores.
// Form:   {"verb":"queue list","arguments":{...}}; answer lines; the last is {"done":true,...} or
//         {"error":{"text":"...","mend":"..."}}. One request for each connection.
// Verbs:  one file for each subject, one table of verbs (src/admin/verbs.hpp).
// End:    destroy it before the cores stop: a verb waits for cores.
// Safety: mode 0660 of the socket decides who may command; limits in admin/limits.hpp.
#pragma once

#include <memory>

#include "ringpost/admin/control.hpp"
#include "ringpost/admin/options.hpp"

namespace ringpost::admin {

class Endpoint {
 public:
  // Listens; an old socket that nobody answers on is replaced, a live one is an error that says so.
  static Result<std::unique_ptr<Endpoint>> start(const AdminOptions& options, Control& control);
  ~Endpoint();  // closes and joins

 private:
  struct State;
  explicit Endpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::admin
