#include "report.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "ringpost/base/option_value.hpp"
#include "ringpost/mail/charset.hpp"

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

// JSON is UTF-8, whatever a file or a domain is called.
std::string quoted(std::string_view text) {
  return json_quoted(mail::to_utf8(text, "utf-8", mail::BadCharacters::replace).value_or(""));
}

double cpu_per_message(const Effort& effort, std::uint64_t messages) {
  return messages == 0 ? 0 : in_seconds(effort.cpu) * 1e6 / static_cast<double>(messages);
}

}  // namespace

JsonObject& JsonObject::raw(std::string_view key, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_ += quoted(key);
  members_.append(": ").append(value);
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, double number) {
  return raw(key, std::isfinite(number) ? fmt::format("{:.3f}", number) : "null");
}

JsonObject& JsonObject::add(std::string_view key, std::string_view text) {
  return raw(key, quoted(text));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? ", " : "") + quoted(text);
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

// A core that waits for its CPU behind others has no more time left than one that has it all.
bool Effort::saturated() const {
  for (std::size_t i = 0; i < busy.size(); ++i)
    if (busy[i] + (i < waiting.size() ? waiting[i] : 0) >= kSaturated) return true;
  return false;
}

double Effort::longest_wait() const {
  return waiting.empty() ? 0 : std::ranges::max(waiting);
}

double per_second(std::uint64_t count, Duration elapsed) {
  return elapsed <= Duration{0} ? 0 : static_cast<double>(count) / in_seconds(elapsed);
}

void add_effort(const Effort& effort, std::uint64_t count, std::string_view unit, Table& table) {
  std::string cores;
  for (std::size_t i = 0; i < effort.busy.size(); ++i) {
    cores += fmt::format("{}{:.0f} %", cores.empty() ? "" : ", ", effort.busy[i] * 100);
    if (i < effort.waiting.size() && effort.waiting[i] >= kWaitTold)
      cores += fmt::format(" ({:.0f} % more waiting for a CPU)", effort.waiting[i] * 100);
  }
  table.row("own CPU",
            fmt::format("{:.1f} us a {}, {:.2f} s in all; cores busy {}", cpu_per_message(effort, count),
                        unit.substr(0, unit.size() - 1), in_seconds(effort.cpu), cores));
  if (effort.saturated())
    table.row("note", "a core of this process had no time left: it limited the run, not the other side");
}

JsonObject effort_json(const Effort& effort, std::uint64_t messages) {
  JsonObject object;
  object.add("seconds", in_seconds(effort.cpu)).add("us_per_message", cpu_per_message(effort, messages));
  object.add("busiest_core", effort.busiest())
      .add("longest_wait_for_cpu", effort.longest_wait())
      .add("saturated", effort.saturated());
  return object;
}

}  // namespace ringpost::loadgen
