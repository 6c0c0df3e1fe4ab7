#include "sink_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "clean_text.hpp"
#include "limits.hpp"

namespace ringpost::loadgen {

SinkSummary::SinkSummary(const SinkPlan& plan, const std::vector<const SinkCore*>& cores,
                         const Effort& effort)
    : plan_(plan), cores_(cores), effort_(effort) {
  std::vector<std::uint64_t> hashes;
  for (const SinkCore* core : cores) {
    transit_.merge_from(core->figures().transit_ns);
    const auto& own = core->receipts().all();
    hashes.insert(hashes.end(), own.begin(), own.end());
    duplicates_known_ = duplicates_known_ && !core->receipts().overflowed();
  }
  duplicates_ = count_repeats(hashes);
}

// From the first message of any core to the last.
Duration SinkSummary::receiving_time() const {
  std::optional<WallTime> first;
  WallTime last;
  for (const SinkCore* core : cores_) {
    if (!core->first_message()) continue;
    first = first ? std::min(*first, *core->first_message()) : *core->first_message();
    last = std::max(last, core->last_message());
  }
  return first ? last - *first : Duration{0};
}

std::uint64_t SinkSummary::sum(observe::Counter SinkFigures::* counter) const {
  std::uint64_t total = 0;
  for (const SinkCore* core : cores_) total += (core->figures().*counter).value();
  return total;
}

SinkSummary::Domains SinkSummary::busiest(const DomainTable& table) {
  const DomainTable::Entries entries = table.entries();
  Domains all(entries.begin(), entries.end());
  std::ranges::sort(all, std::greater{}, [](const auto& entry) {
    return std::tuple(entry.second.peak, entry.second.messages, entry.first);
  });
  if (all.size() > kDomainsShownMax) all.resize(kDomainsShownMax);
  for (auto& [name, entry] : all) name = clean_text(name);
  return all;
}

std::string SinkSummary::text() const {
  const std::uint64_t messages = sum(&SinkFigures::messages);
  Table table;
  table.row("received", fmt::format("{} messages to {} recipients, {:.1f} MB", grouped(messages),
                                    grouped(sum(&SinkFigures::recipients)),
                                    static_cast<double>(sum(&SinkFigures::bytes)) / 1e6));
  table.row("rate", fmt::format("{:.0f} messages/s over {:.1f} s", per_second(messages, receiving_time()),
                                std::chrono::duration<double>(receiving_time()).count()));
  table.row("checked",
            fmt::format("{}{} duplicates, {} bad checksums, {} out of order, {} not of a generator",
                        duplicates_known_ ? "" : "at least ", duplicates_, sum(&SinkFigures::bad),
                        sum(&SinkFigures::out_of_order), sum(&SinkFigures::foreign)));
  table.row("refused",
            fmt::format("{} temporarily, {} permanently, {} dropped, {} stalled, {} frozen",
                        sum(&SinkFigures::rejected_temporary), sum(&SinkFigures::rejected_permanent),
                        sum(&SinkFigures::dropped), sum(&SinkFigures::stalled), sum(&SinkFigures::frozen)));
  table.row("connections", fmt::format("{} made, {} at once at most, {} turned away, {} with TLS",
                                       grouped(sum(&SinkFigures::connections)), plan_.connections.peak(),
                                       sum(&SinkFigures::turned_away), sum(&SinkFigures::tls_sessions)));
  table.row("sender to here", percentiles(transit_));
  add_effort(effort_, messages, "messages", table);
  if (const std::string lost = lost_lines(); !lost.empty()) table.row("note", "not complete: " + lost);
  std::string text = table.text();
  if (!plan_.options.personas.empty()) text += personas_text();
  const Domains domains = busiest(plan_.domains);
  if (domains.empty()) return text;
  text += "\nconnections at most  messages  domain\n";
  for (const auto& [name, entry] : domains)
    text += fmt::format("{:>19}  {:>8}  {}\n", entry.peak, entry.messages, name);
  return text;
}

std::string SinkSummary::personas_text() const {
  std::string text =
      "\n  messages  at once  away  over rate  greylisted  stormed     4yz     5yz  dropped  persona\n";
  for (const auto& one : plan_.personas)
    text += fmt::format("{:>10}  {:>7}  {:>4}  {:>9}  {:>10}  {:>7}  {:>6}  {:>6}  {:>7}  {}\n",
                        one->messages.value(), one->connections.peak(), one->turned_away.value(),
                        one->over_rate.value(), one->greylistings.value(), one->stormed.value(),
                        one->rejected_temporary.value(), one->rejected_permanent.value(),
                        one->dropped.value(), one->persona().name);
  return text;
}

JsonObject SinkSummary::personas_json() const {
  JsonObject all;
  for (std::size_t i = 1; i < plan_.personas.size(); ++i) {
    const PersonaState& one = *plan_.personas[i];
    all.add(one.persona().name, JsonObject()
                                    .add("messages", one.messages.value())
                                    .add("connections_peak", one.connections.peak())
                                    .add("turned_away", one.turned_away.value())
                                    .add("over_rate", one.over_rate.value())
                                    .add("greylisted", one.greylistings.value())
                                    .add("stormed", one.stormed.value())
                                    .add("rejected_temporary", one.rejected_temporary.value())
                                    .add("rejected_permanent", one.rejected_permanent.value())
                                    .add("dropped", one.dropped.value()));
  }
  return all;
}

std::string SinkSummary::json() const {
  const std::uint64_t messages = sum(&SinkFigures::messages);
  JsonObject domains;
  for (const auto& [name, entry] : busiest(plan_.domains))
    domains.add(name, JsonObject().add("peak", entry.peak).add("messages", entry.messages));
  JsonObject object;
  object.add("received", messages)
      .add("recipients", sum(&SinkFigures::recipients))
      .add("bytes", sum(&SinkFigures::bytes))
      .add("seconds", std::chrono::duration<double>(receiving_time()).count())
      .add("rate", per_second(messages, receiving_time()))
      .add("duplicates", duplicates_)
      .add("duplicates_known", duplicates_known_)
      .add("bad_checksums", sum(&SinkFigures::bad))
      .add("out_of_order", sum(&SinkFigures::out_of_order))
      .add("foreign", sum(&SinkFigures::foreign))
      .add("rejected_temporary", sum(&SinkFigures::rejected_temporary))
      .add("rejected_permanent", sum(&SinkFigures::rejected_permanent))
      .add("dropped", sum(&SinkFigures::dropped))
      .add("stalled", sum(&SinkFigures::stalled))
      .add("frozen", sum(&SinkFigures::frozen))
      .add("lost", sum(&SinkFigures::lost))
      .add("connections", sum(&SinkFigures::connections))
      .add("connections_peak", plan_.connections.peak())
      .add("turned_away", sum(&SinkFigures::turned_away))
      .add("tls_sessions", sum(&SinkFigures::tls_sessions))
      .add("tls_failures", sum(&SinkFigures::tls_failures))
      .add("transit", percentiles_json(transit_))
      .add("cpu", effort_json(effort_, messages))
      .add("personas", personas_json())
      .add("not_complete", lost_lines())
      .add("domains_total", plan_.domains.entries().size())
      .add("domains", domains);
  return object.text();
}

}  // namespace ringpost::loadgen
