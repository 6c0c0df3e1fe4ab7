#include "size_mix.hpp"

#include <fmt/format.h>

namespace ringpost::loadgen {

std::string to_string(const SizeMix& mix) {
  std::string text;
  for (const SizeShare& share : mix.shares) {
    if (!text.empty()) text += ", ";
    text += to_string(share.smallest);
    if (share.largest != share.smallest) text += "-" + to_string(share.largest);
    if (mix.shares.size() > 1) text += fmt::format(":{:g}", share.weight);
  }
  return text;
}

}  // namespace ringpost::loadgen
