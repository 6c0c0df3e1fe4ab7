#include "top_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace ringpost::command {

using admin::Json;

namespace {

std::string count_text(double value) {
  if (value < 0) return "-";
  if (value < 10 && value != std::floor(value)) return fmt::format("{:.1f}", value);
  if (value < 100'000) return fmt::format("{:.0f}", value);
  return value < 1e7 ? fmt::format("{:.0f}k", value / 1e3) : fmt::format("{:.0f}M", value / 1e6);
}
std::string share_text(double value) {
  return fmt::format("{:.0f}%", value * 100);
}
std::string megabytes_text(double value) {
  return fmt::format("{:.1f}", value / 1e6);
}
std::string milliseconds_text(double value) {
  return value >= 0.1 ? fmt::format("{:.0f}", value * 1e3) : fmt::format("{:.2f}", value * 1e3);
}

#define RP_COLUMN(field) [](const TopRow& row) { return static_cast<double>(row.field); }
constexpr std::array kColumns = std::to_array<TopColumn>({
    {"core", "CORE", "number of the core", RP_COLUMN(core), count_text},
    {"cpu", "CPU", "the CPU that it is bound to; - for none", RP_COLUMN(cpu), count_text},
    {"busy", "BUSY", "share of the time that it worked, waiting for nothing", RP_COLUMN(busy), share_text},
    {"cpu_share", "CPU%",
     "CPU time of its thread, which with busy polling or a slow kernel differs from BUSY",
     RP_COLUMN(cpu_share), share_text},
    {"in_rate", "IN/s", "messages answered with 250", RP_COLUMN(in_rate), count_text},
    {"in_bytes", "IN-MB/s", "their bytes", RP_COLUMN(in_bytes), megabytes_text},
    {"out_rate", "OUT/s", "recipients delivered to", RP_COLUMN(out_rate), count_text},
    {"out_bytes", "OUT-MB/s", "bytes of messages that were sent", RP_COLUMN(out_bytes), megabytes_text},
    {"connections", "CONN", "clients connected", RP_COLUMN(connections), count_text},
    {"flows", "FLOWS", "deliveries under way", RP_COLUMN(flows), count_text},
    {"queue", "QUEUE", "messages in the queue", RP_COLUMN(queue), count_text},
    {"commit_p50", "COMMIT50", "ms from submission of a frame until it is durable: half of them took less",
     RP_COLUMN(commit_p50), milliseconds_text},
    {"commit_p99", "COMMIT99", "the same for 99 of 100", RP_COLUMN(commit_p99), milliseconds_text},
    {"records_per_frame", "BATCH", "records that one frame, so one flush of the disk, makes durable",
     RP_COLUMN(records_per_frame), count_text},
    {"flushes", "FLUSH/s", "frames made durable", RP_COLUMN(flushes), count_text},
    {"turns", "TURN/s", "turns of the loop", RP_COLUMN(turns), count_text},
    {"completions_per_turn", "COMP", "completions of a turn", RP_COLUMN(completions_per_turn), count_text},
    {"slots", "SLOTS", "connection slots leased from the cores that own the destinations", RP_COLUMN(slots),
     count_text},
    {"slots_waiting", "WAIT", "destinations in line for a slot", RP_COLUMN(slots_waiting), count_text},
    {"buffers", "BUF", "share of the memory for message bytes in use", RP_COLUMN(buffers), share_text},
    {"receive_buffers", "RBUF", "share of the receive buffers that one turn took, at most",
     RP_COLUMN(receive_buffers), share_text},
    {"stalls", "STALL", "turns over 1 ms in this interval; `ringpost status --json` blames each",
     RP_COLUMN(stalls), count_text},
    {"stall_max", "LONGEST", "ms of the longest such turn since the start", RP_COLUMN(stall_max),
     milliseconds_text},
});
#undef RP_COLUMN

// One core in two answers; a core that was not there before counts from 0.
class Interval {
 public:
  Interval(const Json& before, const Json& after, double seconds)
      : before_(before["figures"]), after_(after["figures"]), seconds_(seconds) {}

  double now(std::string_view name) const { return number(after_[name]); }
  double more(std::string_view name) const { return std::max(0.0, now(name) - number(before_[name])); }
  double rate(std::string_view name) const { return more(name) / seconds_; }
  double mean(std::string_view histogram) const {
    const double count = part(histogram, "count");
    return count == 0 ? 0 : part(histogram, "sum") / count;
  }
  double events(std::string_view histogram) const { return part(histogram, "count"); }
  // Of the values that were recorded in between: the upper bound of their bucket.
  double quantile(std::string_view histogram, double fraction) const;

 private:
  static double number(const Json& json) { return static_cast<double>(json.number()); }
  double part(std::string_view histogram, std::string_view key) const {
    return std::max(0.0, number(after_[histogram][key]) - number(before_[histogram][key]));
  }
  const Json& before_;
  const Json& after_;
  double seconds_;
};

double Interval::quantile(std::string_view histogram, double fraction) const {
  std::map<std::int64_t, std::int64_t> buckets;
  std::int64_t total = 0;
  const auto add = [&](const Json& list, int sign) {
    for (const Json& pair : list.list()) {
      if (pair.list().size() != 2) continue;
      const std::int64_t count = sign * pair.list()[1].number();
      buckets[pair.list()[0].number()] += count;
      total += count;
    }
  };
  add(after_[histogram]["buckets"], 1);
  add(before_[histogram]["buckets"], -1);
  const double rank = std::ceil(fraction * static_cast<double>(total));
  double seen = 0;
  for (const auto& [upper, count] : buckets) {
    seen += static_cast<double>(count);
    if (count > 0 && seen >= rank) return static_cast<double>(upper);
  }
  return 0;
}

double share_of(double part, double whole) {
  return whole <= 0 ? 0 : part / whole;
}

TopRow row_of(const Json& before, const Json& after, double seconds) {
  const Interval core(before, after, seconds);
  return {
      .core = after["core"].number(),
      .cpu = after["cpu"].number(),
      .busy = std::min(1.0, core.rate("core_busy_ns") / 1e9),
      .cpu_share = core.rate("core_cpu_ns") / 1e9,
      .in_rate = core.rate("intake_messages"),
      .in_bytes = core.rate("intake_bytes"),
      .out_rate = core.rate("deliver_recipients_delivered"),
      .out_bytes = core.rate("deliver_bytes"),
      .connections = core.now("receive_connections_open"),
      .flows = core.now("deliver_flows"),
      .queue = core.now("spool_messages"),
      .slots = core.now("deliver_slots_held"),
      .slots_waiting = core.now("deliver_slots_waiting"),
      .turns = core.rate("core_turns"),
      .completions_per_turn = share_of(core.more("core_completions"), core.more("core_turns")),
      .records_per_frame = core.mean("journal_frame_records"),
      .flushes = core.rate("journal_frames"),
      .commit_p50 = core.quantile("journal_commit_ns", 0.5) / 1e9,
      .commit_p99 = core.quantile("journal_commit_ns", 0.99) / 1e9,
      .buffers = share_of(core.now("core_buffer_bytes"), core.now("core_buffer_limit_bytes")),
      .receive_buffers = share_of(core.now("core_receive_buffers_taken"), core.now("core_receive_buffers")),
      .stalls = core.more("core_stalls"),
      .stall_max = static_cast<double>(after["figures"]["core_stall_ns"]["max"].number()) / 1e9};
}

}  // namespace

std::span<const TopColumn> top_columns() {
  return kColumns;
}

const TopColumn* top_column(std::string_view key) {
  const auto found = std::ranges::find(kColumns, key, &TopColumn::key);
  return found == kColumns.end() ? nullptr : &*found;
}

std::vector<TopRow> top_rows(const Json& before, const Json& after, double seconds) {
  static const Json kNothing;
  std::vector<TopRow> rows;
  for (const Json& core : after["cores"].list()) {
    const auto& earlier = before["cores"].list();
    const auto same = std::ranges::find_if(
        earlier, [&](const Json& each) { return each["core"].number() == core["core"].number(); });
    // Another process counts from 0 again.
    const bool known = same != earlier.end() && before["pid"].number() == after["pid"].number();
    rows.push_back(row_of(known ? *same : kNothing, core, seconds));
  }
  return rows;
}

Json top_json(std::span<const TopRow> rows, double seconds) {
  Json::List list;
  for (const TopRow& row : rows) {
    Json json;
    for (const TopColumn& column : kColumns) {
      const double value = column.value(row);
      const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
      json.set(std::string(column.key), whole ? Json(static_cast<std::int64_t>(value)) : Json(value));
    }
    list.push_back(std::move(json));
  }
  return Json().set("seconds", seconds).set("cores", std::move(list));
}

}  // namespace ringpost::command
