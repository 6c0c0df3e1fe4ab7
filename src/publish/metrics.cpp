#include "ringpost/publish/metrics.hpp"

#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace ringpost::publish {

namespace {

using Entry = observe::Registry::Entry;

struct Series {
  std::size_t core;
  const Entry* entry;
};
// By name, so that a family stands together, as the format asks.
using Families = std::map<std::string_view, std::vector<Series>>;

// The upper bounds of a histogram's buckets, as powers of two.
struct Bounds {
  unsigned first, last, step;
};
constexpr Bounds kTimes{10, 38, 2};  // 1 us to 275 s
constexpr Bounds kCounts{0, 28, 2};  // 1 to 268 million
static_assert((kTimes.last - kTimes.first) / kTimes.step + 1 == 15 && kCounts.last / kCounts.step + 1 == 15);

bool is_time(std::string_view name) {
  return name.ends_with("_ns");
}

std::string family_name(const Entry& entry) {
  std::string name = "ringpost_" + entry.name;
  if (is_time(entry.name)) name.replace(name.size() - 2, 2, "seconds");
  if (entry.counter != nullptr) name += "_total";
  return name;
}

std::string_view type_of(const Entry& entry) {
  return entry.counter != nullptr ? "counter" : entry.gauge != nullptr ? "gauge" : "histogram";
}

// Nanoseconds in seconds, exactly; other figures as they are.
std::string value_text(std::uint64_t value, bool time) {
  if (!time) return fmt::format("{}", value);
  return fmt::format("{}.{:09}", value / 1'000'000'000U, value % 1'000'000'000U);
}

// A value lies under the bound 2^bits when it is less; values are whole, so that is 2^bits - 1 and less.
void add_histogram(std::string& out, const std::string& name, const Series& series) {
  const observe::Histogram& histogram = *series.entry->histogram;
  const bool time = is_time(series.entry->name);
  const Bounds bounds = time ? kTimes : kCounts;
  std::uint64_t below = 0;
  for (unsigned bits = bounds.first; bits <= bounds.last; bits += bounds.step) {
    below = std::max(below, histogram.count_below(bits));
    fmt::format_to(std::back_inserter(out), "{}_bucket{{core=\"{}\",le=\"{}\"}} {}\n", name, series.core,
                   value_text((std::uint64_t{1} << bits) - 1, time), below);
  }
  // The core goes on counting meanwhile: a total under its last bucket would be refused.
  const std::uint64_t count = std::max(below, histogram.count());
  fmt::format_to(std::back_inserter(out),
                 "{0}_bucket{{core=\"{1}\",le=\"+Inf\"}} {2}\n{0}_sum{{core=\"{1}\"}} "
                 "{3}\n{0}_count{{core=\"{1}\"}} {2}\n",
                 name, series.core, count, value_text(histogram.sum(), time));
}

void add_series(std::string& out, const std::string& name, const Series& series) {
  const Entry& entry = *series.entry;
  if (entry.histogram != nullptr) return add_histogram(out, name, series);
  const std::string value = entry.counter != nullptr ? value_text(entry.counter->value(), is_time(entry.name))
                                                     : fmt::format("{}", entry.gauge->value());
  fmt::format_to(std::back_inserter(out), "{}{{core=\"{}\"}} {}\n", name, series.core, value);
}

void add_head(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void add_one(std::string& out, std::string_view name, std::string_view help, std::string_view type,
             const std::string& value) {
  add_head(out, name, help, type);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

// What every exporter says of its process, under the names that dashboards know.
void add_process(std::string& out) {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0;
  if (statm >> pages >> resident)
    add_one(out, "process_resident_memory_bytes", "Memory of the process that is in use.", "gauge",
            fmt::format("{}", resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))));
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  add_one(out, "process_cpu_seconds_total", "CPU time of the process, all its threads.", "counter",
          fmt::format("{}.{:09}", spent.tv_sec, spent.tv_nsec));
}

}  // namespace

std::string metrics_page(const ServerFacts& facts, std::span<const observe::Registry* const> cores) {
  Families families;
  for (std::size_t core = 0; core < cores.size(); ++core)
    for (const Entry& entry : cores[core]->entries()) families[entry.name].push_back({core, &entry});
  std::string out;
  add_head(out, "ringpost_build_info", "The version that runs.", "gauge");
  fmt::format_to(std::back_inserter(out), "ringpost_build_info{{version=\"{}\"}} 1\n", facts.version);
  add_one(out, "ringpost_start_time_seconds", "When the server was started, in Unix time.", "gauge",
          fmt::format("{}", facts.started.seconds()));
  add_process(out);
  for (const auto& [unused, all] : families) {
    const Entry& first = *all.front().entry;
    const std::string name = family_name(first);
    add_head(out, name, first.help, type_of(first));
    for (const Series& series : all) add_series(out, name, series);
  }
  return out;
}

}  // namespace ringpost::publish
