// Which places have the mail of one recipient already, when an alias names several and others failed: over attempts and,
// by way of the spool, over restarts.
//
// Layer: services. Owner: one delivery. A place is known by a digest of its name: 64 bits of SHA-256, so that nobody who
//        writes a .forward can make a name that stands for another.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace ringpost::deliver {

class FinishedTargets {
 public:
  using Digest = std::uint64_t;
  using Keep = std::function<void(Digest)>;
  static Digest digest(std::string_view name);

  // `earlier`: what was kept before. `keep` is called for each that is added; it may be empty.
  explicit FinishedTargets(std::vector<Digest> earlier = {}, Keep keep = {});
  bool contains(std::string_view name) const;
  void add(std::string_view name);

 private:
  std::vector<Digest> digests_;  // sorted
  Keep keep_;
};

}  // namespace ringpost::deliver
