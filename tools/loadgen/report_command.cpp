#include "report_command.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "live_view.hpp"
#include "report_page.hpp"
#include "run_file.hpp"
#include "run_groups.hpp"

namespace ringpost::loadgen {

namespace {

using admin::Json;

constexpr std::size_t kSparkWidth = 60;

std::string run_text(const Json& run) {
  std::string text = fmt::format("{}\n", run["name"].text());
  for (const Figure& figure : kFigures)
    text += fmt::format("  {:<13} {:>12.3f} {}\n", figure.name, figure_of(run, figure), figure.unit);
  std::vector<double> rates;
  for (const Json& second : run["seconds"].list()) rates.push_back(number_of(second["rate"]));
  const std::size_t step = std::max<std::size_t>(1, (rates.size() + kSparkWidth - 1) / kSparkWidth);
  std::vector<double> shown;
  for (std::size_t i = 0; i < rates.size(); i += step) shown.push_back(rates[i]);
  if (!shown.empty()) text += fmt::format("  {:<13} {}\n", "over time", sparkline(shown));
  for (const std::string& remark : remarks(run)) text += fmt::format("  note: {}\n", remark);
  return text;
}

std::string csv_quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

}  // namespace

std::string report_text(const std::vector<Json>& runs) {
  std::string text;
  for (const Json& run : runs) text += run_text(run) + "\n";
  const std::vector<RunGroup> groups = groups_of(runs);
  for (std::size_t i = 1; i < groups.size(); ++i) {
    text += fmt::format("{} against {}\n", groups[i].name, groups[0].name);
    for (const Difference& d : differences(groups[0], groups[i]))
      text += fmt::format("  {:<13} x {:.3f} ({:.3f} to {:.3f}), p {:.3f}: {}\n", d.figure->name,
                          d.ratio.value, d.ratio.low, d.ratio.high, d.p, verdict(d));
  }
  return text;
}

Json report_json(const std::vector<Json>& runs) {
  Json::List list;
  for (const Json& run : runs) {
    Json one = Json().set("name", run["name"]).set("loop", run["loop"]);
    for (const Figure& figure : kFigures) one.set(std::string(figure.key), figure_of(run, figure));
    Json::List notes;
    for (const std::string& remark : remarks(run)) notes.emplace_back(remark);
    list.push_back(std::move(one.set("remarks", std::move(notes))));
  }
  Json::List compared;
  const std::vector<RunGroup> groups = groups_of(runs);
  for (std::size_t i = 1; i < groups.size(); ++i)
    for (const Difference& d : differences(groups[0], groups[i]))
      compared.push_back(Json()
                             .set("base", groups[0].name)
                             .set("name", groups[i].name)
                             .set("figure", d.figure->key)
                             .set("ratio", d.ratio.value)
                             .set("low", d.ratio.low)
                             .set("high", d.ratio.high)
                             .set("p", d.p)
                             .set("verdict", verdict(d)));
  return Json().set("runs", std::move(list)).set("comparison", std::move(compared));
}

std::string report_csv(const std::vector<Json>& runs) {
  constexpr std::array<std::string_view, 9> kColumns{"at",     "acknowledged", "rate",     "wrong", "p50_ms",
                                                     "p90_ms", "p99_ms",       "p99_9_ms", "max_ms"};
  std::string text = "run,name";
  for (const std::string_view column : kColumns) text.append(",").append(column);
  text += '\n';
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const Json& second : runs[i]["seconds"].list()) {
      text += fmt::format("{},{}", i, csv_quoted(runs[i]["name"].text()));
      for (const std::string_view column : kColumns) text += fmt::format(",{}", number_of(second[column]));
      text += '\n';
    }
  return text;
}

int run_report(const ReportOptions& options) {
  const auto complain = [](const Error& error) {
    fmt::print(stderr, "loadgen: {}\n", error.text);
    return 2;
  };
  std::vector<Json> runs;
  for (const std::string& path : options.runs) {
    auto run = read_run(path);
    if (!run) return complain(run.error());
    runs.push_back(std::move(*run));
  }
  if (!options.html_file.empty())
    if (auto done = write_file(options.html_file, report_page(runs)); !done) return complain(done.error());
  if (!options.csv_file.empty())
    if (auto done = write_file(options.csv_file, report_csv(runs)); !done) return complain(done.error());
  fmt::print("{}", options.json ? admin::to_string(report_json(runs)) + "\n" : report_text(runs));
  return 0;
}

}  // namespace ringpost::loadgen
