#include "run_check.hpp"

#include <array>
#include <cstdint>
#include <span>

#include <fmt/format.h>

namespace ringpost::loadgen {

namespace {

using admin::Json;

enum class Form : std::uint8_t { text, flag, count, number, object, list };

struct Key {
  std::string_view name;
  Form form;
};

constexpr std::array<Key, 6> kRunKeys{{{"name", Form::text},
                                       {"loop", Form::text},
                                       {"options", Form::object},
                                       {"summary", Form::object},
                                       {"histogram_ns", Form::list},
                                       {"seconds", Form::list}}};
constexpr std::array<Key, 20> kSummaryKeys{{{"acknowledged", Form::count},
                                            {"begun", Form::count},
                                            {"bytes", Form::count},
                                            {"seconds", Form::number},
                                            {"rate", Form::number},
                                            {"never_begun", Form::count},
                                            {"refused", Form::count},
                                            {"unanswered", Form::count},
                                            {"attempts", Form::count},
                                            {"connections", Form::count},
                                            {"connect_failures", Form::count},
                                            {"greet_failures", Form::count},
                                            {"lost_connections", Form::count},
                                            {"timeouts", Form::count},
                                            {"latency", Form::object},
                                            {"cpu", Form::object},
                                            {"codes", Form::object},
                                            {"examples", Form::object},
                                            {"troubles", Form::object},
                                            {"loop", Form::text}}};
constexpr std::array<Key, 6> kLatencyKeys{{{"count", Form::count},
                                           {"p50_ms", Form::number},
                                           {"p90_ms", Form::number},
                                           {"p99_ms", Form::number},
                                           {"p99_9_ms", Form::number},
                                           {"max_ms", Form::number}}};
constexpr std::array<Key, 2> kCpuKeys{{{"us_per_message", Form::number}, {"saturated", Form::flag}}};
constexpr std::array<Key, 10> kSecondKeys{{{"at", Form::number},
                                           {"acknowledged", Form::count},
                                           {"rate", Form::number},
                                           {"wrong", Form::count},
                                           {"p50_ms", Form::number},
                                           {"p90_ms", Form::number},
                                           {"p99_ms", Form::number},
                                           {"p99_9_ms", Form::number},
                                           {"max_ms", Form::number},
                                           {"cores", Form::list}}};
constexpr std::array<Key, 4> kCoreKeys{
    {{"acknowledged", Form::count}, {"bytes", Form::count}, {"wrong", Form::count}, {"busy", Form::number}}};

// Nanoseconds of 46 days, more than any figure of a run; the arithmetic of reports is exact up to here.
constexpr double kFigureMax = 4e15;

bool is_figure(double value) {
  return value >= 0 && value <= kFigureMax;
}

double number_in(const Json& json) {
  const auto* real = json.as<double>();
  return real != nullptr ? *real : static_cast<double>(json.number());
}

bool is_count(const Json& json) {
  const auto* whole = json.as<std::int64_t>();
  return whole != nullptr && is_figure(static_cast<double>(*whole));
}

// What it should be; empty: it is.
std::string_view wanted(const Json& json, Form form) {
  const auto* real = json.as<double>();
  switch (form) {
    case Form::text:
      return json.as<std::string>() != nullptr ? "" : "a text";
    case Form::flag:
      return json.as<bool>() != nullptr ? "" : "true or false";
    case Form::count:
      return is_count(json) ? "" : "a whole number from 0 to 4e15";
    case Form::number:
      return is_count(json) || (real != nullptr && is_figure(*real)) ? "" : "a number from 0 to 4e15";
    case Form::object:
      return json.as<Json::Object>() != nullptr ? "" : "an object";
    case Form::list:
      return json.as<Json::List>() != nullptr ? "" : "a list";
  }
  return "";
}

std::string fault_in(const std::string& place, const Json& json, std::span<const Key> keys) {
  if (json.as<Json::Object>() == nullptr) return (place.empty() ? "it" : place) + " is not an object";
  for (const Key& key : keys) {
    const std::string at = place.empty() ? std::string(key.name) : fmt::format("{}.{}", place, key.name);
    const Json& value = json[key.name];
    if (value.is_null()) return at + " is missing";
    if (const std::string_view form = wanted(value, key.form); !form.empty())
      return fmt::format("{} is not {}", at, form);
  }
  return {};
}

// Every value of an object.
std::string fault_of_values(const std::string& place, const Json& object, Form form) {
  for (const auto& [name, value] : object.object())
    if (const std::string_view wish = wanted(value, form); !wish.empty())
      return fmt::format("{}.{} is not {}", place, name, wish);
  return {};
}

std::string fault_of_summary(const Json& summary) {
  for (const std::string& fault : {fault_in("summary", summary, kSummaryKeys),
                                   fault_in("summary.latency", summary["latency"], kLatencyKeys),
                                   fault_in("summary.cpu", summary["cpu"], kCpuKeys),
                                   fault_of_values("summary.codes", summary["codes"], Form::count),
                                   fault_of_values("summary.examples", summary["examples"], Form::text),
                                   fault_of_values("summary.troubles", summary["troubles"], Form::count)})
    if (!fault.empty()) return fault;
  return {};
}

// [[upper bound, count], ...], the bounds rising, all of the messages that the summary speaks of.
std::string fault_of_histogram(const Json& buckets, std::int64_t expected) {
  std::int64_t last = -1;
  std::int64_t sum = 0;
  for (const Json& pair : buckets.list()) {
    const Json::List& two = pair.list();
    if (two.size() != 2 || !is_count(two[0]) || !is_count(two[1]))
      return "histogram_ns is not a list of [upper bound, count]";
    if (two[0].number() <= last) return "histogram_ns: the bounds do not rise";
    last = two[0].number();
    sum += two[1].number();
  }
  if (sum == expected) return {};
  return fmt::format("histogram_ns counts {}, and summary.latency.count is {}", sum, expected);
}

std::string fault_of_second(const std::string& place, const Json& second, double after) {
  if (std::string fault = fault_in(place, second, kSecondKeys); !fault.empty()) return fault;
  if (number_in(second["at"]) <= after) return place + ".at does not rise";
  const Json::List& cores = second["cores"].list();
  for (std::size_t i = 0; i < cores.size(); ++i)
    if (std::string fault = fault_in(fmt::format("{}.cores[{}]", place, i), cores[i], kCoreKeys);
        !fault.empty())
      return fault;
  const Json::List& server = second["server"].list();
  for (std::size_t i = 0; i < server.size(); ++i)
    for (const auto& [name, value] : server[i].object())
      if (value.as<double>() == nullptr && value.as<std::int64_t>() == nullptr)
        return fmt::format("{}.server[{}].{} is not a number", place, i, name);
  return {};
}

std::string fault_of_seconds(const Json& seconds) {
  double last = 0;
  for (std::size_t i = 0; i < seconds.list().size(); ++i) {
    const Json& second = seconds.list()[i];
    if (std::string fault = fault_of_second(fmt::format("seconds[{}]", i), second, last); !fault.empty())
      return fault;
    last = number_in(second["at"]);
  }
  return {};
}

}  // namespace

std::string fault_of(const Json& run) {
  if (std::string fault = fault_in("", run, kRunKeys); !fault.empty()) return fault;
  if (std::string fault = fault_of_summary(run["summary"]); !fault.empty()) return fault;
  if (const std::string loop = run["loop"].text(); loop != "open" && loop != "closed")
    return "loop is not \"open\" or \"closed\"";
  const std::int64_t latencies = run["summary"]["latency"]["count"].number();
  if (std::string fault = fault_of_histogram(run["histogram_ns"], latencies); !fault.empty()) return fault;
  return fault_of_seconds(run["seconds"]);
}

}  // namespace ringpost::loadgen
