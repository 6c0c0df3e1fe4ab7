#include "report.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/base/option_value.hpp"

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

struct Quantile {
  std::string_view name;
  std::string_view key;
  double fraction;
};
constexpr std::array<Quantile, 4> kQuantiles{
    {{"p50", "p50_ms", 0.5}, {"p90", "p90_ms", 0.9}, {"p99", "p99_ms", 0.99}, {"p99.9", "p99_9_ms", 0.999}}};

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double in_milliseconds(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e6;
}

double cpu_per_message(const Effort& effort, std::uint64_t messages) {
  return messages == 0 ? 0 : in_seconds(effort.cpu) * 1e6 / static_cast<double>(messages);
}

}  // namespace

JsonObject& JsonObject::raw(std::string_view key, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_ += json_quoted(key);
  members_.append(": ").append(value);
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, double number) {
  return raw(key, fmt::format("{:.3f}", number));
}

JsonObject& JsonObject::add(std::string_view key, std::string_view text) {
  return raw(key, json_quoted(text));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? ", " : "") + json_quoted(text);
  return raw(key, list + "]");
}

std::string Table::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : rows_) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : rows_) text += fmt::format("{:<{}}  {}\n", name, width, value);
  return text;
}

std::string milliseconds(std::uint64_t nanoseconds) {
  return fmt::format("{:.3f} ms", in_milliseconds(nanoseconds));
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3;) text.insert(place -= 3, " ");
  return text;
}

std::string percentiles(const observe::Histogram& histogram) {
  if (histogram.count() == 0) return "none";
  std::string text;
  for (const Quantile& q : kQuantiles)
    text += fmt::format("{} {}, ", q.name, milliseconds(histogram.quantile(q.fraction)));
  return text + "max " + milliseconds(histogram.max());
}

JsonObject percentiles_json(const observe::Histogram& histogram) {
  JsonObject object;
  object.add("count", histogram.count());
  for (const Quantile& q : kQuantiles) object.add(q.key, in_milliseconds(histogram.quantile(q.fraction)));
  object.add("max_ms", in_milliseconds(histogram.max()));
  return object;
}

double Effort::busiest() const {
  return busy.empty() ? 0 : std::ranges::max(busy);
}

double per_second(std::uint64_t count, Duration elapsed) {
  return elapsed <= Duration{0} ? 0 : static_cast<double>(count) / in_seconds(elapsed);
}

void add_effort(const Effort& effort, std::uint64_t count, std::string_view unit, Table& table) {
  std::string cores;
  for (const double share : effort.busy)
    cores += fmt::format("{}{:.0f} %", cores.empty() ? "" : ", ", share * 100);
  table.row("own CPU",
            fmt::format("{:.1f} us a {}, {:.2f} s in all; cores busy {}", cpu_per_message(effort, count),
                        unit.substr(0, unit.size() - 1), in_seconds(effort.cpu), cores));
  if (effort.busiest() >= kSaturated)
    table.row("note", "a core of this process had no time left: it limited the run, not the other side");
}

JsonObject effort_json(const Effort& effort, std::uint64_t messages) {
  JsonObject object;
  object.add("seconds", in_seconds(effort.cpu)).add("us_per_message", cpu_per_message(effort, messages));
  object.add("busiest_core", effort.busiest()).add("saturated", effort.busiest() >= kSaturated);
  return object;
}

}  // namespace ringpost::loadgen
