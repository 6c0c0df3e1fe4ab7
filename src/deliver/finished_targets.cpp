#include "ringpost/deliver/finished_targets.hpp"

#include <algorithm>
#include <utility>

#include "ringpost/crypto/hash.hpp"

namespace ringpost::deliver {

FinishedTargets::Digest FinishedTargets::digest(std::string_view name) {
  const crypto::Sha256Digest hash = crypto::sha256(name);
  Digest digest = 0;
  for (std::size_t i = 0; i < sizeof digest; ++i)
    digest |= Digest{static_cast<std::uint8_t>(hash[i])} << (8 * i);
  return digest;
}

FinishedTargets::FinishedTargets(std::vector<Digest> earlier, Keep keep)
    : digests_(std::move(earlier)), keep_(std::move(keep)) {
  std::ranges::sort(digests_);
}

bool FinishedTargets::contains(std::string_view name) const {
  return !digests_.empty() && std::ranges::binary_search(digests_, digest(name));
}

void FinishedTargets::add(std::string_view name) {
  const Digest added = digest(name);
  const auto place = std::ranges::lower_bound(digests_, added);
  if (place != digests_.end() && *place == added) return;
  digests_.insert(place, added);
  if (keep_) keep_(added);
}

}  // namespace ringpost::deliver
