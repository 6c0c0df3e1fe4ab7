#include "distribution.hpp"

#include <algorithm>
#include <cmath>

namespace ringpost::loadgen {

void Distribution::add(std::uint64_t upper_bound, std::uint64_t count) {
  if (count != 0) buckets_[upper_bound] += count;
}

void Distribution::add(const observe::Histogram& histogram) {
  histogram.for_each_bucket([this](std::uint64_t bound, std::uint64_t count) { add(bound, count); });
}

void Distribution::add(const Distribution& other) {
  for (const auto& [bound, count] : other.buckets_) add(bound, count);
}

Distribution Distribution::since(const Distribution& earlier) const {
  Distribution fresh;
  for (const auto& [bound, count] : buckets_) {
    const auto before = earlier.buckets_.find(bound);
    fresh.add(bound, count - (before == earlier.buckets_.end() ? 0 : before->second));
  }
  return fresh;
}

std::uint64_t Distribution::count() const {
  std::uint64_t sum = 0;
  for (const auto& [bound, count] : buckets_) sum += count;
  return sum;
}

std::uint64_t Distribution::quantile(double fraction) const {
  const std::uint64_t total = count();
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (const auto& [bound, count] : buckets_)
    if ((seen += count) >= rank) return bound;
  return 0;
}

admin::Json buckets_json(const Distribution& distribution) {
  admin::Json::List list;
  for (const auto& [bound, count] : distribution.buckets())
    list.emplace_back(admin::Json::List{admin::Json(bound), admin::Json(count)});
  return list;
}

Distribution distribution_of(const admin::Json& buckets) {
  Distribution distribution;
  for (const admin::Json& pair : buckets.list())
    if (pair.list().size() == 2)
      distribution.add(static_cast<std::uint64_t>(pair.list()[0].number()),
                       static_cast<std::uint64_t>(pair.list()[1].number()));
  return distribution;
}

}  // namespace ringpost::loadgen
