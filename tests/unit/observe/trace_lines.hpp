// What a trace has said so far, as "who text".
#pragma once

#include <string>
#include <vector>

#include "ringpost/observe/trace.hpp"

namespace ringpost::observe {

inline std::vector<std::string> take_lines(Trace& trace) {
  std::vector<std::string> all;
  trace.ring().drain([&](const EventView& event) {
    all.push_back(std::string(event.get(EventKey::source)) + " " + std::string(event.get(EventKey::text)));
  });
  return all;
}

}  // namespace ringpost::observe
