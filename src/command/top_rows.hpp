// What `ringpost top` shows of each core: two answers of the server to `status`, and what happened between them.
//
// Layer: program. Values; no terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/admin/json.hpp"

namespace ringpost::command {

// One core in one interval. Rates are for a second.
struct TopRow {
  std::int64_t core = 0;
  std::int64_t cpu = -1;
  double busy = 0, cpu_share = 0;                // 0 to 1
  double in_rate = 0, in_bytes = 0;              // messages answered with 250
  double out_rate = 0, out_bytes = 0;            // recipients delivered to; bytes of messages sent
  double connections = 0, flows = 0, queue = 0;  // now
  double slots = 0, slots_waiting = 0;           // now
  double turns = 0, completions_per_turn = 0;
  double records_per_frame = 0, flushes = 0;
  double commit_p50 = 0, commit_p99 = 0;  // seconds
  double buffers = 0;                     // share of the limit of message buffers
  double receive_buffers = 0;             // share taken in one turn, at most
  double stalls = 0, stall_max = 0;       // in the interval; the longest since the start, in seconds
};

struct TopColumn {
  std::string_view key;  // in JSON, and for --sort
  std::string_view heading;
  std::string_view help;
  double (*value)(const TopRow&);
  std::string (*text)(double);
};
std::span<const TopColumn> top_columns();
const TopColumn* top_column(std::string_view key);

// The rows of the interval from `before` to `after`, two lines that the verb `status` with buckets answered.
std::vector<TopRow> top_rows(const admin::Json& before, const admin::Json& after, double seconds);
admin::Json top_json(std::span<const TopRow> rows, double seconds);

}  // namespace ringpost::command
