// A figure of a core by its name, as the metrics endpoint would show it.
#pragma once

#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

// A counter, a gauge, or how many values a histogram has.
inline std::uint64_t figure(Core& core, std::string_view name) {
  for (const auto& entry : core.figures().entries()) {
    if (entry.name != name) continue;
    if (entry.counter != nullptr) return entry.counter->value();
    if (entry.gauge != nullptr) return static_cast<std::uint64_t>(entry.gauge->value());
    return entry.histogram->count();
  }
  ADD_FAILURE() << "there is no figure " << name;
  return 0;
}

}  // namespace ringpost::shard
