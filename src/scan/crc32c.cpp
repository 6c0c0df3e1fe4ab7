#include "ringpost/scan/crc32c.hpp"

#include <array>
#include <cstring>

#ifdef __SSE4_2__
#include <immintrin.h>
#endif

namespace ringpost::scan {

namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected: bit 31 is the coefficient of x^0

// a * b modulo the polynomial.
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 1U << 31U; bit != 0; bit >>= 1U) {
    if ((a & bit) != 0) product ^= b;
    b = (b & 1U) != 0 ? (b >> 1U) ^ kPolynomial : b >> 1U;
  }
  return product;
}

// x^(2^n) for each n that a count of bits of 64-bit sizes in bytes can need.
constexpr auto kPowers = [] {
  std::array<std::uint32_t, 67> powers{};
  powers[0] = 1U << 30U;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = multiply(powers[i - 1], powers[i - 1]);
  return powers;
}();

// x^(8 * bytes): what a CRC is multiplied by when so many zero bytes follow.
constexpr std::uint32_t shift_of(std::uint64_t bytes) {
  std::uint32_t power = 1U << 31U;
  for (std::size_t n = 3; bytes != 0; ++n, bytes >>= 1U)
    if ((bytes & 1U) != 0) power = multiply(power, kPowers[n]);
  return power;
}

constexpr auto kByteTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ kPolynomial : crc >> 1U;
    table[i] = crc;
  }
  return table;
}();

std::uint32_t update_scalar(std::uint32_t crc, const std::byte* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    crc = kByteTable[(crc ^ std::to_integer<std::uint32_t>(bytes[i])) & 0xFFU] ^ (crc >> 8U);
  return crc;
}

#ifdef __SSE4_2__

// The instruction takes 8 bytes and three cycles, but starts anew each cycle: three stripes keep it busy. 256
// bytes a stripe wins already at the size of a short mail, and needs one table of 4 KiB to join the stripes.
constexpr std::size_t kStripe = 256;

constexpr auto kStripeShift = [] {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  const std::uint32_t power = shift_of(kStripe);
  for (std::uint32_t k = 0; k < 4; ++k)
    for (std::uint32_t value = 0; value < 256; ++value) table[k][value] = multiply(power, value << (8 * k));
  return table;
}();

std::uint32_t shift_stripe(std::uint32_t crc) {
  return kStripeShift[0][crc & 0xFFU] ^ kStripeShift[1][(crc >> 8U) & 0xFFU] ^
         kStripeShift[2][(crc >> 16U) & 0xFFU] ^ kStripeShift[3][crc >> 24U];
}

std::uint64_t word_at(const std::byte* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// What is done with each word besides.
struct Read {
  std::uint64_t word(const std::byte* from) { return word_at(from); }
};
struct Copy {
  std::uint64_t word(const std::byte* from) {
    const std::uint64_t word = word_at(from);
    std::memcpy(to + (from - begin), &word, sizeof word);
    return word;
  }
  std::byte* to;
  const std::byte* begin;
};

template <class Each>
std::uint32_t update_three(std::uint32_t crc, const std::byte* bytes, Each each) {
  std::uint64_t a = crc;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  for (std::size_t i = 0; i < kStripe; i += 8) {
    a = _mm_crc32_u64(a, each.word(bytes + i));
    b = _mm_crc32_u64(b, each.word(bytes + kStripe + i));
    c = _mm_crc32_u64(c, each.word(bytes + 2 * kStripe + i));
  }
  const std::uint32_t joined = shift_stripe(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b);
  return shift_stripe(joined) ^ static_cast<std::uint32_t>(c);
}

template <class Each>
std::uint32_t update_words(std::uint32_t crc, const std::byte*& bytes, std::size_t& size, Each each) {
  for (; size >= 3 * kStripe; bytes += 3 * kStripe, size -= 3 * kStripe) crc = update_three(crc, bytes, each);
  for (; size >= 8; bytes += 8, size -= 8)
    crc = static_cast<std::uint32_t>(_mm_crc32_u64(crc, each.word(bytes)));
  return crc;
}

std::uint32_t update(std::uint32_t crc, const std::byte* bytes, std::size_t size) {
  crc = update_words(crc, bytes, size, Read{});
  for (; size != 0; ++bytes, --size) crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(*bytes));
  return crc;
}

std::uint32_t update_copying(std::uint32_t crc, std::byte* to, const std::byte* bytes, std::size_t size) {
  const std::byte* const begin = bytes;
  crc = update_words(crc, bytes, size, Copy{to, begin});
  if (size != 0) std::memcpy(to + (bytes - begin), bytes, size);
  return update(crc, bytes, size);
}

#else

std::uint32_t update_copying(std::uint32_t crc, std::byte* to, const std::byte* bytes, std::size_t size) {
  if (size != 0) std::memcpy(to, bytes, size);
  return update_scalar(crc, bytes, size);
}

std::uint32_t update(std::uint32_t crc, const std::byte* bytes, std::size_t size) {
  return update_scalar(crc, bytes, size);
}

#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
  return ~update(~seed, bytes.data(), bytes.size());
}

std::uint32_t crc32c_copy(std::byte* to, std::span<const std::byte> from, std::uint32_t seed) {
  return ~update_copying(~seed, to, from.data(), from.size());
}

std::uint32_t crc32c_scalar(std::span<const std::byte> bytes, std::uint32_t seed) {
  return ~update_scalar(~seed, bytes.data(), bytes.size());
}

std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t size_b) {
  return multiply(shift_of(size_b), crc_a) ^ crc_b;
}

}  // namespace ringpost::scan
