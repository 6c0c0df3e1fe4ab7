#include "report_command.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "live_view.hpp"
#include "output.hpp"
#include "report_csv.hpp"
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
    text +=
        fmt::format("  {:<13} {:>12} {}\n", figure.name, shown(figure_of(run, figure), figure), figure.unit);
  std::vector<double> rates;
  for (const Json& second : run["seconds"].list()) rates.push_back(number_of(second["rate"]));
  const std::size_t step = std::max<std::size_t>(1, (rates.size() + kSparkWidth - 1) / kSparkWidth);
  std::vector<double> shown;
  for (std::size_t i = 0; i < rates.size(); i += step) shown.push_back(rates[i]);
  if (!shown.empty()) text += fmt::format("  {:<13} {}\n", "over time", sparkline(shown));
  for (const std::string& remark : remarks(run)) text += fmt::format("  note: {}\n", remark);
  return text;
}

Json or_null(std::optional<double> value) {
  return value ? Json(*value) : Json();
}

Json errors_json(const Json& run) {
  const Json& summary = run["summary"];
  Json errors;
  for (const std::string_view key : kFailureKeys) errors.set(std::string(key), summary[key]);
  return errors.set("codes", summary["codes"])
      .set("examples", summary["examples"])
      .set("troubles", summary["troubles"]);
}

Json ratio_json(const Difference& d) {
  const auto of = [&](double value) { return d.ratio.known ? Json(value) : Json(); };
  return Json()
      .set("figure", d.figure->key)
      .set("ratio", of(d.ratio.value))
      .set("low", of(d.ratio.low))
      .set("high", of(d.ratio.high))
      .set("p", d.runs == 0 ? Json() : Json(d.p))
      .set("verdict", verdict(d));
}

}  // namespace

std::string report_text(const std::vector<Json>& runs) {
  std::string text;
  for (const Json& run : runs) text += run_text(run) + "\n";
  const std::vector<RunGroup> groups = groups_of(runs);
  for (std::size_t i = 1; i < groups.size(); ++i) {
    text += fmt::format("{} against {}\n", groups[i].name, groups[0].name);
    for (const Difference& d : differences(groups[0], groups[i]))
      text += d.runs == 0 ? fmt::format("  {:<13} none\n", d.figure->name)
                          : fmt::format("  {:<13} {}, p {:.3f}: {}\n", d.figure->name, to_string(d.ratio),
                                        d.p, verdict(d));
  }
  return text;
}

Json report_json(const std::vector<Json>& runs) {
  Json::List list;
  for (const Json& run : runs) {
    Json one = Json().set("name", run["name"]).set("loop", run["loop"]);
    for (const Figure& figure : kFigures) one.set(std::string(figure.key), or_null(figure_of(run, figure)));
    Json::List notes;
    for (const std::string& remark : remarks(run)) notes.emplace_back(remark);
    one.set("remarks", std::move(notes)).set("errors", errors_json(run));
    list.push_back(std::move(one.set("histogram_ns", run["histogram_ns"]).set("seconds", run["seconds"])));
  }
  Json::List compared;
  const std::vector<RunGroup> groups = groups_of(runs);
  for (std::size_t i = 1; i < groups.size(); ++i)
    for (const Difference& d : differences(groups[0], groups[i])) {
      Json one = Json().set("base", groups[0].name).set("name", groups[i].name);
      for (const auto& [key, value] : ratio_json(d).object()) one.set(key, value);
      compared.push_back(std::move(one));
    }
  return Json().set("runs", std::move(list)).set("comparison", std::move(compared));
}

namespace {

// A file that a report may be written to.
struct Written {
  std::string path;
  std::string (*made)(const std::vector<Json>& runs);
};

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

// A report never takes the place of what it reads, or of another report.
Result<void> unlike(const std::vector<Written>& files, const ReportOptions& options) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (const std::string& run : options.runs)
      if (same_file(files[i].path, run))
        return fail(ErrorKind::permanent, files[i].path + " is one of the runs");
    for (std::size_t k = 0; k < i; ++k)
      if (same_file(files[i].path, files[k].path))
        return fail(ErrorKind::permanent, files[i].path + " would be written twice");
  }
  return {};
}

Result<std::vector<Json>> read_runs(const std::vector<std::string>& paths) {
  std::vector<Json> runs;
  for (const std::string& path : paths) runs.push_back(RP_TRY(read_run(path)));
  return runs;
}

}  // namespace

int run_report(const ReportOptions& options) {
  std::vector<Written> files{{options.html_file, report_page},
                             {options.csv_file, seconds_csv},
                             {options.histogram_file, histogram_csv},
                             {options.errors_file, errors_csv}};
  std::erase_if(files, [](const Written& file) { return file.path.empty(); });
  if (auto good = unlike(files, options); !good) return complain(good.error().text);
  const auto runs = read_runs(options.runs);
  if (!runs) return complain(runs.error().text);
  for (const Written& file : files)
    if (auto done = write_file(file.path, file.made(*runs)); !done) return complain(done.error().text);
  return output(options.json ? admin::to_string(report_json(*runs)) + "\n" : report_text(*runs), 0);
}

}  // namespace ringpost::loadgen
