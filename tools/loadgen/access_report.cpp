#include "access_report.hpp"

#include <fmt/format.h>

namespace ringpost::loadgen {

AccessSummary::AccessSummary(const AccessPlan& plan, const std::vector<const AccessCore*>& cores,
                             const Effort& effort)
    : LoadSummary(plan, {cores.begin(), cores.end()}, effort), access_(plan) {
  for (const AccessCore* core : cores) {
    const AccessFigures& figures = core->figures();
    for (std::size_t i = 0; i < deeds_.size(); ++i) {
      deeds_[i].acknowledged += figures.deeds[i].acknowledged.value();
      deeds_[i].items += figures.deeds[i].items.value();
      deeds_[i].bytes += figures.deeds[i].bytes.value();
      deeds_[i].latency_ns.merge_from(figures.deeds[i].latency_ns);
      items_ += figures.deeds[i].items.value();
    }
    news_ += figures.news.value();
    refusals_.add(figures.refusals);
  }
}

double AccessSummary::own_us_an_item() const {
  const double cpu = std::chrono::duration<double, std::micro>(effort().cpu).count();
  return items_ == 0 ? 0 : cpu / static_cast<double>(items_);
}

void AccessSummary::add_rows(Table& table) const {
  if (items_ > 0)
    table.row("messages", fmt::format("{} read or written, {:.0f}/s; own CPU {:.1f} us for each",
                                      grouped(items_), per_second(items_, elapsed()), own_us_an_item()));
  if (news_ > 0) table.row("news", fmt::format("{} told to connections in IDLE", grouped(news_)));
  if (access_.options.deeds.size() < 2) return;
  for (const DeedShare& share : access_.options.deeds) {
    const Of& of = deeds_[share.deed];
    table.row(access_.deeds()[share.deed].name,
              fmt::format("{}, {:.1f} MB; {}", grouped(of.acknowledged), static_cast<double>(of.bytes) / 1e6,
                          percentiles(of.latency_ns)));
  }
}

void AccessSummary::add_members(JsonObject& object) const {
  JsonObject deeds;
  for (const DeedShare& share : access_.options.deeds) {
    const Of& of = deeds_[share.deed];
    deeds.add(access_.deeds()[share.deed].name, JsonObject()
                                                    .add("acknowledged", of.acknowledged)
                                                    .add("items", of.items)
                                                    .add("bytes", of.bytes)
                                                    .add("latency", percentiles_json(of.latency_ns)));
  }
  object.add("items", items_)
      .add("items_per_second", per_second(items_, elapsed()))
      .add("us_per_item", own_us_an_item())
      .add("news", news_)
      .add("operations", deeds);
}

}  // namespace ringpost::loadgen
