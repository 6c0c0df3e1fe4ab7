// What has been reached in a run, so that an oracle or a fault that never had work is seen.
//
// Layer: simulator. A value.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::simulator {

class Coverage {
 public:
  void note(std::string_view what, std::uint64_t count = 1) {
    if (const auto found = counts_.find(what); found != counts_.end())
      found->second += count;
    else if (count != 0)
      counts_.emplace(what, count);
  }
  std::uint64_t count(std::string_view what) const {
    const auto found = counts_.find(what);
    return found == counts_.end() ? 0 : found->second;
  }
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  // What the fixed seeds together must reach, and have not.
  std::vector<std::string_view> missed() const;

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace ringpost::simulator
