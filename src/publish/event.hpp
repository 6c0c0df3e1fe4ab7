// One event on its way to the logs: its fields unpacked once, then written in each log's format.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/observe/event_ring.hpp"

namespace ringpost::publish {

// The texts belong to the ring or to whoever made the event; valid while it is being written.
struct Event {
  observe::EventType type = observe::EventType::notice;
  WallTime time;
  std::vector<std::pair<observe::EventKey, std::string_view>> fields;

  void assign(const observe::EventView& view);
  std::string_view get(observe::EventKey key) const;  // "" when absent
};

// As syslog numbers them: 3 error, 4 warning, 6 informational.
int severity_of(const Event& event);

}  // namespace ringpost::publish
