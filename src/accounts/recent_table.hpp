// What was found out lately and holds for a while, by a digest of what it was found out about.
//
// Layer: durable, private to accounts. Owner: one core.
// Limits: `size_max` entries; the one that was not used for the longest time goes first.
#pragma once

#include <cstdint>
#include <cstring>
#include <list>
#include <unordered_map>
#include <utility>

#include "ringpost/base/units.hpp"
#include "ringpost/crypto/hash.hpp"

namespace ringpost::accounts {

// Nobody can choose two that meet, nor the text of one.
using RecentId = crypto::Sha256Digest;

inline std::uint64_t number_of(const RecentId& id) {
  std::uint64_t number = 0;
  std::memcpy(&number, id.data(), sizeof number);
  return number;
}

template <class Value>
class RecentTable {
 public:
  explicit RecentTable(std::size_t size_max) : size_max_(size_max) {}

  // Null: nothing that holds now. Valid until the next call.
  const Value* find(const RecentId& id, Instant now) {
    const auto found = by_id_.find(number_of(id));
    if (found == by_id_.end() || found->second->id != id) return nullptr;
    if (found->second->until <= now) {
      drop(found->second);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->value;
  }

  void put(const RecentId& id, Value value, Instant until) {
    if (const auto found = by_id_.find(number_of(id)); found != by_id_.end()) drop(found->second);
    if (entries_.size() == size_max_) drop(std::prev(entries_.end()));
    entries_.push_front({id, std::move(value), until});
    by_id_[number_of(id)] = entries_.begin();
  }

 private:
  struct Entry {
    RecentId id;
    Value value;
    Instant until;
  };
  using Entries = std::list<Entry>;
  void drop(typename Entries::iterator entry) {
    by_id_.erase(number_of(entry->id));
    entries_.erase(entry);
  }
  std::size_t size_max_;
  Entries entries_;
  std::unordered_map<std::uint64_t, typename Entries::iterator> by_id_;
};

}  // namespace ringpost::accounts
