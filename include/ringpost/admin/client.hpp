// The other end of the control endpoint: what `ringpost queue` and the like speak.
//
// Layer: program. Blocking; for commands.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ringpost/admin/json.hpp"
#include "ringpost/base/result.hpp"

namespace ringpost::admin {

// What went wrong, as the endpoint says it.
struct Refusal {
  bool unreachable = false;  // nobody answers on the socket: the server is not running, or we may not
  std::string text;
  std::string mend;
};

// Asks one question over a fresh connection and hands each line of the answer to `line`. The last line, which says that it
// was the last, is its value; it may carry more ("next", "changed").
std::expected<Json, Refusal> ask(const std::string& socket_path, std::string_view verb, Json arguments,
                                 const std::function<void(const Json&)>& line);

// A connection that goes on as something else behind the answer.
struct Opened {
  int descriptor = -1;   // the caller's
  std::string received;  // behind the answer already
};
std::expected<Opened, Refusal> open_connection(const std::string& socket_path, std::string_view verb,
                                               Json arguments);

}  // namespace ringpost::admin
