// Counts of tokens in memory: what Bayes looks up for each mail.
//
// Layer:  durable, though nothing here is: `Bayes` fills it from its file.
// Owner:  one for the process. One thread at a time writes (offload pool); every core reads at any time, without a lock.
// Memory: 16 bytes a place, 3 places for 2 tokens, allocated once: 24 MB for a million. When it is full, new tokens are refused.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace ringpost::tables {

// Whose the token is (24 bits, never 0), and its hash (40 bits).
using TokenKey = std::uint64_t;
inline constexpr std::uint32_t kTokenOwnersMax = (std::uint32_t{1} << 24U) - 1;
constexpr TokenKey token_key(std::uint32_t owner, std::uint64_t token) {
  return std::uint64_t{owner} << 40U | (token & ((std::uint64_t{1} << 40U) - 1));
}
constexpr std::uint32_t owner_of(TokenKey key) {
  return static_cast<std::uint32_t>(key >> 40U);
}

// Counts end at 2^24 - 1. The time it was last of use is in halves of a day since 1970: enough to know what is old.
struct TokenCount {
  std::uint32_t spam = 0;
  std::uint32_t ham = 0;
  std::uint16_t half_day = 0;
  bool operator==(const TokenCount&) const = default;
};
inline constexpr std::uint32_t kTokenCountMax = (std::uint32_t{1} << 24U) - 1;
std::uint16_t half_day_of(std::int64_t seconds);

class TokenTable {
 public:
  explicit TokenTable(std::size_t tokens_max);

  // Readers, any core. A token that is not there has counts of 0.
  void look_up(std::span<const TokenKey> keys, std::span<TokenCount> counts) const;
  TokenCount get(TokenKey key) const;

  // The writer. False: the table is full, and the token was not there.
  bool put(TokenKey key, const TokenCount& count);
  // Places that are taken, tokens with counts of 0 included.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::size_t tokens_max() const { return tokens_max_; }
  // The writer: every token, in an order that fills another table well.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t at = 0; at < places_count_; ++at)
      if (const TokenKey key = places_[at].key.load(std::memory_order_relaxed); key != 0)
        visit(key, unpack(places_[at].count.load(std::memory_order_relaxed)));
  }

 private:
  struct Place {
    std::atomic<TokenKey> key{0};  // 0: free
    std::atomic<std::uint64_t> count{0};
  };
  static std::uint64_t pack(const TokenCount& count);
  static TokenCount unpack(std::uint64_t packed);
  std::size_t home(TokenKey key) const;
  const Place* find(TokenKey key) const;

  std::size_t tokens_max_;
  std::size_t places_count_;
  std::unique_ptr<Place[]> places_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace ringpost::tables
