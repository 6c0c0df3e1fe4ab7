#include "core_report.hpp"

#include "code_name.hpp"
#include "verbs.hpp"

namespace ringpost::admin {

namespace {

Json buckets_json(const observe::Histogram& histogram) {
  Json::List list;
  histogram.for_each_bucket([&](std::uint64_t largest, std::uint64_t count) {
    list.push_back(Json::List{Json(largest), Json(count)});
  });
  return list;
}

}  // namespace

Json figure_value(const observe::Registry::Entry& entry, bool buckets) {
  if (entry.counter != nullptr) return entry.counter->value();
  if (entry.gauge != nullptr) return entry.gauge->value();
  const observe::Histogram& histogram = *entry.histogram;
  Json json = Json()
                  .set("count", histogram.count())
                  .set("sum", histogram.sum())
                  .set("p50", histogram.quantile(0.5))
                  .set("p90", histogram.quantile(0.9))
                  .set("p99", histogram.quantile(0.99))
                  .set("p999", histogram.quantile(0.999))
                  .set("max", histogram.max());
  if (buckets) json.set("buckets", buckets_json(histogram));
  return json;
}

Json figures_json(const observe::Registry& figures, bool buckets) {
  Json json{Json::Object()};
  for (const auto& entry : figures.entries()) json.set(entry.name, figure_value(entry, buckets));
  return json;
}

Json stalls_json(const std::vector<shard::Stall>& stalls) {
  Json::List list;
  for (const shard::Stall& stall : stalls)
    list.push_back(Json()
                       .set("time", time_json(stall.time))
                       .set("length_ns", stall.length.count())
                       .set("off_cpu_ns", stall.off_cpu.count())
                       .set("phase", shard::phase_name(stall.phase))
                       .set("phase_ns", stall.phase_length.count())
                       .set("pieces", stall.pieces)
                       .set("slowest_piece_ns", stall.piece_length.count())
                       .set("code", code_name(stall.code)));
  return list;
}

}  // namespace ringpost::admin
