// The figures of all cores as Prometheus reads them: text format 0.0.4, one page.
//
// Layer:  services. Any thread.
// Names:  ringpost_ and the name of the figure; "_ns" becomes "_seconds", a counter ends in "_total". One label: core.
// Bound:  every figure of every core is one series, a histogram 18; no name comes from outside, so nothing else can grow.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"
#include "ringpost/observe/registry.hpp"

namespace ringpost::publish {

struct ServerFacts {
  std::string_view version;
  WallTime started;
};

// `cores`: the figures of each, in the order of their numbers.
std::string metrics_page(const ServerFacts& facts, std::span<const observe::Registry* const> cores);

}  // namespace ringpost::publish
