#include "ringpost/tables/token_table.hpp"

#include <algorithm>
#include <limits>

#include "ringpost/base/assert.hpp"

namespace ringpost::tables {

namespace {
constexpr std::int64_t kHalfDaySeconds = 12 * 60 * 60;
// Tokens looked up together: while one waits for memory the others are on their way.
constexpr std::size_t kGroup = 16;
}  // namespace

std::uint16_t half_day_of(std::int64_t seconds) {
  return static_cast<std::uint16_t>(
      std::clamp<std::int64_t>(seconds / kHalfDaySeconds, 0, std::numeric_limits<std::uint16_t>::max()));
}

TokenTable::TokenTable(std::size_t tokens_max)
    : tokens_max_(tokens_max),
      places_count_(tokens_max + tokens_max / 2 + 16),
      places_(std::make_unique<Place[]>(places_count_)) {}

std::uint64_t TokenTable::pack(const TokenCount& count) {
  return std::uint64_t{std::min(count.spam, kTokenCountMax)} << 40U |
         std::uint64_t{std::min(count.ham, kTokenCountMax)} << 16U | count.half_day;
}

TokenCount TokenTable::unpack(std::uint64_t packed) {
  return {static_cast<std::uint32_t>(packed >> 40U),
          static_cast<std::uint32_t>(packed >> 16U) & kTokenCountMax, static_cast<std::uint16_t>(packed)};
}

// Tokens are hashes already, but those of one owner share their upper bits.
std::size_t TokenTable::home(TokenKey key) const {
  const std::uint64_t mixed = key * 0x9E3779B97F4A7C15U;
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>(static_cast<Wide>(mixed) * places_count_ >> 64U);
}

// The place of the key, or the free one at which its search ends. There is always a free one.
const TokenTable::Place* TokenTable::find(TokenKey key) const {
  for (std::size_t at = home(key);; at = at + 1 == places_count_ ? 0 : at + 1) {
    const TokenKey there = places_[at].key.load(std::memory_order_acquire);
    if (there == key || there == 0) return &places_[at];
  }
}

TokenCount TokenTable::get(TokenKey key) const {
  const Place* place = find(key);
  return place->key.load(std::memory_order_acquire) == key
             ? unpack(place->count.load(std::memory_order_relaxed))
             : TokenCount{};
}

void TokenTable::look_up(std::span<const TokenKey> keys, std::span<TokenCount> counts) const {
  RP_ASSERT(keys.size() == counts.size());
  for (std::size_t start = 0; start < keys.size(); start += kGroup) {
    const std::size_t end = std::min(start + kGroup, keys.size());
    for (std::size_t at = start; at < end; ++at) __builtin_prefetch(&places_[home(keys[at])]);
    for (std::size_t at = start; at < end; ++at) counts[at] = get(keys[at]);
  }
}

bool TokenTable::put(TokenKey key, const TokenCount& count) {
  RP_ASSERT(owner_of(key) != 0);
  auto* place = const_cast<Place*>(find(key));
  const bool fresh = place->key.load(std::memory_order_relaxed) != key;
  if (fresh && size() >= tokens_max_) return false;
  // The count stands before a reader can find the key.
  place->count.store(pack(count), std::memory_order_relaxed);
  if (fresh) {
    place->key.store(key, std::memory_order_release);
    size_.store(size() + 1, std::memory_order_relaxed);
  }
  return true;
}

}  // namespace ringpost::tables
