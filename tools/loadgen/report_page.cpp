#include "report_page.hpp"

#include <array>
#include <map>

#include <fmt/format.h>

#include "distribution.hpp"
#include "svg_plot.hpp"

namespace ringpost::loadgen {

namespace {

using admin::Json;

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Load report</title><style>
:root{color-scheme:light dark;--ink:#1b1f23;--soft:#5b6570;--line:#d6dbe0;--paper:#fff;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--line:#3a424b;--paper:#0f141a;--card:#182028}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:12px;font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:.4em 0}h2{font-size:1.2rem;margin:1.4em 0 .4em;overflow-wrap:anywhere}
p{margin:.4em 0}small,.soft{color:var(--soft)}
.remark{border-left:4px solid #d9730d;background:var(--card);padding:.4em .7em;margin:.5em 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(96px,1fr));gap:6px;margin:.5em 0}
.figures div{background:var(--card);padding:.4em .6em;border-radius:6px}
.figures b{display:block;font-size:1.12rem;overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:12px}
figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:8px;min-width:0}
figcaption{font-weight:600}figcaption small{font-weight:400}
svg.plot{width:100%;height:auto;display:block}svg text{font-size:12px;fill:var(--soft)}
svg .grid{stroke:var(--line);stroke-width:.7}svg .axis{stroke:var(--soft)}
svg polyline{fill:none;stroke-width:1.8}svg.key{width:24px;height:8px;margin-right:.3em}svg.key line{stroke-width:2.4}
.legend{font-size:.85rem}.legend span{white-space:nowrap;margin-right:.8em}
table{border-collapse:collapse;width:100%;font-size:.92rem}td,th{text-align:left;padding:.25em .5em .25em 0;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
details td:first-child{white-space:nowrap;padding-right:1em}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.verdict{white-space:nowrap;padding-left:.5em}.better{color:#2a8c4a}.worse{color:#b3261e}
@media(max-width:600px){.compare thead{display:none}.compare tr{display:grid;grid-template-columns:1fr 1fr;border-bottom:1px solid var(--line);padding:.3em 0}
.compare td,.compare td.n{border:0;text-align:left;white-space:normal;padding-left:0}.compare td::before{content:attr(data-label) " ";color:var(--soft);font-size:.85em}}
@media print{body{max-width:none;font-size:10pt;color:#000;background:#fff}figure,.remark,tr{break-inside:avoid}.plots{grid-template-columns:1fr 1fr}h2{break-after:avoid}
details::details-content{content-visibility:visible;block-size:auto}details summary{list-style:none}}
table.compare{margin-bottom:.8em}</style></head><body>
)";

std::string unit_of(const Json& run) {
  const std::string unit = run["unit"].text();
  return unit.empty() ? "messages" : unit;
}

PlotLine line_of(const Json& run, std::string name, std::string_view key) {
  PlotLine line{std::move(name), {}};
  for (const Json& second : run["seconds"].list())
    line.points.emplace_back(number_of(second["at"]), number_of(second[key]));
  return line;
}

// One line for each core, of something within `seconds[].PLACE[core]`.
std::vector<PlotLine> core_lines(const Json& run, std::string_view place, std::string_view key,
                                 double factor) {
  std::vector<PlotLine> lines;
  for (const Json& second : run["seconds"].list()) {
    const Json::List& cores = second[place].list();
    for (std::size_t core = 0; core < cores.size(); ++core) {
      if (cores[core][key].is_null()) continue;
      if (lines.size() <= core) lines.resize(core + 1);
      lines[core].name = fmt::format("core {}", core);
      lines[core].points.emplace_back(number_of(second["at"]), number_of(cores[core][key]) * factor);
    }
  }
  return lines;
}

PlotLine histogram_line(const Json& run) {
  PlotLine line{unit_of(run), {}};
  const Distribution distribution = distribution_of(run["histogram_ns"]);
  // Eight log-linear buckets in one bar, so that bars are wide enough to be seen.
  double bar_end = 0;
  for (const auto& [bound, count] : distribution.buckets()) {
    const double ms = static_cast<double>(bound) / 1e6;
    if (line.points.empty() || ms > bar_end) {
      bar_end = ms * 1.2;
      line.points.emplace_back(ms, 0);
    }
    line.points.back().second += static_cast<double>(count);
    line.points.back().first = ms;
  }
  return line;
}

std::string latency_plots(const Json& run) {
  return svg_of({.title = "Latency of each second",
                 .x_unit = "seconds",
                 .y_unit = "ms",
                 .y_logarithmic = true,
                 .lines = {line_of(run, "p50", "p50_ms"), line_of(run, "p99", "p99_ms"),
                           line_of(run, "p99.9", "p99_9_ms"), line_of(run, "longest", "max_ms")}}) +
         svg_of({.title = "Latency of all " + unit_of(run),
                 .x_unit = "ms",
                 .y_unit = unit_of(run),
                 .x_logarithmic = true,
                 .bars = true,
                 .lines = {histogram_line(run)}});
}

// What the server said of itself, of those figures that it has.
struct ServerPlot {
  std::string_view key;
  std::string_view title;
  std::string_view unit;
  double factor;
};
constexpr std::array<ServerPlot, 8> kServerPlots{{
    {"core_busy_ns", "Server: busy share of each core", "%", 1e-7},
    {"intake_messages", "Server: messages taken", "/s", 1},
    {"journal_frames", "Server: flushes", "/s", 1},
    {"journal_frame_records_p50", "Server: records in a flush, median", "records", 1},
    {"journal_commit_ns_p99", "Server: time of a flush, p99", "ms", 1e-6},
    {"core_completions_per_turn_p50", "Server: completions in a turn, median", "completions", 1},
    {"deliver_recipients_active", "Server: recipients being delivered", "recipients", 1},
    {"spool_messages", "Server: messages in the queue", "messages", 1},
}};

std::string server_plots(const Json& run) {
  std::string text;
  const Json::List& seconds = run["seconds"].list();
  if (!seconds.empty() && !seconds[0]["memory_mb"].is_null())
    text += svg_of({.title = "Server: memory of its own",
                    .x_unit = "seconds",
                    .y_unit = "MB",
                    .lines = {line_of(run, "memory", "memory_mb")}});
  for (const ServerPlot& one : kServerPlots)
    text += svg_of({.title = std::string(one.title),
                    .x_unit = "seconds",
                    .y_unit = std::string(one.unit),
                    .lines = core_lines(run, "server", one.key, one.factor)});
  return text;
}

std::string plots(const Json& run) {
  return "<div class=\"plots\">\n" +
         svg_of({.title = "Rate and trouble",
                 .x_unit = "seconds",
                 .y_unit = unit_of(run) + "/s",
                 .lines = {line_of(run, "acknowledged", "rate"),
                           line_of(run, "refused or unanswered", "wrong")}}) +
         latency_plots(run) +
         svg_of({.title = "Loader: busy share of each core",
                 .x_unit = "seconds",
                 .y_unit = "%",
                 .lines = core_lines(run, "cores", "busy", 100)}) +
         svg_of({.title = "Acknowledged on each core",
                 .x_unit = "seconds",
                 .y_unit = unit_of(run) + "/s",
                 .lines = core_lines(run, "cores", "acknowledged", 1)}) +
         server_plots(run) + "</div>\n";
}

std::string options_table(const Json& run) {
  std::string rows;
  const auto row = [&rows](std::string_view name, const std::string& value) {
    if (!value.empty() && value != "0")
      rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(name), html_escaped(value));
  };
  row("started", run["started"].text());
  row("machine", run["machine"].text());
  row("kernel", run["kernel"].text());
  for (const auto& [key, value] : run["options"].object()) row(key, value.text());
  const Json& summary = run["summary"];
  for (const std::string_view key : {"acknowledged", "refused", "unanswered", "attempts", "connections",
                                     "lost_connections", "timeouts", "tls_sessions", "tls_resumed"})
    row(key, summary[key].text());
  for (const auto& [code, count] : summary["codes"].object())
    row("reply " + code, count.text() + " times: " + summary["examples"][code].text());
  return "<details><summary>How it was run, and what was answered</summary><table>\n" + rows +
         "</table></details>\n";
}

std::string run_section(const Json& run, std::size_t index, std::size_t of_its_name) {
  std::string text = fmt::format("<section><h2>{}{}</h2>\n", html_escaped(run["name"].text()),
                                 of_its_name > 1 ? fmt::format(" <small>run {}</small>", of_its_name) : "");
  for (const std::string& remark : remarks(run))
    text += fmt::format("<p class=\"remark\">{}</p>\n", html_escaped(remark));
  text += "<div class=\"figures\">\n";
  for (const Figure& figure : kFigures)
    text += fmt::format(
        "<div><small>{}</small><b data-run=\"{}\" data-figure=\"{}\">{}</b><small>{}</small></div>\n",
        figure.name, index, figure.key, shown(figure_of(run, figure), figure), figure.unit);
  return text + "</div>\n" + plots(run) + options_table(run) + "</section>\n";
}

std::string comparison_rows(const RunGroup& base, const RunGroup& other) {
  std::string rows;
  for (const Difference& d : differences(base, other)) {
    const std::string said = verdict(d);
    rows += fmt::format(
        "<tr><td data-label=\"\">{}</td><td data-label=\"\">{}</td><td class=\"n\" "
        "data-label=\"base\">{}</td><td class=\"n\" data-label=\"this\">{}</td>"
        "<td class=\"n\" data-label=\"ratio\">{}</td><td class=\"n\" data-label=\"95 %\">{}</td>"
        "<td class=\"n\" data-label=\"p\">{:.3f}</td><td class=\"verdict {}\" "
        "data-label=\"\">{}</td></tr>\n",
        html_escaped(other.name), d.figure->name, shown(base.middle(*d.figure), *d.figure),
        shown(other.middle(*d.figure), *d.figure),
        d.ratio.known ? fmt::format("{:.3f}", d.ratio.value) : "none",
        d.ratio.known ? fmt::format("{:.3f} to {:.3f}", d.ratio.low, d.ratio.high) : "none", d.p, said, said);
  }
  return rows;
}

std::string comparison(const std::vector<RunGroup>& groups) {
  if (groups.size() < 2) return {};
  std::string text = fmt::format(
      "<section><h2>Compared with {}</h2><p class=\"soft\">Medians of all runs of a name; ratio with the "
      "range that "
      "holds 95 % of its resamplings; p: how often chance alone makes such a difference (Mann-Whitney).</p>\n"
      "<table class=\"compare\"><thead><tr><th>run</th><th>figure</th><th class=\"n\">base</th><th "
      "class=\"n\">this</th><th class=\"n\">ratio</th><th class=\"n\">95 %</th><th "
      "class=\"n\">p</th><th></th></tr></thead><tbody>\n",
      html_escaped(groups[0].name));
  for (std::size_t i = 1; i < groups.size(); ++i) text += comparison_rows(groups[0], groups[i]);
  Plot rates{.title = "Rates beside each other", .x_unit = "seconds", .y_unit = "messages/s", .lines = {}};
  Plot tails{.title = "p99 beside each other",
             .x_unit = "seconds",
             .y_unit = "ms",
             .y_logarithmic = true,
             .lines = {}};
  for (const RunGroup& group : groups) {
    rates.lines.push_back(line_of(*group.runs[0], group.name, "rate"));
    tails.lines.push_back(line_of(*group.runs[0], group.name, "p99_ms"));
  }
  return text + "</tbody></table>\n<div class=\"plots\">" + svg_of(rates) + svg_of(tails) +
         "</div></section>\n";
}

// "</script>" cannot occur: "<" is written as an escape.
std::string embedded(const std::vector<Json>& runs) {
  Json::List list;
  for (const Json& run : runs)
    list.push_back(Json().set("name", run["name"]).set("loop", run["loop"]).set("summary", run["summary"]));
  std::string text;
  for (const char c : admin::to_string(Json(std::move(list))))
    text += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return "<script type=\"application/json\" id=\"runs\">" + text + "</script>\n";
}

}  // namespace

std::string report_page(const std::vector<Json>& runs) {
  const std::vector<RunGroup> groups = groups_of(runs);
  std::string text(kHead);
  text += fmt::format(
      "<h1>Load report</h1><p class=\"soft\">{} run{}. Latency of acknowledged messages; in an open loop it "
      "counts from when each was due.</p>\n",
      runs.size(), runs.size() == 1 ? "" : "s");
  text += comparison(groups);
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < runs.size(); ++i)
    text += run_section(runs[i], i, ++seen[runs[i]["name"].text()]);
  return text + embedded(runs) + "</body></html>\n";
}

}  // namespace ringpost::loadgen
