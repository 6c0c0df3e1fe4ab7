#include "run_groups.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "distribution.hpp"

namespace ringpost::loadgen {

namespace {

using admin::Json;

// Below four a side even the most different samples come by chance once in twenty times.
constexpr std::size_t kRunsToTell = 4;
// A tail is a stall's when it is so many times the median, and long enough to be no matter of scheduling.
constexpr double kStallRatio = 10;
constexpr double kStallMs = 50;

// Seconds in which somebody waited nearly as long as anybody did.
std::string seconds_of_stall(const Json& run, double longest) {
  std::string text;
  std::size_t count = 0;
  for (const Json& second : run["seconds"].list()) {
    if (number_of(second["max_ms"]) < longest / 2) continue;
    if (++count <= 8) text += fmt::format("{}{:.0f}", text.empty() ? "" : ", ", number_of(second["at"]));
  }
  if (text.empty()) return {};
  return ", around second " + text + (count > 8 ? " and more" : "");
}

void remark_stall(const Json& run, std::vector<std::string>& said) {
  const Json& latency = run["summary"]["latency"];
  const double median = number_of(latency["p50_ms"]);
  const double tail = number_of(latency["p99_9_ms"]);
  const double longest = number_of(latency["max_ms"]);
  if (longest < kStallMs || longest < kStallRatio * median) return;
  const std::string when = seconds_of_stall(run, longest);
  if (run["loop"].text() == "closed") {
    if (tail * 2 < longest)
      said.push_back(fmt::format(
          "A stall hides here: somebody waited {:.0f} ms{}, but p99.9 is {:.3f} ms. In a "
          "closed loop a stalled server is asked less; an open loop (--rate) shows what it costs.",
          longest, when, tail));
    return;
  }
  const auto distribution = distribution_of(run["histogram_ns"]);
  double late = 0;
  for (const auto& [bound, count] : distribution.buckets())
    if (static_cast<double>(bound) / 1e6 > std::max(kStallMs / 2, kStallRatio * median))
      late += static_cast<double>(count);
  said.push_back(fmt::format(
      "A stall shows: {:.0f} messages ({:.2f} %) waited more than ten times the median, counted from when "
      "they were due; the longest {:.0f} ms{}.",
      late, 100 * late / static_cast<double>(std::max<std::uint64_t>(distribution.count(), 1)), longest,
      when));
}

}  // namespace

double number_of(const Json& json) {
  if (const auto* exact = json.as<double>()) return *exact;
  return static_cast<double>(json.number());
}

std::optional<double> figure_of(const Json& run, const Figure& figure) {
  const Json& summary = run["summary"];
  if (figure.key == "rate") return number_of(summary["rate"]);
  if (summary["latency"]["count"].number() == 0) return std::nullopt;
  if (figure.key == "us_per_message") return number_of(summary["cpu"]["us_per_message"]);
  return number_of(summary["latency"][figure.key]);
}

std::vector<double> RunGroup::values(const Figure& figure) const {
  std::vector<double> all;
  for (const Json* run : runs)
    if (const auto value = figure_of(*run, figure)) all.push_back(*value);
  return all;
}

std::optional<double> RunGroup::middle(const Figure& figure) const {
  std::vector<double> all = values(figure);
  return all.empty() ? std::nullopt : std::optional(median(std::move(all)));
}

std::string shown(std::optional<double> value, const Figure& figure) {
  if (!value) return "none";
  return figure.key == "rate" ? fmt::format("{:.0f}", *value) : fmt::format("{:.3f}", *value);
}

std::vector<RunGroup> groups_of(const std::vector<Json>& runs) {
  std::vector<RunGroup> groups;
  for (const Json& run : runs) {
    const std::string name = run["name"].text();
    auto known = std::ranges::find(groups, name, &RunGroup::name);
    if (known == groups.end()) known = groups.insert(groups.end(), RunGroup{name, {}});
    known->runs.push_back(&run);
  }
  return groups;
}

std::vector<Difference> differences(const RunGroup& base, const RunGroup& other) {
  std::vector<Difference> all;
  for (const Figure& figure : kFigures) {
    const std::vector<double> a = base.values(figure);
    const std::vector<double> b = other.values(figure);
    all.push_back(
        {&figure, median(a), median(b), ratio_of(a, b), mann_whitney_p(a, b), std::min(a.size(), b.size())});
  }
  return all;
}

std::string verdict(const Difference& difference) {
  if (difference.runs == 0) return "none";
  if (difference.runs < kRunsToTell) return "too few runs to tell";
  if (!difference.real()) return "no difference to be seen";
  return (difference.other > difference.base) == difference.figure->more_is_better ? "better" : "worse";
}

std::string failures(const Json& run) {
  const Json& summary = run["summary"];
  std::string codes;
  for (const auto& [code, count] : summary["codes"].object())
    codes += fmt::format("{}{}: {}", codes.empty() ? "" : ", ", code, count.text());
  std::string text;
  const auto tell = [&](std::string_view key, std::string_view what) {
    if (const double count = number_of(summary[key]); count > 0)
      text += fmt::format("{}{:.0f} {}", text.empty() ? "" : ", ", count, what);
  };
  tell("refused", "refused");
  tell("unanswered", "unanswered");
  tell("connect_failures", "connections refused");
  tell("greet_failures", "not welcome");
  tell("lost_connections", "connections lost");
  tell("timeouts", "timeouts");
  if (!codes.empty()) text += (text.empty() ? "" : "; ") + std::string("by code ") + codes;
  return text;
}

std::vector<std::string> remarks(const Json& run) {
  std::vector<std::string> said;
  if (const std::string wrong = failures(run); !wrong.empty())
    said.push_back("Not all went well: " + wrong + ".");
  if (const double silent = number_of(run["summary"]["silent_seconds"]); silent > 0)
    said.push_back(fmt::format(
        "The server stopped answering: nothing came in the last {:.1f} s, which the rate counts.", silent));
  if (run["summary"]["interrupted"].text() == "true")
    said.emplace_back("The run was interrupted by a signal before its time.");
  for (const Json& gap : run["summary"]["not_complete"].list())
    said.push_back("Not complete: " + gap.text() + ".");
  if (!run["search"].is_null() && run["search"]["limit_found"].text() == "false")
    said.emplace_back("The search ended before any rate was too high.");
  if (run["summary"]["cpu"]["saturated"].text() == "true")
    said.emplace_back("The generator had a core without time left: it was the limit, not the server.");
  if (const double never = number_of(run["summary"]["never_begun"]); never > 0)
    said.push_back(fmt::format(
        "{:.0f} {} were due and found no free connection before the end; the latencies lack them.", never,
        run["unit"].text().empty() ? "messages" : run["unit"].text()));
  remark_stall(run, said);
  if (run["seconds_cut"].text() == "true") said.emplace_back("The run went on after the last second shown.");
  return said;
}

}  // namespace ringpost::loadgen
