// Sizes of messages, mixed by weight.
//
// Layer: tool, pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ringpost/base/units.hpp"

namespace ringpost::loadgen {

// So much of the mail has a size from `smallest` to `largest`, each power of two alike.
struct SizeShare {
  Bytes smallest;
  Bytes largest;
  double weight = 1;
};
struct SizeMix {
  SizeMix(Bytes size) : shares{{size, size, 1}} {}
  SizeMix(std::vector<SizeShare> mixed) : shares(std::move(mixed)) {}
  std::vector<SizeShare> shares;
};
// "4 KiB", "1 KiB:60, 4 KiB-64 KiB:30"
std::string to_string(const SizeMix& mix);

}  // namespace ringpost::loadgen
