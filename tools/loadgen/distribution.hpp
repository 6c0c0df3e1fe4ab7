// How often which value came, as counts of log-linear buckets: what a histogram said at one moment.
//
// Layer: tool, pure. Owner: a value. Buckets are observe::Histogram's, so a value is at most 3.2 % off.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ringpost/admin/json.hpp"
#include "ringpost/observe/registry.hpp"

namespace ringpost::loadgen {

class Distribution {
 public:
  using Buckets = std::map<std::uint64_t, std::uint64_t>;  // count by upper bound

  void add(const observe::Histogram& histogram);
  void add(const Distribution& other);
  void add(std::uint64_t upper_bound, std::uint64_t count);
  // What came after `earlier`, which was taken of the same histograms.
  Distribution since(const Distribution& earlier) const;

  std::uint64_t count() const;
  // The upper bound that `fraction` of the values do not exceed; 0 when there are none.
  std::uint64_t quantile(double fraction) const;
  std::uint64_t max() const { return buckets_.empty() ? 0 : buckets_.rbegin()->first; }
  const Buckets& buckets() const { return buckets_; }

 private:
  Buckets buckets_;
};

// [[upper bound in nanoseconds, count], ...]
admin::Json buckets_json(const Distribution& distribution);
Distribution distribution_of(const admin::Json& buckets);

}  // namespace ringpost::loadgen
