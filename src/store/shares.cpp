#include "shares.hpp"

#include "ringpost/store/limits.hpp"
#include "ringpost/store/rights.hpp"

namespace ringpost::store {

void Shares::set(std::string_view owner, std::string_view identifier, bool there) {
  if (identifier.starts_with('-')) return;  // what is taken away shows nobody anything
  const std::lock_guard lock(mutex_);
  if (there) {
    owners_[std::string(identifier)].emplace(owner);
    return;
  }
  const auto found = owners_.find(identifier);
  if (found == owners_.end()) return;
  if (const auto gone = found->second.find(owner); gone != found->second.end()) found->second.erase(gone);
  if (found->second.empty()) owners_.erase(found);
}

const Shares::Owners& Shares::naming(std::string_view identifier) const {
  static const Owners kNobody;
  const auto found = owners_.find(identifier);
  return found == owners_.end() ? kNobody : found->second;
}

std::vector<std::string> Shares::owners(std::string_view reader, std::string_view after) const {
  std::vector<std::string> all;
  const std::lock_guard lock(mutex_);
  const Owners& to_him = naming(reader);
  const Owners& to_anyone = naming(kAnyone);
  // Both are sorted, and read only as far as they are told.
  auto a = to_him.upper_bound(after);
  auto b = to_anyone.upper_bound(after);
  while (all.size() < kOwnersAtOnce && (a != to_him.end() || b != to_anyone.end())) {
    const bool from_a = b == to_anyone.end() || (a != to_him.end() && *a <= *b);
    const std::string& next = from_a ? *a : *b;
    if (a != to_him.end() && b != to_anyone.end() && *a == *b) ++b;
    if (next != reader) all.push_back(next);
    ++(from_a ? a : b);
  }
  return all;
}

bool Shares::has(std::string_view owner, std::string_view reader) const {
  if (owner == reader) return false;
  const std::lock_guard lock(mutex_);
  return naming(reader).contains(owner) || naming(kAnyone).contains(owner);
}

}  // namespace ringpost::store
