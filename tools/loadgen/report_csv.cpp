#include "report_csv.hpp"

#include <array>
#include <set>

#include <fmt/format.h>

#include "run_groups.hpp"

namespace ringpost::loadgen {

namespace {

using admin::Json;

constexpr std::array<std::string_view, 9> kColumns{"at",     "acknowledged", "rate",     "wrong", "p50_ms",
                                                   "p90_ms", "p99_ms",       "p99_9_ms", "max_ms"};
constexpr std::array<std::string_view, 4> kCoreColumns{"acknowledged", "bytes", "wrong", "busy"};

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

std::string beginning(std::size_t index, const Json& run) {
  return fmt::format("{},{}", index, quoted(run["name"].text()));
}

// What some second of some run has beside kColumns.
struct Extent {
  std::size_t cores = 0;
  bool memory = false;
  std::vector<std::set<std::string, std::less<>>> server;  // names, of each core
};

void widen(Extent& extent, const Json& second) {
  extent.cores = std::max(extent.cores, second["cores"].list().size());
  extent.memory = extent.memory || !second["memory_mb"].is_null();
  const Json::List& server = second["server"].list();
  if (extent.server.size() < server.size()) extent.server.resize(server.size());
  for (std::size_t core = 0; core < server.size(); ++core)
    for (const auto& [name, value] : server[core].object()) extent.server[core].insert(name);
}

Extent extent_of(const std::vector<Json>& runs) {
  Extent extent;
  for (const Json& run : runs)
    for (const Json& second : run["seconds"].list()) widen(extent, second);
  return extent;
}

std::string heading(const Extent& extent) {
  std::string text = "run,name";
  for (const std::string_view column : kColumns) text.append(",").append(column);
  for (std::size_t core = 0; core < extent.cores; ++core)
    for (const std::string_view column : kCoreColumns) text += fmt::format(",core{}_{}", core, column);
  if (extent.memory) text += ",server_memory_mb";
  for (std::size_t core = 0; core < extent.server.size(); ++core)
    for (const std::string& name : extent.server[core]) text += fmt::format(",server{}_{}", core, name);
  return text + "\n";
}

const Json& at(const Json::List& list, std::size_t index) {
  static const Json kNone;
  return index < list.size() ? list[index] : kNone;
}

std::string cell(const Json& value) {
  return value.is_null() ? "," : fmt::format(",{}", number_of(value));
}

std::string line(const Json& second, const Extent& extent) {
  std::string text;
  for (const std::string_view column : kColumns) text += fmt::format(",{}", number_of(second[column]));
  for (std::size_t core = 0; core < extent.cores; ++core)
    for (const std::string_view column : kCoreColumns) text += cell(at(second["cores"].list(), core)[column]);
  if (extent.memory) text += cell(second["memory_mb"]);
  for (std::size_t core = 0; core < extent.server.size(); ++core)
    for (const std::string& name : extent.server[core]) text += cell(at(second["server"].list(), core)[name]);
  return text + "\n";
}

}  // namespace

std::string seconds_csv(const std::vector<Json>& runs) {
  const Extent extent = extent_of(runs);
  std::string text = heading(extent);
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const Json& second : runs[i]["seconds"].list()) text += beginning(i, runs[i]) + line(second, extent);
  return text;
}

std::string histogram_csv(const std::vector<Json>& runs) {
  std::string text = "run,name,upper_bound_ms,count\n";
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const Json& bucket : runs[i]["histogram_ns"].list())
      text += fmt::format("{},{},{}\n", beginning(i, runs[i]), number_of(at(bucket.list(), 0)) / 1e6,
                          at(bucket.list(), 1).number());
  return text;
}

std::string errors_csv(const std::vector<Json>& runs) {
  std::string text = "run,name,kind,what,count,example\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Json& summary = runs[i]["summary"];
    const auto add = [&](std::string_view kind, std::string_view what, const Json& count,
                         const std::string& example) {
      text += fmt::format("{},{},{},{},{}\n", beginning(i, runs[i]), kind, quoted(what), count.number(),
                          quoted(example));
    };
    for (const std::string_view key : kFailureKeys) add("figure", key, summary[key], "");
    for (const auto& [code, count] : summary["codes"].object())
      add("code", code, count, summary["examples"][code].text());
    for (const auto& [what, count] : summary["troubles"].object()) add("trouble", what, count, "");
  }
  return text;
}

}  // namespace ringpost::loadgen
