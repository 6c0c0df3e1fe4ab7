// Events as lines. Whatever a peer has put into a field, one event stays one line and no field can pose as another.
#pragma once

#include <string>
#include <string_view>

#include "event.hpp"

namespace ringpost::publish {

// "3NV8...: delivered to=<anna@example.com> remote=192.0.2.1:25 text=\"250 2.0.0 ok\"", without a line end.
void append_message(const Event& event, std::string& out);
// {"time":"2026-11-22T08:00:00.123Z","host":"mx1","type":"delivered",...}, without a line end.
void append_json(const Event& event, std::string_view hostname, std::string& out);
// "Nov 22 08:00:00" in the system's time zone, as syslog daemons write it.
void append_syslog_time(WallTime time, std::string& out);

}  // namespace ringpost::publish
