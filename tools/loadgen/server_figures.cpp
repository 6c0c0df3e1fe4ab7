#include "server_figures.hpp"

#include "ringpost/admin/client.hpp"
#include "ringpost/shard/limits.hpp"

namespace ringpost::loadgen {

namespace {

double number_of(const admin::Json& json) {
  if (const auto* exact = json.as<double>()) return *exact;
  return static_cast<double>(json.number());
}

ServerFigures::Values& place(std::vector<ServerFigures::Values>& cores, std::size_t core) {
  if (cores.size() <= core) cores.resize(core + 1);
  return cores[core];
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
  place(figures.tails, core)[name + "_p50"] = number_of(line["p50"]);
  place(figures.tails, core)[name + "_p99"] = number_of(line["p99"]);
}

Result<ServerFigures> ask_figures(const std::string& socket) {
  ServerFigures figures;
  const auto done = admin::ask(socket, "figures", admin::Json(admin::Json::Object{}),
                               [&](const admin::Json& line) { note_figure(line, figures); });
  if (!done) return fail(ErrorKind::temporary, socket + ": " + done.error().text);
  return figures;
}

ServerSecond between(const ServerFigures& before, const ServerFigures& now, double seconds) {
  ServerSecond second;
  second.cores.resize(now.counters.size());
  for (std::size_t core = 0; core < second.cores.size(); ++core) {
    ServerFigures::Values& values = second.cores[core];
    for (const auto& [name, value] : now.counters[core]) {
      if (core >= before.counters.size() || !before.counters[core].contains(name)) continue;
      values[name] = (value - before.counters[core].at(name)) / seconds;
    }
    if (core < now.gauges.size()) values.insert(now.gauges[core].begin(), now.gauges[core].end());
    if (core < now.tails.size()) values.insert(now.tails[core].begin(), now.tails[core].end());
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
