#include "sink_figures.hpp"

#include <algorithm>
#include <functional>

#include "limits.hpp"

namespace ringpost::loadgen {

std::uint64_t Concurrency::enter() {
  const std::uint64_t now = now_.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return now;
}

bool DomainTable::enter(std::string_view domain) {
  const std::scoped_lock lock(mutex_);
  auto found = entries_.find(domain);
  if (found == entries_.end()) {
    if (entries_.size() >= kDomainsCountedMax) {
      ++uncounted_;
      return false;
    }
    found = entries_.emplace(std::string(domain), Entry{}).first;
  }
  Entry& entry = found->second;
  entry.peak = std::max(entry.peak, ++entry.connections);
  return true;
}

void DomainTable::leave(std::string_view domain, std::uint64_t messages) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entries_.find(domain)->second;
  --entry.connections;
  entry.messages += messages;
}

DomainTable::Entries DomainTable::entries() const {
  const std::scoped_lock lock(mutex_);
  return entries_;
}

std::uint64_t DomainTable::uncounted() const {
  const std::scoped_lock lock(mutex_);
  return uncounted_;
}

void Receipts::add(std::string_view id, std::string_view recipient) {
  if (hashes_.size() >= kReceiptsMax) {
    overflowed_ = true;
    return;
  }
  const std::uint64_t first = std::hash<std::string_view>{}(id);
  const std::uint64_t second = std::hash<std::string_view>{}(recipient);
  hashes_.push_back(first ^ (second * 0x9E3779B97F4A7C15U + (first << 6U) + (first >> 2U)));
}

std::uint64_t count_repeats(std::vector<std::uint64_t>& hashes) {
  std::ranges::sort(hashes);
  const auto [first, last] = std::ranges::unique(hashes);
  return static_cast<std::uint64_t>(last - first);
}

}  // namespace ringpost::loadgen
