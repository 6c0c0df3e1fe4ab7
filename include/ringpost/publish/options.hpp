// [log.NAME]: where events are written, a line each.
//
// Layer: base only.
#pragma once

#include <string>

#include "ringpost/base/options.hpp"

namespace ringpost::publish {

enum class LogFormat : unsigned char { maillog, json };
constexpr auto option_choices(const LogFormat*) {
  return std::to_array<Choice<LogFormat>>({{"maillog", LogFormat::maillog}, {"json", LogFormat::json}});
}

struct LogOptions {
  std::string to = "stderr";  // stderr | syslog | journald | file:PATH
  LogFormat format = LogFormat::maillog;
};
const OptionTable& option_table(const LogOptions*);

}  // namespace ringpost::publish
