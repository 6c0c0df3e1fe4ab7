// SipHash-2-4: a keyed hash of 64 bits for tables whose keys strangers choose. A hundred times cheaper than HMAC, and no more than a table
// needs: who does not know the key cannot find two texts of one hash.
//
// Layer:   pure. No I/O, clock, log, allocation.
// Sources: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringpost::crypto {

struct ShortHashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};
// The first 16 bytes of a secret; what a shorter one lacks is 0.
inline ShortHashKey short_hash_key(std::string_view secret) {
  std::array<char, 16> bytes{};
  std::memcpy(bytes.data(), secret.data(), std::min(secret.size(), bytes.size()));
  return std::bit_cast<ShortHashKey>(bytes);
}

namespace detail {

struct ShortHashState {
  std::uint64_t a, b, c, d;
  constexpr void mix() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  constexpr void take(std::uint64_t word) {
    d ^= word;
    mix();
    mix();
    a ^= word;
  }
};

}  // namespace detail

inline std::uint64_t short_hash(ShortHashKey key, std::string_view text) {
  static_assert(std::endian::native == std::endian::little);
  detail::ShortHashState state{key.first ^ 0x736f6d6570736575U, key.second ^ 0x646f72616e646f6dU,
                               key.first ^ 0x6c7967656e657261U, key.second ^ 0x7465646279746573U};
  const std::uint64_t size = text.size();
  std::uint64_t word = 0;
  for (; text.size() >= sizeof(word); text.remove_prefix(sizeof(word))) {
    std::memcpy(&word, text.data(), sizeof(word));
    state.take(word);
  }
  word = 0;
  std::memcpy(&word, text.data(), text.size());
  state.take(word | size << 56U);
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.mix();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace ringpost::crypto
