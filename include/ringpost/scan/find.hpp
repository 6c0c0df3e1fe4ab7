// Finding bytes and line ends.
//
// Layer:   pure. Each function has a scalar twin of the same name in `scan::scalar`.
// Input:   any bytes. Nothing outside the span is read.
// Output:  the offset of the first match, or kNotFound.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace ringpost::scan {

inline constexpr std::size_t kNotFound = static_cast<std::size_t>(-1);

// The first `wanted`.
std::size_t find_byte(std::span<const std::byte> bytes, std::byte wanted);
// The CR of the first CRLF. A CR that is the last byte is not yet one.
std::size_t find_crlf(std::span<const std::byte> bytes);
// The first byte that is CR or LF.
std::size_t find_line_end(std::span<const std::byte> bytes);

namespace scalar {
std::size_t find_byte(std::span<const std::byte> bytes, std::byte wanted);
std::size_t find_crlf(std::span<const std::byte> bytes);
std::size_t find_line_end(std::span<const std::byte> bytes);
}  // namespace scalar

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace ringpost::scan
