#include "server_figures.hpp"

#include <algorithm>

#include "ringpost/admin/client.hpp"
#include "ringpost/shard/limits.hpp"

namespace ringpost::loadgen {

namespace {

double number_of(const admin::Json& json) {
  if (const auto* exact = json.as<double>()) return *exact;
  return static_cast<double>(json.number());
}

template <class Values>
Values& place(std::vector<Values>& cores, std::size_t core) {
  if (cores.size() <= core) cores.resize(core + 1);
  return cores[core];
}

// What there was of it before; nothing, when any counter has fallen since.
template <class Values>
const Values& earlier(const std::vector<Values>& cores, std::size_t core, bool anew) {
  static const Values kNothing;
  return anew || core >= cores.size() ? kNothing : cores[core];
}

bool is_anew(const ServerFigures::Values& before, const ServerFigures::Values& now) {
  return std::ranges::any_of(before, [&](const auto& entry) {
    const auto same = now.find(entry.first);
    return same != now.end() && same->second < entry.second;
  });
}

void add_quantiles(const std::map<std::string, Distribution>& before,
                   const std::map<std::string, Distribution>& now, ServerFigures::Values& values) {
  for (const auto& [name, distribution] : now) {
    const auto same = before.find(name);
    const Distribution fresh = same == before.end() ? distribution : distribution.since(same->second);
    if (fresh.count() == 0) continue;
    values[name + "_p50"] = static_cast<double>(fresh.quantile(0.5));
    values[name + "_p99"] = static_cast<double>(fresh.quantile(0.99));
  }
}

}  // namespace

void note_figure(const admin::Json& line, ServerFigures& figures) {
  const auto core = static_cast<std::size_t>(line["core"].number());
  const std::string name = line["name"].text();
  if (core >= shard::kCoresMax || name.empty()) return;
  if (!line["counter"].is_null()) place(figures.counters, core)[name] = number_of(line["counter"]);
  if (!line["gauge"].is_null()) place(figures.gauges, core)[name] = number_of(line["gauge"]);
  if (line["count"].is_null()) return;
  place(figures.counters, core)[name + "_count"] = number_of(line["count"]);
  if (!line["sum"].is_null()) place(figures.counters, core)[name + "_sum"] = number_of(line["sum"]);
  place(figures.histograms, core)[name] = distribution_of(line["buckets"]);
}

Result<ServerFigures> ask_figures(const std::string& socket) {
  ServerFigures figures;
  const auto done = admin::ask(socket, "figures", admin::Json().set("buckets", true),
                               [&](const admin::Json& line) { note_figure(line, figures); });
  if (!done) return fail(ErrorKind::temporary, socket + ": " + done.error().text);
  return figures;
}

ServerSecond between(const ServerFigures& before, const ServerFigures& now, double seconds) {
  ServerSecond second;
  second.cores.resize(now.counters.size());
  for (std::size_t core = 0; core < second.cores.size(); ++core) {
    ServerFigures::Values& values = second.cores[core];
    const bool anew = is_anew(earlier(before.counters, core, false), now.counters[core]);
    const ServerFigures::Values& counted = earlier(before.counters, core, anew);
    for (const auto& [name, value] : now.counters[core]) {
      const auto same = counted.find(name);
      values[name] = (value - (same == counted.end() ? 0 : same->second)) / seconds;
    }
    if (core < now.gauges.size()) values.insert(now.gauges[core].begin(), now.gauges[core].end());
    if (core < now.histograms.size())
      add_quantiles(earlier(before.histograms, core, anew), now.histograms[core], values);
  }
  return second;
}

admin::Json server_json(const ServerSecond& second) {
  admin::Json::List cores;
  for (const ServerFigures::Values& values : second.cores) {
    admin::Json core(admin::Json::Object{});
    for (const auto& [name, value] : values) core.set(name, value);
    cores.push_back(std::move(core));
  }
  return cores;
}

}  // namespace ringpost::loadgen
