// What is known of a message's bytes after the one pass over them.
//
// Layer:   pure value. Lines are those that CRLF ends; offsets count from the first produced byte.
// Limits:  scan/limits.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ringpost/scan/limits.hpp"

namespace ringpost::scan {

struct BodyFacts {
  static constexpr std::uint64_t kNoSeparator = ~std::uint64_t{0};

  std::uint64_t size = 0;  // bytes produced
  std::uint64_t separator_offset =
      kNoSeparator;  // of the first empty line: the header is [0, this), the body follows its CRLF
  std::uint64_t longest_line = 0;  // without its CRLF
  std::uint64_t bare_cr = 0;       // CR without LF, as they came in
  std::uint64_t bare_lf = 0;       // LF without CR, as they came in
  std::uint32_t crc32c = 0;        // of the produced bytes
  bool eight_bit = false;          // a byte above 127
  bool nul = false;                // a zero byte
  bool ends_with_crlf = false;     // or is empty: both may be followed by ".CRLF"
  bool dots_overflow = false;      // more lines begin with a dot than `dots` holds
  std::uint8_t dot_count = 0;
  std::array<std::uint32_t, kDotOffsetsMax> dots;  // offsets of the first lines that begin with a dot

  BodyFacts() {}  // leaves `dots` as it is: only its first dot_count entries mean something
  std::span<const std::uint32_t> known_dots() const { return std::span(dots).first(dot_count); }
  bool has_bare_line_ends() const { return bare_cr != 0 || bare_lf != 0; }
};

}  // namespace ringpost::scan
