#include "ringpost/observe/registry.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ringpost/base/assert.hpp"

namespace ringpost::observe {

// Values below 2^kStepBits have a bucket each; above, the top kStepBits bits after the leading one choose it.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  constexpr std::uint64_t kSteps = std::uint64_t{1} << kStepBits;
  if (value < kSteps) return value;
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
  return ((std::size_t{shift} + 1) << kStepBits) + ((value >> shift) - kSteps);
}

std::uint64_t Histogram::upper_bound(std::size_t bucket) {
  constexpr std::uint64_t kSteps = std::uint64_t{1} << kStepBits;
  if (bucket < kSteps) return bucket;
  const std::size_t shift = (bucket >> kStepBits) - 1;
  // The last bucket wraps to 0, and 0 - 1 is the largest value: as it should be.
  return ((kSteps + (bucket & (kSteps - 1)) + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t value) noexcept {
  std::atomic<std::uint64_t>& bucket = buckets_[bucket_of(value)];
  bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& bucket : buckets_) sum += bucket.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Histogram::count_below(unsigned bits) const noexcept {
  if (bits >= 64) return count();
  const std::size_t end = bucket_of(std::uint64_t{1} << bits);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < end; ++i) sum += buckets_[i].load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Histogram::quantile(double fraction) const noexcept {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  const double clamped = std::clamp(fraction, 0.0, 1.0);
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(clamped * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= rank) return std::min(upper_bound(i), max());
  }
  return max();
}

void Histogram::merge_from(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const std::uint64_t more = other.buckets_[i].load(std::memory_order_relaxed);
    if (more != 0)
      buckets_[i].store(buckets_[i].load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  sum_.store(sum() + other.sum(), std::memory_order_relaxed);
  if (other.max() > max()) max_.store(other.max(), std::memory_order_relaxed);
}

void Registry::insert(Entry entry) {
  const auto same = [&](const Entry& known) { return known.name == entry.name; };
  RP_ASSERT(std::ranges::none_of(entries_, same));
  entries_.push_back(std::move(entry));
}

void Registry::add(std::string_view name, std::string_view help, const Counter& counter) {
  insert({std::string(name), std::string(help), &counter, nullptr, nullptr});
}
void Registry::add(std::string_view name, std::string_view help, const Gauge& gauge) {
  insert({std::string(name), std::string(help), nullptr, &gauge, nullptr});
}
void Registry::add(std::string_view name, std::string_view help, const Histogram& histogram) {
  insert({std::string(name), std::string(help), nullptr, nullptr, &histogram});
}

}  // namespace ringpost::observe
