// The server itself: how it is, its figures, reload and stop.
#include <array>

#include <unistd.h>

#include "core_report.hpp"
#include "verbs.hpp"

namespace ringpost::admin {

namespace {

std::uint64_t count_of(const observe::Registry& figures, std::string_view name) {
  for (const auto& entry : figures.entries())
    if (entry.name == name && entry.counter != nullptr) return entry.counter->value();
  return 0;
}

// What is asked of a core; the figures are read after the core was let go.
struct CoreFacts {
  Json json;
  const observe::Registry* figures;
  std::vector<shard::Stall> stalls;
};

std::vector<CoreFacts> core_facts(Control& control) {
  std::vector<CoreFacts> facts;
  control.on_each_core([&](CoreView& view) {
    Json json = Json()
                    .set("core", view.core.index())
                    .set("cpu", view.core.cpu())
                    .set("node", view.core.node())
                    .set("messages", view.spool.message_count())
                    .set("connections", view.receive.open_connections())
                    .set("deliveries", view.deliver.open_flows())
                    .set("judged", count_of(view.core.figures(), "filter_messages"))
                    .set("spam", count_of(view.core.figures(), "filter_spam"))
                    .set("quarantined", view.deliver.quarantined())
                    .set("full", view.spool.full())
                    .set("damages", view.spool.recovery().damages);
    facts.push_back({std::move(json), &view.core.figures(), view.core.stalls().recent()});
  });
  return facts;
}

Answered<Json> show_status(Call& call) {
  const bool buckets = call.arguments.flag("buckets");
  RP_CHECK(call.arguments.finish());
  const ServerStatus status = call.control.status();
  Json::List cores;
  // While the server ends, the services of a core may be gone.
  if (!status.draining)
    for (CoreFacts& facts : core_facts(call.control))
      cores.push_back(std::move(facts.json)
                          .set("figures", figures_json(*facts.figures, buckets))
                          .set("stalls", stalls_json(facts.stalls)));
  call.line(Json()
                .set("version", status.version)
                .set("hostname", status.hostname)
                .set("pid", getpid())
                .set("backend", status.backend)
                .set("configuration", status.config_path)
                .set("generation", status.generation)
                .set("started", time_json(status.started))
                .set("uptime_seconds", seconds_json(call.now - status.started))
                .set("draining", status.draining)
                .set("filter", status.filter)
                .set("cores", std::move(cores)));
  return Json();
}

Answered<Json> reload(Call& call) {
  RP_CHECK(call.arguments.finish());
  auto done = call.control.reload();
  if (!done) return refuse(done.error().text, "mend that, look with `ringpost check`, and reload again");
  Json::List waiting;
  for (std::string& sentence : done->waiting) waiting.emplace_back(std::move(sentence));
  return Json()
      .set("generation", call.control.status().generation)
      .set("waiting", std::move(waiting))
      .set("rules_refused", done->rules_refused);
}

Answered<Json> stop(Call& call) {
  const auto drain = RP_TRY(call.arguments.duration("drain"));
  RP_CHECK(call.arguments.finish());
  constexpr Duration kDrainMax = std::chrono::hours(1);  // as for server.drain
  if (drain && *drain > kDrainMax) return refuse("drain: longer than 1h", "write at most 1h");
  call.control.stop(drain);
  return Json();
}

Json figure_of(const observe::Registry::Entry& entry, bool buckets) {
  Json json = Json().set("name", entry.name);
  Json value = figure_value(entry, buckets);
  if (entry.counter != nullptr) json.set("counter", std::move(value));
  if (entry.gauge != nullptr) json.set("gauge", std::move(value));
  if (entry.histogram != nullptr)
    for (const auto& [key, part] : value.object()) json.set(key, part);
  json.set("help", entry.help);
  return json;
}

Answered<Json> list_figures(Call& call) {
  const bool buckets = call.arguments.flag("buckets");
  RP_CHECK(call.arguments.finish());
  // Any thread may read figures, so the core is only held while its registry is looked up.
  std::vector<const observe::Registry*> registries;
  call.control.on_each_core([&](CoreView& view) { registries.push_back(&view.core.figures()); });
  for (std::size_t core = 0; core < registries.size(); ++core)
    for (const auto& entry : registries[core]->entries()) {
      Json line = Json().set("core", core);
      for (const auto& [key, value] : figure_of(entry, buckets).object()) line.set(key, value);
      call.line(line);
    }
  return Json();
}

Answered<Json> refresh_accounts(Call& call) {
  RP_CHECK(call.arguments.finish());
  if (auto done = call.control.accounts().refresh(); !done) return refuse(done.error());
  return Json();
}

constexpr std::array kVerbs = std::to_array<Verb>({
    {"status", true, show_status},
    {"reload", false, reload},
    {"stop", true, stop},
    {"figures", false, list_figures},
    {"accounts refresh", false, refresh_accounts},
});

}  // namespace

std::span<const Verb> server_verbs() {
  return kVerbs;
}

}  // namespace ringpost::admin
