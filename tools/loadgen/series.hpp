// What a run did second by second, looked at from outside: counters and histograms are read once a second, and what was
// added since is the second.
//
// Layer: tool. Main thread. Costs the cores nothing but one short visit a second, for their CPU clocks.
// Limit: kSecondsMax; a longer run goes on without further seconds, and says so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"
#include "ringpost/shard/runtime.hpp"

#include "distribution.hpp"
#include "server_figures.hpp"

namespace ringpost::loadgen {

// What one core has counted up to now.
struct CoreCount {
  std::uint64_t acknowledged = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wrong = 0;  // refused or unanswered
  double cpu = 0;           // seconds
};

// Everything that is looked at, up to now.
struct Look {
  Duration at{0};  // since the start
  std::vector<CoreCount> cores;
  Distribution latency;
  std::optional<ServerFigures> server;
  std::optional<std::uint64_t> server_memory;
};

struct Second {
  double at = 0;                 // its end, since the start
  double length = 1;             // of it, in seconds
  std::vector<CoreCount> cores;  // cpu: busy share, 0 to 1
  Distribution latency;
  std::optional<ServerSecond> server;
  std::optional<std::uint64_t> server_memory;  // at its end, in bytes

  std::uint64_t acknowledged() const;
  std::uint64_t wrong() const;
  double rate() const { return length > 0 ? static_cast<double>(acknowledged()) / length : 0; }
};

class Series {
 public:
  // Call with the state at the start, then about once a second. A short rest at the end goes to the second before it: alone
  // it would seem a drop.
  void add(Look look);
  const std::vector<Second>& seconds() const { return seconds_; }
  bool cut() const { return cut_; }

 private:
  std::optional<Look> last_;
  std::optional<Look> before_last_;
  std::vector<Second> seconds_;
  bool cut_ = false;
};

admin::Json series_json(const Series& series);

}  // namespace ringpost::loadgen
