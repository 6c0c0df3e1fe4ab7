// What one core counts. Each module declares its counters as members of a struct of its own and registers
// them here, so no file lists the counters of all modules.
//
// Layer: foundation (base, buffer). Owner: one core writes; any thread reads (relaxed, never torn).
// Cost:  a counter is one uncontended store; nothing here allocates after registration.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/units.hpp"

namespace ringpost::observe {

// Only rises. One writer, so no read-modify-write instruction is needed.
class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Rises and falls.
class Gauge {
 public:
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t count) noexcept { set(value() + count); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// A log-linear histogram of durations or sizes: 32 linear steps for each power of two, so at most 3.2 % off.
class Histogram {
 public:
  void record(std::uint64_t value) noexcept;
  std::uint64_t count() const noexcept;
  // Of all values, modulo 2^64.
  std::uint64_t sum() const noexcept { return sum_.load(std::memory_order_relaxed); }
  // How many values are less than 2^bits: exact.
  std::uint64_t count_below(unsigned bits) const noexcept;
  std::uint64_t max() const noexcept { return max_.load(std::memory_order_relaxed); }
  // The smallest recorded bucket bound that `fraction` (0..1) of the values do not exceed; 0 when empty.
  std::uint64_t quantile(double fraction) const noexcept;
  // Calls `visit(largest value, count)` for every bucket that has any, in rising order.
  template <class F>
  void for_each_bucket(F visit) const {
    for (std::size_t i = 0; i < kBuckets; ++i)
      if (const std::uint64_t count = buckets_[i].load(std::memory_order_relaxed); count != 0)
        visit(upper_bound(i), count);
  }
  void merge_from(const Histogram& other) noexcept;

 private:
  static constexpr unsigned kStepBits = 5;
  static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_bound(std::size_t bucket);
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> max_{0};
  std::atomic<std::uint64_t> sum_{0};
};

// The names of one core's figures. Register at start, before other threads read; what is registered outlives
// the readers. A name is given once: two of the same would add up to a lie.
class Registry {
 public:
  struct Entry {
    std::string name;                  // snake_case, unit last: "journal_commit_ns", "smtp_messages_received"
    std::string help;                  // one sentence
    const Counter* counter = nullptr;  // exactly one of the three is set
    const Gauge* gauge = nullptr;
    const Histogram* histogram = nullptr;
  };
  void add(std::string_view name, std::string_view help, const Counter& counter);
  void add(std::string_view name, std::string_view help, const Gauge& gauge);
  void add(std::string_view name, std::string_view help, const Histogram& histogram);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void insert(Entry entry);
  std::vector<Entry> entries_;
};

}  // namespace ringpost::observe
