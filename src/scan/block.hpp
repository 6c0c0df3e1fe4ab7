// 64 bytes at once: which of them are a given byte, as the bits of a word, lowest first.
//
// Layer:   private to `scan`. kHasVectors says whether this build has the fast form.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace ringpost::scan {

inline constexpr std::size_t kBlockSize = 64;

#ifdef __AVX2__

inline constexpr bool kHasVectors = true;

struct Block {
  __m256i low;
  __m256i high;

  static Block load(const std::byte* bytes) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32))};
  }
  void store(std::byte* bytes) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + 32), high);
  }
  static std::uint64_t join(__m256i low_bits, __m256i high_bits) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(low_bits)) |
           (std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high_bits))} << 32U);
  }
  std::uint64_t equal(char wanted) const {
    const __m256i all = _mm256_set1_epi8(wanted);
    return join(_mm256_cmpeq_epi8(low, all), _mm256_cmpeq_epi8(high, all));
  }
  std::uint64_t eight_bit() const { return join(low, high); }
};

// Gathers over many blocks whether any byte was above 127, or zero.
class Seen {
 public:
  void add(const Block& block) {
    or_ = _mm256_or_si256(or_, _mm256_or_si256(block.low, block.high));
    min_ = _mm256_min_epu8(min_, _mm256_min_epu8(block.low, block.high));
  }
  bool eight_bit() const { return _mm256_movemask_epi8(or_) != 0; }
  bool nul() const { return _mm256_movemask_epi8(_mm256_cmpeq_epi8(min_, _mm256_setzero_si256())) != 0; }

 private:
  __m256i or_ = _mm256_setzero_si256();
  __m256i min_ = _mm256_set1_epi8(-1);
};

#else

inline constexpr bool kHasVectors = false;

#endif

}  // namespace ringpost::scan
