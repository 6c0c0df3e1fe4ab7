#include "load_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "limits.hpp"
#include "load_id.hpp"

namespace ringpost::loadgen {

LoadSummary::LoadSummary(const LoadPlan& plan, std::vector<const LoadCore*> cores, const Effort& effort)
    : plan_(plan), cores_(std::move(cores)), effort_(effort) {
  bool silent = true;
  for (const LoadCore* core : cores_) {
    const LoadFigures& figures = core->load_figures();
    elapsed_ = std::max(elapsed_, core->elapsed());
    never_begun_ += core->never_begun();
    latency_.merge_from(figures.latency_ns);
    for (const auto& [text, count] : figures.troubles) troubles_[text] += count;
    if (core->silence() < kSilence && figures.begun.value() + figures.connect_failures.value() > 0)
      silent = false;
    silence_ = std::max(silence_, core->silence());
  }
  if (!silent) silence_ = Duration{0};
}

std::uint64_t LoadSummary::sum(observe::Counter LoadFigures::* counter) const {
  std::uint64_t total = 0;
  for (const LoadCore* core : cores_) total += (core->load_figures().*counter).value();
  return total;
}

std::uint64_t LoadSummary::overdue() const {
  std::uint64_t total = 0;
  for (const LoadCore* core : cores_) total += core->overdue();
  return total;
}

Distribution LoadSummary::latency() const {
  Distribution all;
  all.add(latency_);
  return all;
}

void LoadSummary::add_connections(Table& table) const {
  table.row("connections", fmt::format("{} made, {} failed to connect, {} not welcome, {} lost, {} timeouts",
                                       sum(&LoadFigures::connections), sum(&LoadFigures::connect_failures),
                                       sum(&LoadFigures::greet_failures), sum(&LoadFigures::lost_connections),
                                       sum(&LoadFigures::timeouts)));
  if (plan_.load().tls != TlsUse::none)
    table.row("TLS", fmt::format("{} sessions, {} resumed", sum(&LoadFigures::tls_sessions),
                                 sum(&LoadFigures::tls_resumed)));
}

void LoadSummary::add_notes(Table& table) const {
  const double seconds = std::chrono::duration<double>(silence_).count();
  if (silence_ > Duration{0})
    table.row("note",
              fmt::format("the server stopped answering: nothing came in the last {:.1f} s, which the "
                          "rate counts",
                          seconds));
  if (interrupted_) table.row("note", "interrupted by a signal before its time");
  for (const std::string& gap : gaps_) table.row("note", "not complete: " + gap);
}

void LoadSummary::add_memory(Table& table) const {
  if (!memory_.before || !memory_.loaded) {
    if (plan_.load().server_pid != 0) table.row("server's memory", "cannot be read; only its owner may");
    return;
  }
  const double more = static_cast<double>(*memory_.loaded) - static_cast<double>(*memory_.before);
  table.row(
      "server's memory",
      fmt::format("{:.1f} MB before, {:.1f} MB at the end: {:.2f} KiB more for each of {} connections",
                  static_cast<double>(*memory_.before) / 1e6, static_cast<double>(*memory_.loaded) / 1e6,
                  more / 1024 / static_cast<double>(plan_.load().connections), plan_.load().connections));
}

std::string LoadSummary::text() const {
  const std::uint64_t done = acknowledged();
  const std::uint64_t bytes = sum(&LoadFigures::bytes);
  Table table;
  table.row("acknowledged", fmt::format("{} {} of {} begun{}", grouped(done), plan_.unit(),
                                        grouped(sum(&LoadFigures::begun)), acknowledged_more()));
  table.row("rate",
            fmt::format("{:.0f} {}/s, {:.1f} MB/s over {:.2f} s", per_second(done, elapsed_), plan_.unit(),
                        per_second(bytes, elapsed_) / 1e6, std::chrono::duration<double>(elapsed_).count()));
  table.row(plan_.open() ? "latency from intended start" : "latency", percentiles(latency_));
  if (plan_.open() && never_begun_ > 0)
    table.row("late", fmt::format("{} {} were due and found no free connection before the end; the "
                                  "latencies lack them",
                                  grouped(never_begun_), plan_.unit()));
  table.row("not acknowledged",
            fmt::format("{} refused, {} unanswered{}; {} further attempts", sum(&LoadFigures::refused),
                        sum(&LoadFigures::unanswered), refused_more(), sum(&LoadFigures::attempts)));
  add_connections(table);
  add_rows(table);
  add_memory(table);
  add_effort(effort_, done, plan_.unit(), table);
  add_notes(table);
  std::string text = table.text();
  if (!refusals_.by_code.empty()) text += "\nrefusals by code\n";
  for (const auto& [code, entry] : refusals_.by_code)
    text +=
        fmt::format("{:>10}  {}{}\n", entry.count, examples_have_codes() ? "" : code + "  ", entry.example);
  if (!troubles_.empty()) text += "\ntroubles\n";
  for (const auto& [what, count] : troubles_) text += fmt::format("{:>10}  {}\n", count, what);
  return text;
}

std::string LoadSummary::json() const {
  const std::uint64_t done = acknowledged();
  JsonObject codes;
  JsonObject examples;
  for (const auto& [code, entry] : refusals_.by_code) {
    codes.add(code, entry.count);
    examples.add(code, entry.example);
  }
  JsonObject troubles;
  for (const auto& [text, count] : troubles_) troubles.add(text, count);
  JsonObject object;
  object.add("loop", plan_.open() ? "open" : "closed")
      .add("run", checksum_text(plan_.run))
      .add("acknowledged", done)
      .add("begun", sum(&LoadFigures::begun))
      .add("bytes", sum(&LoadFigures::bytes))
      .add("seconds", std::chrono::duration<double>(elapsed_).count())
      .add("rate", per_second(done, elapsed_))
      .add("latency", percentiles_json(latency_))
      .add("never_begun", never_begun_)
      .add("silent_seconds", std::chrono::duration<double>(silence_).count())
      .add("interrupted", interrupted_)
      .add("not_complete", gaps_)
      .add("refused", sum(&LoadFigures::refused))
      .add("unanswered", sum(&LoadFigures::unanswered))
      .add("attempts", sum(&LoadFigures::attempts))
      .add("connections", sum(&LoadFigures::connections))
      .add("connect_failures", sum(&LoadFigures::connect_failures))
      .add("greet_failures", sum(&LoadFigures::greet_failures))
      .add("lost_connections", sum(&LoadFigures::lost_connections))
      .add("timeouts", sum(&LoadFigures::timeouts))
      .add("tls_sessions", sum(&LoadFigures::tls_sessions))
      .add("tls_resumed", sum(&LoadFigures::tls_resumed));
  add_members(object);
  if (memory_.before && memory_.loaded)
    object.add("server_memory",
               JsonObject().add("before_bytes", *memory_.before).add("loaded_bytes", *memory_.loaded));
  object.add("cpu", effort_json(effort_, done))
      .add("codes", codes)
      .add("examples", examples)
      .add("troubles", troubles);
  return object.text();
}

}  // namespace ringpost::loadgen
